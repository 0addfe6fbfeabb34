"""The errors of the pipeline, grouped by who has to act on them.

    CitewireError                      code, ids
    ├── InvalidEvent                   the sender: an event that cannot be accepted
    │   └── InvalidArticle             the sender: an article file, with file, line, field and hint
    ├── ConfigError                    the operator: a setting, named by its key
    ├── TransientError                 no one: retried, not before `retry_after` seconds have passed
    └── PermanentError                 the partner's operator: refused. Retried by the schedule of refusals
        ├── EndpointGone               an endpoint that asks never to be called again: not retried
        └── UnsendableError            this revision cannot be sent there, whatever the other side does: not retried

Each has a stable `code` (kebab-case, part of the public interface) and the ids of the objects it concerns,
and can be pickled.
"""

from __future__ import annotations

from typing import Any


class CitewireError(Exception):
    """The base class; never raised itself."""

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


def code_of(error: Exception) -> str:
    """Return the error's code, or its type's name if it is none of ours."""
    return error.code if isinstance(error, CitewireError) else type(error).__name__


def _rebuild(kind: type[CitewireError], message: str, state: dict[str, Any]) -> CitewireError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class InvalidEvent(CitewireError):
    """The input cannot be accepted, and the sender has to correct it. Nothing was changed.

    `further`: the other mistakes found in the same source.
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
        self.hint = hint  # how to fix it, in the imperative
        self.further: tuple[InvalidEvent, ...] = ()

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        field = f"field {self.field!r}: " if self.field else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place + ': ' if place else ''}{field}{self.message}{hint} [{self.code}]"


class InvalidArticle(InvalidEvent):
    """An article file that is malformed or incomplete."""

    code = "invalid-article"


class ConfigError(CitewireError):
    """A setting, folder or file that cannot be used, named by its key. The operator has to fix it.

    `further`: the other mistakes found at the same time.
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
        self.file = file  # the settings file that contains it; None if it does not come from a file
        self.hint = hint  # how to fix it, in the imperative
        self.further: tuple[ConfigError, ...] = ()

    def __str__(self) -> str:
        place = "".join(f"{part}: " for part in (self.file, self.key) if part)
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint} [{self.code}]"


class TransientError(CitewireError):
    """A failure that may go away: the same attempt may succeed later.

    `retry_after`: the seconds that the other side asked to wait, if it did.
    `answer`: the first kilobyte of its response, with our secrets removed, if there was one.
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
        self.status = status  # the HTTP status, if there was one
        self.answer = answer


class PermanentError(CitewireError):
    """The other side understood the request and refused it. `answer` as in TransientError.

    It may still accept it later: servers answer 404, 403 or a redirect for a while during a deployment, too.
    """

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


class UnsendableError(PermanentError):
    """This revision cannot be sent to this channel at all. The other side was not asked, and cannot change it."""

    code = "unsendable"
