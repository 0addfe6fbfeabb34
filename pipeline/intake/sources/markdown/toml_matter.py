"""Read TOML front matter between two lines of `+++`, as Hugo and Zola write it."""

from __future__ import annotations

import re
import tomllib

from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.sources.markdown.front_matter import FrontMatter, check_size

_KEY = re.compile(r"^[ \t]*(?:\[+[ \t]*)?[\"']?([A-Za-z0-9_-]+)[\"']?[ \t]*(?:=|\]|\.)", re.MULTILINE)


def read_toml(matter: str) -> FrontMatter:
    """Read the values. The line of a top-level key is the first one that begins with its name. Raises InvalidValue."""
    check_size(matter)
    try:
        values: dict[str, object] = tomllib.loads(matter)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidValue(
            f"the front matter is not TOML: {error if isinstance(error, ValueError) else 'it is nested too deep'}",
            code="invalid-front-matter",
            hint="correct the line",
            line=_line_in(str(error)),
        ) from error
    lines = {"": 2}
    line, counted = 2, 0
    for key in _KEY.finditer(matter):
        line, counted = line + matter.count("\n", counted, key.start(1)), key.start(1)
        lines.setdefault(key[1], line)
    taxonomies = values.pop("taxonomies", None)  # Zola's
    if isinstance(taxonomies, dict):
        values = taxonomies | values
    return FrontMatter(values, lines)


def _line_in(message: str) -> int | None:
    """Return the line that tomllib reports, counted from the start of the file."""
    found = re.search(r"at line (\d{1,7})", message)
    return int(found[1]) + 1 if found else None
