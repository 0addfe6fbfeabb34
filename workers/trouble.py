"""Log that something does not work once when that begins, and once when it is over, however often it is tried."""

from __future__ import annotations

import time
from typing import Any

from pipeline.errors import CitewireError


class Trouble:
    """What is wrong with one thing that is tried again and again. `begins` and `ends` are the lines that are logged."""

    def __init__(self, log: Any, *, begins: str, ends: str, expected: tuple[type[Exception], ...] = ()) -> None:
        self._log = log
        self._begins = begins
        self._ends = ends
        self._expected = expected  # of a library, and logged without a traceback
        self._kind: str | None = None
        self._since = 0.0

    def report(self, error: Exception | None) -> None:
        """Take the outcome of an attempt: None if it went well. A trouble of another kind is logged as well."""
        kind = None if error is None else kind_of(error)
        if kind == self._kind:
            return
        if error is None:
            self._log.warning(self._ends, seconds=round(time.monotonic() - self._since, 1))
        elif isinstance(error, CitewireError):
            self._log.warning(self._begins, code=error.code, error=str(error))
        elif isinstance(error, self._expected):
            self._log.warning(self._begins, error=str(error))
        else:
            self._log.error(self._begins, error=str(error), exc_info=error)
        if self._kind is None:
            self._since = time.monotonic()
        self._kind = kind


def kind_of(error: Exception) -> str:
    return error.code if isinstance(error, CitewireError) else type(error).__qualname__
