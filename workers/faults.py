"""Report faults to Sentry, or to what takes Sentry's envelopes. Imported only where the settings name a DSN.

A fault is what the task boundary and the web server log with a traceback. A report has its type, the places in the
code, and the ids of the log's line, by which the log shows the rest. It has no message, because a message may quote an
article, a partner or a secret; no variables, no request and no host.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import sentry_sdk
from sentry_sdk.utils import BadDsn, event_from_exception

from pipeline.errors import ConfigError, TransientError, code_of
from pipeline.stages.redaction import redacted

_EVENTS = ("failed", "the sweep ended, and this process with it")
_IDS = ("stage", "event_id", "article", "channel", "delivery")
_KEPT = ("event_id", "timestamp", "platform", "level", "exception", "tags", "release", "sdk", "logger")
_FRAME = ("module", "function", "filename", "lineno", "in_app")
_LONGEST = 200  # characters of an id
_LAST = 2.0  # seconds that the end of the process waits for the last reports


class Reports(logging.Handler):
    """Sends each fault that is logged, in a thread of its own."""

    def __init__(self, dsn: str) -> None:
        super().__init__(logging.ERROR)
        try:
            self._client = sentry_sdk.Client(
                dsn=dsn,
                release=f"citewire@{version('citewire')}",
                default_integrations=False,  # they would change other libraries, and look into requests
                auto_enabling_integrations=False,
                include_local_variables=False,
                include_source_context=False,
                max_breadcrumbs=0,
                auto_session_tracking=False,
                send_client_reports=False,
                server_name="",
                before_send=_without_words,
                shutdown_timeout=_LAST,
            )
        except BadDsn:
            hint = "copy the DSN from the project's settings in Sentry"
            raise ConfigError("is no DSN", key="telemetry.sentry_dsn", hint=hint, code="invalid-dsn") from None

    def emit(self, record: logging.LogRecord) -> None:
        error, facts = _fault(record)
        if error is None or isinstance(error, TransientError):
            return
        event, hint = event_from_exception(error, client_options=self._client.options)
        event["logger"] = str(facts.get("logger", "citewire"))
        event["tags"] = {"code": code_of(error) if isinstance(error, Exception) else type(error).__name__} | {
            name: redacted(str(facts[name]))[:_LONGEST] for name in _IDS if facts.get(name)
        }
        self._client.capture_event(event, hint)

    def close(self) -> None:
        """Send what waits, for at most two seconds."""
        self._client.close(timeout=_LAST)
        super().close()


def _fault(record: logging.LogRecord) -> tuple[BaseException | None, Mapping[str, Any]]:
    """Return the exception of a line that tells of a fault, and the line's facts."""
    if isinstance(record.msg, dict):  # of structlog
        facts = record.msg
        return (_exception(facts.get("exc_info")) if facts.get("event") in _EVENTS else None), facts
    if record.name == "uvicorn.error":  # an exception that left the application, which answered 500
        return _exception(record.exc_info), {"logger": "web"}
    return None, {}


def _exception(exc_info: object) -> BaseException | None:
    found = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    return found if isinstance(found, BaseException) else None


def _without_words(event: Any, _hint: Any) -> Any:
    """Return the event with nothing but what is known to be ours."""
    kept = {name: event[name] for name in _KEPT if name in event}
    kept["exception"] = {"values": [_named(one) for one in event.get("exception", {}).get("values", ())]}
    return kept


def _named(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames", ())
    places = [{name: frame[name] for name in _FRAME if name in frame} for frame in frames]
    return {"type": error.get("type"), "module": error.get("module"), "stacktrace": {"frames": places}}
