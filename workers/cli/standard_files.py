"""Prepare standard input, output and error for a command: none is closed, and an error of output names it."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

OUTPUT = "standard output"  # as errors name it
_OUTPUT, _ERROR = 1, 2  # file descriptors


class _Output(io.FileIO):
    """Standard output. Its errors name it, as those of any other file do."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            error.filename = OUTPUT
            raise


def prepare_standard_files() -> None:
    """Open what the caller closed (`>&-`), so that the ledger never gets its number, and have errors name the output.

    A stream that was replaced, by a test for example, is left as it is.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _ERROR:
        os.set_inheritable(opened, True)
    os.close(opened)
    sys.stderr = sys.stderr or os.fdopen(_ERROR, "w", encoding="utf-8", closefd=False)
    former = sys.stdout
    if former is None or (former is sys.__stdout__ and isinstance(former, io.TextIOWrapper)):
        sys.stdout = _named(former)


def _named(former: io.TextIOWrapper | None) -> io.TextIOWrapper:
    raw = _Output(_OUTPUT, "wb", closefd=False)
    if former is None:
        return io.TextIOWrapper(raw, encoding="utf-8", write_through=True)
    return io.TextIOWrapper(
        raw if former.write_through else io.BufferedWriter(raw),
        encoding=former.encoding,
        errors=former.errors,
        line_buffering=former.line_buffering,
        write_through=former.write_through,
    )


def discard_output() -> None:
    """Send what is left of the answer nowhere, so that the interpreter does not fail on it as it ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
