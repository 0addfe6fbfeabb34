"""The fields of one article file, read by name: a value that cannot stand is an error with file, line and field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.errors import InvalidArticle
from pipeline.hints import nearest
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.model.reading import ReadWarning

T = TypeVar("T")

KNOWN = (
    "id", "title", "question", "summary", "published", "modified", "reviewed", "reviewers", "authors", "topics",
    "language", "image", "canonical", "calls_to_action", "related", "disclaimer", "licence", "references", "embargo",
)  # fmt: skip
ALIASES = {"license": "licence"}
MAX_ENTRIES = 1000  # of any list

_LAST_STEP = re.compile(r"(?:\.[^.\[\]]*|\[\d+\])$")


@dataclass(frozen=True)
class Fields:
    """`lines`: the line (from 1) of a value by its path, such as "title", "references[2]" or "image.width"."""

    file: str
    values: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)
    lenient: bool = False  # a value that cannot be used is left out with a warning, not refused
    warnings: list[ReadWarning] = field(default_factory=list)

    @classmethod
    def known(
        cls, file: str, values: Mapping[str, object], lines: Mapping[str, int], more: tuple[str, ...] = ()
    ) -> Fields:
        """Refuses a key that no article has; `more` are those that the file's form adds."""
        given: dict[str, object] = {}
        for key, value in values.items():
            name = ALIASES.get(key, key)
            fields = cls(file, given, lines)
            if name not in KNOWN + more:
                hint = nearest(name, KNOWN + more)
                raise fields.error(key, InvalidValue(f"unknown field {quoted(key)}", hint=hint, code="unknown-field"))
            if name in given:
                raise fields.error(key, InvalidValue("the field stands twice", hint="keep one", code="duplicate-field"))
            given[name] = value
        by_name = {ALIASES.get(path, path): line for path, line in lines.items()}
        return cls(file, given, by_name)

    def one(self, name: str, read: Callable[[object], T]) -> T | None:
        """The field's value, or None where it is absent, null or an empty text."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            return read(value)
        except InvalidValue as invalid:
            self._refuse(name, invalid)
            return None

    def many(self, name: str, read: Callable[[object], T], *, most: int = MAX_ENTRIES) -> tuple[T, ...]:
        """The field's entries; one value alone is a list of one."""
        value = self.values.get(name)
        if value is None or value == "":
            return ()
        entries = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if len(entries) > most:
            code = "too-many-references" if name == "references" else "too-many-entries"
            invalid = InvalidValue(f"{len(entries):,} entries, and {most:,} are the most", hint="keep fewer", code=code)
            self._refuse(name, invalid)
            entries = entries[:most]
        found: list[T] = []
        for place, entry in enumerate(entries):
            try:
                found.append(read(entry))
            except InvalidValue as invalid:
                self._refuse(f"{name}[{place}]", invalid)
        return tuple(found)

    def warn(self, path: str, invalid: InvalidValue) -> None:
        """Note that the value at `path` is left out."""
        error = self.error(path, invalid)
        self.warnings.append(
            ReadWarning(
                code=error.code,
                message=f"left out: {error.message}",
                file=error.file,
                line=error.line,
                field=error.field,
                hint=error.hint,
            )
        )

    def _refuse(self, path: str, invalid: InvalidValue) -> None:
        if not self.lenient:
            raise self.error(path, invalid) from invalid
        self.warn(path, invalid)

    def error(self, path: str, invalid: InvalidValue) -> InvalidArticle:
        """The error of the value at `path`, with its line or the nearest one around it."""
        whole = path + invalid.at
        return InvalidArticle(
            invalid.message,
            code=invalid.code,
            file=self.file,
            line=invalid.line or self._line(whole),
            field=whole,
            hint=invalid.hint,
        )

    def _line(self, path: str) -> int | None:
        while path not in self.lines:
            shorter = _LAST_STEP.sub("", path)
            if shorter == path:
                return None
            path = shorter
        return self.lines[path]
