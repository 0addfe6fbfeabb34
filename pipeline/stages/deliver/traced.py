"""The spans of deliveries: each is part of the trace of the event that it delivers, and its parcel names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

from pipeline.errors import CitewireError, code_of
from pipeline.ledger.deliveries.sending import PendingDelivery
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.context import Context
from pipeline.tracing import Fact, Span, batch, part

Answers = Sequence[Receipt | CitewireError]


def batch_span(context: Context, channel: str, pending: Sequence[PendingDelivery]) -> AbstractContextManager[object]:
    """Begin the span of a batch of one channel, which is linked with the trace of each of its deliveries."""
    traces = [one.trace for one in pending if one.trace is not None] if len(pending) > 1 else []
    facts: dict[str, Fact] = {"citewire.channel": channel, "citewire.deliveries": len(pending)}
    return batch(context.tracing, "deliver batch", traces, facts=facts)


def delivered(
    context: Context, pending: PendingDelivery, parcel: Parcel, deliver: Callable[[Parcel], Receipt]
) -> Receipt:
    """Deliver a parcel in a span. Raises as `deliver`."""
    with _span(context, pending) as span:
        receipt = deliver(_in_span(parcel, span))
        _note(span, receipt)
        return receipt


def all_delivered(
    context: Context,
    pending: Sequence[PendingDelivery],
    parcels: Sequence[Parcel],
    deliver: Callable[[Sequence[Parcel]], Answers],
) -> Answers:
    """Deliver parcels at once, each in a span. Raises as `deliver`, which returns an answer for each."""
    with ExitStack() as stack:
        spans = [stack.enter_context(_span(context, one)) for one in pending]
        answers = deliver([_in_span(one, span) for one, span in zip(parcels, spans, strict=True)])
        for span, answer in zip(spans, answers, strict=True):
            _note(span, answer)
    return answers


def _span(context: Context, pending: PendingDelivery) -> AbstractContextManager[Span]:
    row = pending.row
    facts: dict[str, Fact] = {
        "citewire.channel": row.channel,
        "citewire.delivery": row.id,
        "citewire.article": row.article,
        "citewire.revision": row.target_revision,
        "citewire.attempt": row.attempts + 1,
    }
    return part(context.tracing, "deliver", pending.trace, kind="client", facts=facts)


def _in_span(parcel: Parcel, span: Span) -> Parcel:
    return parcel if span.traceparent is None else replace(parcel, trace=span.traceparent)


def _note(span: Span, answer: Receipt | CitewireError) -> None:
    if isinstance(answer, CitewireError):
        span.fail(code_of(answer))
    elif answer.status is not None:
        span.note({"http.response.status_code": answer.status})
