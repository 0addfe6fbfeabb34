"""The spans of accepted events. A span is named in the event's row, so that whatever follows is part of its trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack

from msgspec import structs

from pipeline.model.event import Accepted, Event
from pipeline.tracing import Fact, Span, Tracing


def traced(
    tracing: Tracing, batch: Sequence[Event], step: Callable[[Sequence[Event]], list[Accepted]]
) -> list[Accepted]:
    """Accept the events with `step`, each in a span that continues its sender's trace or begins one."""
    if not tracing.is_on:
        return step(batch)
    with ExitStack() as stack:
        spans = [stack.enter_context(_span(tracing, event)) for event in batch]
        answers = step([_in_span(event, span) for event, span in zip(batch, spans, strict=True)])
        for span, answer in zip(spans, answers, strict=True):
            span.note(_facts(answer))
    return answers


def _span(tracing: Tracing, event: Event) -> AbstractContextManager[Span]:
    return tracing.span("accept", kind="server", parent=tracing.parent(event.origin.traceparent))


def _in_span(event: Event, span: Span) -> Event:
    return structs.replace(event, origin=structs.replace(event.origin, trace=span.traceparent))


def _facts(answer: Accepted) -> dict[str, Fact]:
    return {
        "citewire.event": answer.event,
        "citewire.event_type": answer.type,
        "citewire.article": answer.article,
        "citewire.revision": answer.revision,
        "citewire.changed": answer.changed,
        "citewire.outcome": answer.outcome,
    }
