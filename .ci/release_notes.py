"""Print the changelog's section for a tag, as a release's notes; refuse a tag that does not fit.

    python .ci/release_notes.py v1.2.0

Exits with 2 and one line on standard error where the tag is not the version in `pyproject.toml`, the section is missing
or empty, or notes are left under *Unreleased*.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent

_HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\](?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)


def notes_of(tag: str, *, version: str, changelog: str) -> str:
    """Return the section of `version`, without its heading. Raises ValueError that says what to change."""
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, but pyproject.toml has version {version}: tag v{version}")
    sections = _sections(changelog)
    if version not in sections:
        raise ValueError(f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD'")
    date, notes = sections[version]
    if date is None:
        raise ValueError(f"the section of {version} in CHANGELOG.md has no date: '## [{version}] - YYYY-MM-DD'")
    if not notes:
        raise ValueError(f"the section of {version} in CHANGELOG.md is empty")
    if sections.get("Unreleased", (None, ""))[1]:
        raise ValueError(f"CHANGELOG.md has notes under 'Unreleased': move them to {version} or to a later release")
    return notes + "\n"


def _sections(changelog: str) -> dict[str, tuple[str | None, str]]:
    headings = list(_HEADING.finditer(changelog))
    ends = [heading.start() for heading in headings[1:]] + [len(changelog)]
    return {
        heading["name"]: (heading["date"], changelog[heading.end() : end].strip())
        for heading, end in zip(headings, ends, strict=True)
    }


def main(tag: str) -> int:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        print(notes_of(tag, version=version, changelog=(ROOT / "CHANGELOG.md").read_text(encoding="utf-8")), end="")
    except ValueError as refused:
        print(refused, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
