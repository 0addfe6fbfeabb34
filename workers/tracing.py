"""Traces by OpenTelemetry, sent as OTLP over HTTP. Imported only where the settings name a collector.

The provider is this process's own, and never the global one: libraries that trace themselves would otherwise send
addresses and statements, which may contain what is nobody's business.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.metadata import version
from types import TracebackType
from typing import Self

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from pipeline.errors import code_of
from pipeline.tracing import LENGTH, Fact, Kind, Span, is_sampled, is_traceparent

_log = structlog.get_logger()

_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_LINKS = 1_000  # of a batch's span
_QUEUE = 8_192  # spans that wait for the collector; beyond them the oldest are dropped
_TIMEOUT = 5  # seconds that a request to the collector may take, with what is tried again
_LAST = 3.0  # seconds that the end of the process waits for the last spans


class OpenTelemetry:
    """Records spans and sends them, in a thread of its own."""

    is_on = True

    def __init__(self, url: str, *, authorization: str | None = None, sample_ratio: float = 1.0) -> None:
        headers = {"authorization": authorization} if authorization else {}
        self._exporter = OTLPSpanExporter(url, headers=headers, timeout=_TIMEOUT, compression=Compression.Gzip)
        own = {
            "service.name": "citewire",
            "service.version": version("citewire"),
            "service.instance.id": secrets.token_hex(8),
        }
        self._provider = TracerProvider(
            resource=Resource.create(own),
            sampler=ParentBased(TraceIdRatioBased(sample_ratio)),
            span_limits=SpanLimits(max_links=_LINKS, max_attribute_length=256),
            shutdown_on_exit=False,  # `close` does, and a forked process runs no exit handlers
        )
        self._counted = _Counted(self._exporter)
        self._ended = _Ended(self._counted, max_queue_size=_QUEUE)
        self._provider.add_span_processor(self._ended)
        self._tracer = self._provider.get_tracer("citewire")
        self._lock = threading.Lock()
        self._ignored = 0

    @property
    def ignored(self) -> int:
        return self._ignored

    @property
    def lost(self) -> int:
        """How many of the spans that were recorded the collector has not got; once it was closed, for ever."""
        return self._ended.count - self._counted.count

    def parent(self, sent: str | None) -> str | None:
        if sent is None:
            return None
        if is_traceparent(sent):
            return f"00{sent[2:LENGTH]}"
        with self._lock:
            self._ignored += 1
        return None

    def span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str | None = None,
        links: Collection[str] = (),
        facts: Mapping[str, Fact] | None = None,
    ) -> AbstractContextManager[Span]:
        span = self._tracer.start_span(
            name,
            context=trace.set_span_in_context(NonRecordingSpan(_context(parent)) if parent else trace.INVALID_SPAN),
            kind=_KINDS[kind],
            links=[trace.Link(_context(one)) for one in links],
            attributes=dict(facts or {}),
        )
        return _Span(span)

    def close(self) -> None:
        """Send what was recorded, unless the collector takes long."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True, name="last spans")
        last.start()
        last.join(_LAST)
        if last.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]  # ends its pause before it tries again
            last.join(_LAST)
        if self.lost:
            _log.warning("spans were lost", count=self.lost, of=self._ended.count)


class _Counted(SpanExporter):
    """Counts what the collector has taken."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self.count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.count += len(spans)  # in the one thread that exports
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Ended(BatchSpanProcessor):
    """Counts the spans that wait, or waited, for the collector. When too many do, the oldest are dropped."""

    def __init__(self, exporter: SpanExporter, *, max_queue_size: int) -> None:
        super().__init__(exporter, max_queue_size=max_queue_size)
        self._lock = threading.Lock()
        self.count = 0

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is not None and span.context.trace_flags.sampled:
            with self._lock:
                self.count += 1
        super().on_end(span)


class _Span:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str | None:
        known = self._span.get_span_context()
        return f"00-{known.trace_id:032x}-{known.span_id:016x}-{known.trace_flags & 1:02x}"

    def note(self, facts: Mapping[str, Fact]) -> None:
        self._span.set_attributes(facts)

    def fail(self, code: str) -> None:
        self._span.set_attribute("error.type", code)
        self._span.set_status(StatusCode.ERROR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, Exception):
            self.fail(code_of(error))
        self._span.end()


def _context(traceparent: str) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if is_sampled(traceparent) else TraceFlags.DEFAULT)
    return SpanContext(int(traceparent[3:35], 16), int(traceparent[36:52], 16), is_remote=True, trace_flags=flags)
