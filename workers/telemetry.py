"""What other tools are sent about the work itself. Each tool's library is an extra, imported only if it is set up."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from config.settings import Settings
from pipeline.errors import ConfigError
from pipeline.tracing import NoTracing, Tracing


def tracing_of(settings: Settings) -> Tracing:
    """Return what records traces in this process. Raises ConfigError if the extra or a secret is missing.

    It has a thread, so it belongs to the process that works, and is made after every fork.
    """
    own, authorization = settings.telemetry, _authorization(settings)
    if own.otlp_url is None:
        return NoTracing()
    from workers.tracing import OpenTelemetry

    return OpenTelemetry(own.otlp_url, authorization=authorization, sample_ratio=own.sample_ratio)


def check_telemetry(settings: Settings) -> None:
    """Check that what is set up is installed, and find its secrets. Starts nothing. Raises ConfigError."""
    _authorization(settings)
    _dsn(settings)


@contextmanager
def faults_reported(settings: Settings) -> Iterator[None]:
    """Report faults that are logged, where the settings name a DSN. Raises ConfigError as `check_telemetry`."""
    dsn = _dsn(settings)
    if dsn is None:
        yield
        return
    from workers.faults import Reports

    reports, root = Reports(dsn), logging.getLogger()
    root.addHandler(reports)
    try:
        yield
    finally:
        root.removeHandler(reports)
        reports.close()


def _authorization(settings: Settings) -> str | None:
    """Return what the collector of traces is sent as `Authorization`, if there is a collector and it wants any."""
    own = settings.telemetry
    if own.otlp_url is None:
        return None
    _check_extra("tracing", "opentelemetry.sdk", key="telemetry.otlp_url")
    secret = own.otlp_authorization
    return secret.resolve("telemetry.otlp_authorization") if secret else None


def _dsn(settings: Settings) -> str | None:
    secret = settings.telemetry.sentry_dsn
    if secret is None:
        return None
    _check_extra("sentry", "sentry_sdk", key="telemetry.sentry_dsn")
    return secret.resolve("telemetry.sentry_dsn")


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
