"""The error for a value that cannot be accepted. Readers raise it without file and field, which `Fields` adds."""

from __future__ import annotations


class InvalidValue(ValueError):
    """A value cannot be accepted.

    `at`: where in the field, as a path that follows the field's name (".url"). `line`: from 1, if known.

    `further`: other mistakes in the same value.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str = "invalid-field",
        at: str = "",
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.at = at
        self.line = line
        self.further: tuple[InvalidValue, ...] = ()

    def under(self, path: str) -> InvalidValue:
        """Return the same error as seen from the mapping or list that holds the value at `path`."""
        return InvalidValue(self.message, hint=self.hint, code=self.code, at=path + self.at, line=self.line)


def quoted(value: object, most: int = 60) -> str:
    """Return a value for a message: quoted, on one line, and shortened if it is long."""
    text = repr(value[: most + 1] if isinstance(value, str) else value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
