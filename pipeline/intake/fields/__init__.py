"""Read the fields of one article file by name, collecting every mistake with its file, line and field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.errors import InvalidArticle
from pipeline.hints import nearest
from pipeline.intake.fields import other_systems
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.model.reading import ReadWarning

T = TypeVar("T")

KNOWN = (
    "id", "title", "short_title", "question", "summary", "published", "modified", "reviewed", "next_review",
    "reviewers", "authors", "audience", "topics", "language", "translation_of", "image", "canonical",
    "calls_to_action", "related", "disclaimer", "licence", "references", "cites_retracted", "embargo",
)  # fmt: skip
OTHER_SPELLINGS = ("license",)  # of our own field names
MAX_ENTRIES = 1000  # entries of any list
MAX_MISTAKES = 200  # mistakes reported for one file

_LAST_STEP = re.compile(r"(?:\.[^.\[\]]*|\[\d+\])$")


@dataclass(frozen=True)
class Fields:
    """The fields of one file, with the errors and warnings found while reading them.

    `lines`: the line (from 1) of a value by its path, such as "title", "references[2]" or "image.width".

    A value that cannot be used is an error, or a warning if the source is `lenient`; `check` raises the errors.
    """

    file: str
    values: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict)
    lenient: bool = False
    day_first: bool | None = None  # how 03/04/2026 is read; None: it is refused, showing both readings
    warnings: list[ReadWarning] = field(default_factory=list)
    errors: list[InvalidArticle] = field(default_factory=list)

    @classmethod
    def known(
        cls,
        file: str,
        values: Mapping[str, object],
        lines: Mapping[str, int],
        *,
        more: tuple[str, ...] = (),
        invalid: Iterable[InvalidValue] = (),
    ) -> Fields:
        """Sort the keys of a file into our fields, those of other systems, and keys that no article has.

        `more` are the keys that the file format adds, `invalid` the errors in the format itself.
        """
        given: dict[str, object] = {}
        places: dict[str, int] = {}
        fields = cls(file, given, places)
        fields.errors.extend(fields.error("", one) for one in invalid)
        if (hidden := other_systems.not_public(values)) is not None:
            fields.errors.append(cls(file, values, lines).error(*hidden))
        for key, value in values.items():
            if len(fields.errors) == MAX_MISTAKES:
                break
            name = fields._name_of(key, value, values, lines, more)
            if name is None:
                continue
            given[name] = value
            places.update(_renamed(lines, key, name))
        if "topics" not in given and (topics := other_systems.topics_of(values)):
            given["topics"] = topics
            places["topics"] = min(lines[key] for key in other_systems.TOPICS if key in lines)
        return fields

    def _name_of(
        self, key: str, value: object, values: Mapping[str, object], lines: Mapping[str, int], more: tuple[str, ...]
    ) -> str | None:
        """Return the field that a key stands for, or None if there is none."""
        if other_systems.describes_visibility(key, value):
            return None
        name = other_systems.translated(key)
        at = Fields(self.file, values, lines)
        if name in other_systems.TOPICS:
            if "topics" in values:
                self._leave_out(at, key, "`topics` says what the article is about")
            return None
        if name not in KNOWN + more:
            if name.lower() in other_systems.IGNORED:
                self._leave_out(at, key, "means nothing here")
                return None
            hint = nearest(name, KNOWN + more)
            self._add(at.error(key, InvalidValue(f"unknown field {quoted(key)}", hint=hint, code="unknown-field")))
            return None
        if name != key and name in values and key.lower() in OTHER_SPELLINGS:
            invalid = InvalidValue(f"the same as {quoted(name)}", hint="keep one", code="duplicate-field")
            self._add(at.error(max(key, name, key=lambda one: lines.get(one, 0)), invalid))
            return None
        if name != key and (name in values or name in self.values):
            self._leave_out(at, key, f"`{name}` is given too")
            return None
        return name

    def _leave_out(self, at: Fields, key: str, why: str) -> None:
        at.leave_out(key, InvalidValue(why, code="ignored-field"))
        self.warnings.extend(at.warnings)

    def one(self, name: str, read: Callable[[object], T]) -> T | None:
        """Return the field's value, or None if it is absent, null, an empty text, or cannot be used."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        try:
            return read(value)
        except InvalidValue as invalid:
            self.refuse(name, invalid)
            return None

    def many(self, name: str, read: Callable[[object], T], *, most: int = MAX_ENTRIES) -> tuple[T, ...]:
        """Return the field's entries, without those that cannot be used; a single value counts as a list of one."""
        value = self.values.get(name)
        if value is None or value == "":
            return ()
        entries = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if len(entries) > most:
            code = "too-many-references" if name == "references" else "too-many-entries"
            invalid = InvalidValue(f"{len(entries):,} entries, and {most:,} are the most", hint="keep fewer", code=code)
            self.refuse(name, invalid)
            entries = entries[:most]
        found: list[T] = []
        for place, entry in enumerate(entries):
            try:
                found.append(read(entry))
            except InvalidValue as invalid:
                self.refuse(f"{name}[{place}]", invalid)
        return tuple(found)

    def refuse(self, path: str, invalid: InvalidValue) -> None:
        """Note that the value at `path` cannot be used."""
        for one in (invalid, *invalid.further):
            if self.lenient:
                self.leave_out(path, one)
            else:
                self._add(self.error(path, one))

    def refuse_whole(self, path: str, invalid: InvalidValue) -> None:
        """Note an error in something that no article can do without, however lenient its source."""
        self._add(self.error(path, invalid))

    def is_wrong(self, name: str) -> bool:
        """Return whether the field was refused, or an unknown key was probably meant as this field."""
        return any(error.field == name or error.hint == f"did you mean {name!r}?" for error in self.errors)

    def _add(self, error: InvalidArticle) -> None:
        if len(self.errors) < MAX_MISTAKES:
            self.errors.append(error)

    def leave_out(self, path: str, invalid: InvalidValue) -> None:
        """Note that the value at `path` is left out."""
        left_out = f"left out: {invalid.message}"
        self.warn(path, InvalidValue(left_out, hint=invalid.hint, code=invalid.code, at=invalid.at, line=invalid.line))

    def warn(self, path: str, invalid: InvalidValue) -> None:
        """Note something about the value at `path`."""
        error = self.error(path, invalid)
        self.warnings.append(
            ReadWarning(
                code=error.code,
                message=error.message,
                file=error.file,
                line=error.line,
                field=error.field,
                hint=error.hint,
            )
        )

    def check(self) -> None:
        """Raise the first error, in the order of the lines, with the others in its `further`."""
        if self.errors:
            first, *others = sorted(self.errors, key=lambda error: (error.line is None, error.line or 0))
            first.further = tuple(others)
            raise first

    def error(self, path: str, invalid: InvalidValue) -> InvalidArticle:
        """Return the error for the value at `path`, with its line or the nearest one around it."""
        whole = path + invalid.at
        return InvalidArticle(
            invalid.message,
            code=invalid.code,
            file=self.file,
            line=invalid.line or self._line(whole),
            field=whole or None,
            hint=invalid.hint,
        )

    def _line(self, path: str) -> int | None:
        while path not in self.lines:
            shorter = _LAST_STEP.sub("", path)
            if shorter == path:
                return None
            path = shorter
        return self.lines[path]


def _renamed(lines: Mapping[str, int], key: str, name: str) -> dict[str, int]:
    """Return the lines of a key and of the values in it, under another name."""
    if key == name:
        return {path: line for path, line in lines.items() if path == key or path.startswith((f"{key}.", f"{key}["))}
    return {name + path.removeprefix(key): line for path, line in lines.items() if path.startswith(key)}
