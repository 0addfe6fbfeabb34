"""Traces: an article's way from its sender to its partners, in the terms of W3C Trace Context.

A span is named by its `traceparent` (Trace Context, section 3.2), which the ledger keeps with the event, so that a
trace continues in whichever process does the next step. Nothing here knows OpenTelemetry: `workers/tracing.py` does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

Kind = Literal["server", "client", "internal"]
Fact = str | int | bool

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[\x20-\x7e]*)?")
LENGTH = 55  # characters, up to the flags


def is_traceparent(text: str) -> bool:
    """Return whether the text is a valid `traceparent` (Trace Context, sections 3.2.2 and 4.3).

    Version 00 has four fields and no more. A later version may have others after them, which are not read.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        return False
    version, trace, span, _, more = found.groups()
    is_known = version == "00" and more is None
    return (is_known or version not in ("00", "ff")) and trace.strip("0") != "" and span.strip("0") != ""


def is_sampled(traceparent: str) -> bool:
    """Return whether the trace's spans are recorded, as its sender or we decided."""
    return bool(int(traceparent[53:LENGTH], 16) & 1)


class Span(Protocol):
    """A step of a trace, while it lasts."""

    @property
    def traceparent(self) -> str | None:
        """What names the span; None if nothing is traced."""

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Add ids, numbers and words of ours. Never a text of an article, a person or a partner."""

    def fail(self, code: str) -> None:
        """Mark the step as failed. An exception that leaves the span does so too."""


class Tracing(Protocol):
    """Records spans. Safe to share between threads; never raises and never waits."""

    @property
    def is_on(self) -> bool:
        """Return whether anything is traced. If not, nothing needs to be read for it."""

    @property
    def ignored(self) -> int:
        """How many senders' `traceparent` were not valid, in this process."""

    def parent(self, sent: str | None) -> str | None:
        """Return what a sender gave as `traceparent` if it is valid, or None. Anything else is counted."""

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        links: Collection[str] = (),
        facts: Mapping[str, Fact] | None = None,
    ) -> AbstractContextManager[Span]:
        """Begin a span, which ends with the block. Without a parent it begins a trace."""

    def close(self) -> None:
        """Send what was recorded, for at most a few seconds."""


class _NoSpan:
    traceparent: str | None = None

    def note(self, facts: Mapping[str, Fact]) -> None:
        return

    def fail(self, code: str) -> None:
        return


class NoTracing:
    """Records nothing."""

    is_on = False
    ignored = 0

    def parent(self, sent: str | None) -> str | None:
        return None

    def span(self, name: str, **_: object) -> AbstractContextManager[Span]:
        return nullcontext(_NoSpan())

    def close(self) -> None:
        return


def batch(
    tracing: Tracing, name: str, traces: Collection[str], *, kind: Kind = "internal", facts: Mapping[str, Fact]
) -> AbstractContextManager[Span]:
    """Begin the span of a step that is one for several articles: a trace of its own, with a link to each of theirs.

    For one trace it is a part of that. Nothing is recorded if none of the traces is.
    """
    known = sorted({one for one in traces if is_sampled(one)})
    if not known:
        return nullcontext(_NoSpan())
    if len(known) == 1:
        return tracing.span(name, kind=kind, parent=known[0], facts=facts)
    return tracing.span(name, kind=kind, links=known, facts=facts)


def part(
    tracing: Tracing, name: str, trace: str | None, *, kind: Kind = "internal", facts: Mapping[str, Fact]
) -> AbstractContextManager[Span]:
    """Begin a span that is part of a trace. Without a trace nothing is recorded."""
    if trace is None:
        return nullcontext(_NoSpan())
    return tracing.span(name, kind=kind, parent=trace, facts=facts)
