"""The other end of tracing: a collector of OTLP over HTTP, which decodes what it was sent."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from standins.receiver import Receiver

PATH = "v1/traces"


@dataclass(frozen=True)
class Traced:
    """A span as it arrived. Ids are in hexadecimal, as in a `traceparent`."""

    name: str
    trace: str
    id: str
    parent: str
    facts: dict[str, str | int | bool]
    links: frozenset[tuple[str, str]]
    is_error: bool
    kind: int

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace}-{self.id}-01"


def bodies(collector: Receiver) -> list[bytes]:
    return [gzip.decompress(one.body) for one in collector.received]


def resources(collector: Receiver) -> list[dict[str, str]]:
    found = [ExportTraceServiceRequest.FromString(body) for body in bodies(collector)]
    return [
        {one.key: one.value.string_value for one in part.resource.attributes}
        for request in found
        for part in request.resource_spans
    ]


def spans(collector: Receiver) -> list[Traced]:
    """What the collector has, by the time at which it began."""
    found = [
        span
        for body in bodies(collector)
        for part in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]
    return [_traced(span) for span in sorted(found, key=lambda span: span.start_time_unix_nano)]


def _traced(span: Span) -> Traced:
    return Traced(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        facts={one.key: getattr(one.value, one.value.WhichOneof("value") or "") for one in span.attributes},
        links=frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        is_error=span.status.code == span.status.STATUS_CODE_ERROR,
        kind=span.kind,
    )
