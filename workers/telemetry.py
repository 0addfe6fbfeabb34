"""What other tools are sent about the work itself. Each tool's library is an extra, imported only if it is set up."""

from __future__ import annotations

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
