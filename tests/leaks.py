"""Names who leaves a socket or a file to the garbage collector.

Python warns of an unclosed socket when it is collected, which may be long after the test that left it, in the middle of
another. So the warnings are gathered here with where each socket was made, the garbage is collected after each module,
and the module fails whose tests left something behind.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import Iterator
from functools import wraps
from types import FrameType

_FRAMES = 8  # of the stack that made a socket

_found: list[str] = []
_made: dict[int, str] = {}  # by the socket's id: weak references are cleared before its finalizer runs


def watch() -> None:
    """Record where each socket is made, and collect warnings that would be attributed to the running test."""
    _remember_sockets()
    _gather_warnings()


def left_behind() -> list[str]:
    """Collect the garbage; return what was not closed since the last call, a line for each.

    What is left after that is set aside: after some thousand tests, which leave millions of objects to caches and
    reports, looking at all of it again takes seconds.
    """
    gc.collect()
    gc.freeze()
    found = _found[:]
    _found.clear()
    return found


def _remember_sockets() -> None:
    original = socket.socket.__init__

    @wraps(original)
    def init(self: socket.socket, *args: object, **kwargs: object) -> None:
        original(self, *args, **kwargs)  # type: ignore[arg-type] # handed on as they came
        _made[id(self)] = f"{os.environ.get('PYTEST_CURRENT_TEST', 'no test')}: {_stack()}"

    socket.socket.__init__ = init  # type: ignore[method-assign] # which is the point


def _gather_warnings() -> None:
    before = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs, /) -> None:
        if isinstance(unraisable.exc_value, ResourceWarning):
            made = _made.get(id(unraisable.object), "")
            _found.append(f"{unraisable.exc_value}{f', made in {made}' if made else ''}")
        else:
            before(unraisable)

    sys.unraisablehook = hook


def _stack() -> str:
    return " < ".join(f"{frame.f_code.co_filename}:{frame.f_lineno}" for frame in _callers(sys._getframe(2)))


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back
