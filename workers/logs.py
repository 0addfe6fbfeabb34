"""One log for the whole system: every process writes one line for each event to standard error.

The lines are formatted for people on a terminal and are JSON everywhere else, those of Celery and uvicorn too.
"""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor

from pipeline.stages.redaction import redacted

_PROCESS = {"name": ""}  # not bound into a logger: those that `up` has used are its children's too

_QUEUE_AWAY = ("consumer: Cannot connect to", "consumer: Connection to broker lost")


def configure(process: str, *, level: int = logging.INFO) -> None:
    """Set up the log. Every line carries `process`: "web", "deliver" …"""
    _PROCESS["name"] = process
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_process,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_secrets,
                _renderer(),
            ],
        )
    )
    handler.addFilter(_queue_away_once)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("celery.worker.strategy", "celery.app.trace", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _queue_away_once(record: logging.LogRecord) -> bool:
    """Drop what Celery's consumer says at each attempt to reach Redis: `doorbell out of order` has said it once."""
    return not (record.name.startswith("celery.worker.consumer") and str(record.msg).startswith(_QUEUE_AWAY))


def _add_process(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event["process"] = _PROCESS["name"]
    return event


def _without_secrets(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Remove what looks like a secret from errors, which may quote what somebody else sent."""
    for name in ("error", "exception"):
        if isinstance(text := event.get(name), str):
            event[name] = redacted(text)
    return event


def _renderer() -> Processor:
    if sys.stderr.isatty():
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
