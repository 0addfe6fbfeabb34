"""The judges of formats: what a rendition must hold so that its readers and partners can use it.

A module in this folder that exports `JUDGE` is the judge of the format that it is named after; an installed package
adds one through the entry-point group `citewire.judges`. A format without one is not judged.

    bytes → JUDGE.verdict → the rules that were looked at, and those that are broken

They are pure and need nothing but the bytes. They share no code with what writes a format, whose mistakes they would
share too. They are no validators: each looks for what a reader or a partner would notice. What they have in common is
in `parts/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pipeline.judging.parts.judge import Judge, Verdict
from pipeline.plugins import Plugins


@cache
def judges() -> Mapping[str, Judge[Any]]:
    """Return every judge by its format's name, in the order of names."""
    return Plugins("pipeline.judging", "JUDGE", "citewire.judges")


def verdict_on(format: str, body: bytes) -> Verdict | None:
    """Return the verdict on a document in a format, or None if the format has no judge."""
    judge = judges().get(format)
    return None if judge is None else judge.verdict(body)
