"""Faults are reported to Sentry, in envelopes over a socket: what happened and where, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import brotli
import pytest
import structlog
from asgi import send
from bench import Bench, article
from every_stage import deliver, enrich, render

from config import load
from config.settings import Settings
from pipeline.errors import ConfigError
from pipeline.ledger import Ledger
from pipeline.stages.stage import drain
from pipeline.web.app import create_app
from standins.receiver import Receiver
from workers import logs, telemetry

SECRET = "env:SENTRY_DSN"
TEXT = "Take 5 mg of baclofen, whsec_c2VjcmV0"


@pytest.fixture
def sentry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as receiver:
        monkeypatch.setenv("SENTRY_DSN", receiver.url.replace("://", "://" + "a" * 32 + "@") + "7")
        yield receiver


@pytest.fixture
def logged() -> Iterator[None]:
    """The log as a process has it."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure("deliver")
    structlog.configure(cache_logger_on_first_use=False)  # other tests have loggers of their own
    yield
    root.handlers = handlers
    root.setLevel(level)


def settings(**own: object) -> Settings:
    loaded = load({"CITEWIRE_DATA": "unused"})
    return loaded.model_copy(update={"telemetry": type(loaded.telemetry).model_validate(own)})


def reports(sentry: Receiver) -> list[Any]:
    """The events of all envelopes: each is lines of JSON, of which the last is the event."""
    bodies = [brotli.decompress(one.body) for one in sentry.received if one.headers["content-encoding"] == "br"]
    assert len(bodies) == len(sentry.received)
    return [json.loads(body.splitlines()[2]) for body in bodies]


def test_a_fault_at_the_task_boundary_is_reported_with_its_ids_and_no_text(
    ledger: Ledger, sentry: Receiver, logged: None
) -> None:
    bench = Bench(ledger)
    bench.publish(article(text=TEXT))
    drain(bench.context, enrich)
    drain(bench.context, render)

    def broken(parcel: object) -> None:
        patient = TEXT
        raise RuntimeError(f"cannot send {patient}")

    bench.partner.deliver = broken  # type: ignore[method-assign, assignment]
    with telemetry.faults_reported(settings(sentry_dsn=SECRET)):
        deliver.drain(bench.context, "partner")
    (report,) = reports(sentry)
    (error,) = report["exception"]["values"]
    assert (error["type"], error["stacktrace"]["frames"][-1]["function"]) == ("RuntimeError", "broken")
    tags = report["tags"]
    assert (tags["stage"], tags["article"], tags["channel"]) == ("deliver", "spasms", "partner")
    assert tags["delivery"].startswith("dlv_")
    assert report["release"] == f"citewire@{version('citewire')}"
    for private in ("baclofen", "whsec", "cannot send", str(Path.cwd()), "About spasms"):
        assert private not in json.dumps(report)
    assert "user" not in report and "request" not in report and not report.get("server_name")


def test_what_a_partner_refuses_is_no_fault(ledger: Ledger, sentry: Receiver, logged: None) -> None:
    bench = Bench(ledger)
    bench.publish(article())
    bench.partner.mood = "refuses"
    with telemetry.faults_reported(settings(sentry_dsn=SECRET)):
        bench.work()
        structlog.get_logger().error("channel refuses", channel="partner", exc_info=RuntimeError("not a fault"))
    assert reports(sentry) == []


def test_a_500_of_the_web_server_is_reported_without_the_request(
    ledger: Ledger, sentry: Receiver, logged: None
) -> None:
    bench = Bench(ledger)
    app = create_app(bench.context, alive=list)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError(TEXT)

    async def asked() -> None:
        try:
            await send(app, "GET", "/broken?token=hush", headers={"Authorization": "Bearer hush"})
        except RuntimeError as error:  # as uvicorn does
            logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)

    with telemetry.faults_reported(settings(sentry_dsn=SECRET)):
        asyncio.run(asked())
    (report,) = reports(sentry)
    assert report["exception"]["values"][-1]["type"] == "RuntimeError"
    assert "hush" not in json.dumps(report) and "baclofen" not in json.dumps(report)


def test_without_the_setting_nothing_is_reported() -> None:
    before = list(logging.getLogger().handlers)
    with telemetry.faults_reported(settings()):
        assert logging.getLogger().handlers == before


def test_a_dsn_without_its_extra_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ConfigError) as refused:
        telemetry.check_telemetry(settings(sentry_dsn=SECRET))
    assert (refused.value.key, refused.value.code) == ("telemetry.sentry_dsn", "extra-missing")


def test_what_is_no_dsn_is_refused_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_DSN", "hush-hush")
    with pytest.raises(ConfigError) as refused, telemetry.faults_reported(settings(sentry_dsn=SECRET)):
        pass
    assert refused.value.code == "invalid-dsn"
    assert "hush" not in str(refused.value)


def test_a_dsn_is_a_secret_and_never_in_the_settings() -> None:
    with pytest.raises(ValueError, match="sentry_dsn"):
        settings(sentry_dsn="https://abc@sentry.example.org/7")
