"""Take over the trace of events from the `traceparent` header of the request that brings them (W3C Trace Context)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs
from starlette.datastructures import Headers

from pipeline.model.event import Event

_NAME = "traceparent"


def traceparent_of(headers: Headers) -> dict[str, str]:
    """Return the header, if there is one. Several become one value, which is not valid (section 3.2)."""
    found = headers.getlist(_NAME)
    return {_NAME: ", ".join(found)} if found else {}


def in_trace(events: Sequence[Event], headers: Mapping[str, str]) -> list[Event]:
    """Return the events with the request's trace. One that names a trace itself, as a CloudEvent may, keeps that."""
    sent = headers.get(_NAME)
    if sent is None:
        return list(events)
    return [
        event
        if event.origin.traceparent is not None
        else structs.replace(event, origin=structs.replace(event.origin, traceparent=sent))
        for event in events
    ]
