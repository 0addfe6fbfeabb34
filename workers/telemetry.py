"""What other tools are sent about the work itself. Each tool's library is an extra, imported only if it is set up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from config import Settings
from pipeline.errors import ConfigError
from pipeline.tracing import NoTracing, Tracing


def tracing_of(settings: Settings) -> Tracing:
    """Return what records traces in this process. Raises ConfigError if the extra or a secret is missing.

    It has a thread, so it belongs to the process that works, and is made after every fork.
    """
    own = settings.telemetry
    if own.otlp_url is None:
        return NoTracing()
    _check_extra("tracing", "opentelemetry.sdk", key="telemetry.otlp_url")
    from workers.tracing import OpenTelemetry

    return OpenTelemetry(own.otlp_url, authorization=_authorization(settings), sample_ratio=own.sample_ratio)


def check_telemetry(settings: Settings) -> None:
    """Check that what is set up is installed, and find its secrets. Starts nothing. Raises ConfigError."""
    if settings.telemetry.otlp_url is not None:
        _check_extra("tracing", "opentelemetry.sdk", key="telemetry.otlp_url")
        _authorization(settings)
    if settings.telemetry.sentry_dsn is not None:
        _check_extra("sentry", "sentry_sdk", key="telemetry.sentry_dsn")
        settings.telemetry.sentry_dsn.resolve("telemetry.sentry_dsn")


@contextmanager
def faults_reported(settings: Settings) -> Iterator[None]:
    """Report faults that are logged, where the settings name a DSN. Raises ConfigError as `check_telemetry`."""
    secret = settings.telemetry.sentry_dsn
    if secret is None:
        yield
        return
    _check_extra("sentry", "sentry_sdk", key="telemetry.sentry_dsn")
    from workers.faults import Reports

    reports, root = Reports(secret.resolve("telemetry.sentry_dsn")), logging.getLogger()
    root.addHandler(reports)
    try:
        yield
    finally:
        root.removeHandler(reports)
        reports.close()


def _authorization(settings: Settings) -> str | None:
    secret = settings.telemetry.otlp_authorization
    return secret.resolve("telemetry.otlp_authorization") if secret else None


def _check_extra(extra: str, module: str, *, key: str) -> None:
    try:
        found = find_spec(module) is not None
    except ModuleNotFoundError:  # a package around it
        found = False
    if not found:
        hint = f"install it: pip install 'citewire[{extra}]'"
        raise ConfigError(
            f"needs the extra {extra!r}, which is not installed", key=key, hint=hint, code="extra-missing"
        )
