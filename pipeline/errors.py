"""Every way a step of the pipeline can fail, told apart by who must act.

    CitewireError                      code, ids
    ├── InvalidEvent                   the sender: an event that cannot be understood
    │   └── InvalidArticle             … or an article file: file, line, field, hint
    ├── ConfigError                    the operator: a setting, named by its key
    ├── TransientError                 time: try again, not before `retry_after` seconds
    └── PermanentError                 the partner's owner: trying again will not help
        └── EndpointGone               … and the endpoint says that it never will

Each carries a stable `code` (kebab-case, part of the public interface) and the ids of what it concerns,
chains its cause, and survives pickling.
"""

from __future__ import annotations

from typing import Any


class CitewireError(Exception):
    """The root of the tree; never raised itself."""

    code = "citewire-error"

    def __init__(self, message: str, *, code: str | None = None, **ids: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.ids = ids

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.__dict__)


def _rebuild(kind: type[CitewireError], message: str, state: dict[str, Any]) -> CitewireError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class InvalidEvent(CitewireError):
    """The sender's: what came in cannot be accepted. Nothing was changed by it.

    `further`: the other mistakes that were found in the same source.
    """

    code = "invalid-event"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        file: str | None = None,
        line: int | None = None,
        field: str | None = None,
        hint: str | None = None,
        **ids: str,
    ) -> None:
        super().__init__(message, code=code, **ids)
        self.file = file
        self.line = line  # from 1
        self.field = field
        self.hint = hint  # what to do about it, as an imperative sentence
        self.further: tuple[InvalidEvent, ...] = ()

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        field = f"field {self.field!r}: " if self.field else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place + ': ' if place else ''}{field}{self.message}{hint} [{self.code}]"


class InvalidArticle(InvalidEvent):
    """An article's source that does not say what an article must say."""

    code = "invalid-article"


class ConfigError(CitewireError):
    """The operator's: a setting, folder or file that cannot be used, named by its key.

    `further`: the other mistakes that were found at the same time.
    """

    code = "invalid-config"

    def __init__(
        self,
        message: str,
        *,
        key: str | None = None,
        file: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        **ids: str,
    ) -> None:
        super().__init__(message, code=code, **ids)
        self.key = key
        self.file = file  # the settings file that says it; None where it is not from a file
        self.hint = hint  # what to do about it, as an imperative sentence
        self.further: tuple[ConfigError, ...] = ()

    def __str__(self) -> str:
        place = "".join(f"{part}: " for part in (self.file, self.key) if part)
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint} [{self.code}]"


class TransientError(CitewireError):
    """Time's: the same attempt may succeed later.

    `retry_after`: seconds that the other side asked for, or None where it did not say.
    `answer`: the first kilobyte of what it said, without our secrets; None where it said nothing.
    """

    code = "transient"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status: int | None = None,
        answer: str | None = None,
        code: str | None = None,
        **ids: str,
    ) -> None:
        super().__init__(message, code=code, **ids)
        self.retry_after = retry_after
        self.status = status  # the HTTP status, where there was one
        self.answer = answer


class PermanentError(CitewireError):
    """The partner's: the other side understood and refused. `answer` as in TransientError."""

    code = "refused"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        answer: str | None = None,
        code: str | None = None,
        **ids: str,
    ) -> None:
        super().__init__(message, code=code, **ids)
        self.status = status
        self.answer = answer


class EndpointGone(PermanentError):
    """410 Gone (RFC 9110, section 15.5.11): the endpoint asks never to be called again."""

    code = "endpoint-gone"
