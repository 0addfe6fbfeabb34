"""What a process does when the ledger, or the other processes, are not as it was started for."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from asgi import get, send
from bench import Bench, article
from every_stage import render
from own_database import own, server
from own_process import FOLDER, SITE
from sqlalchemy.engine import URL
from structlog.testing import capture_logs

from config import load
from config.digest import digest_of
from pipeline.ledger import Ledger, migrations, processes, tokens
from pipeline.ledger.clock import LedgerClock
from pipeline.model.article import Article, Paragraph, Text
from pipeline.model.event import Origin, Publish
from pipeline.stages.accept import Intake, accept
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.flow import STAGES
from pipeline.stages.stage import drain
from pipeline.stages.sweep import sweep
from pipeline.web.app import create_app
from workers import standing
from workers.standing import Standing
from workers.wiring import build_context

__all__ = ["own", "server"]  # fixtures


@contextlib.contextmanager
def migrated_by_a_newer_release(ledger: Ledger) -> Iterator[None]:
    def say(version: str) -> None:
        with ledger.write() as transaction:
            transaction.execute(sa.text("UPDATE alembic_version SET version_num = :now"), {"now": version})

    say("9999")
    try:
        yield
    finally:
        say(migrations.HEAD)


def standing_of(ledger: Ledger, settings: str = "sha256:same") -> Standing:
    return Standing(ledger, LedgerClock(ledger), settings=settings)


def logged_by_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_log", structlog.get_logger())


def test_a_worker_of_a_former_release_takes_no_work_and_says_so_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(ledger)
    with capture_logs() as logged:
        logged_by_standing(monkeypatch)
        own = standing_of(ledger)
        context = replace(bench.context, hold=own.hold)
        bench.publish(article())
        with migrated_by_a_newer_release(ledger):
            for _ in range(3):
                own.look("deliver", "deliver")
            assert not sweep(context)
            assert drain(context, render) == 0
            with ledger.read() as transaction:
                (shown,) = processes.alive(transaction, now=LedgerClock(ledger)())
            assert "ledger-too-new" in (shown.trouble or "")
            assert shown.schema == migrations.HEAD
        own.look("deliver", "deliver")
        assert drain(context, render) == 1
    said = [line["event"] for line in logged if line["event"].startswith("this process")]
    assert said == ["this process takes no work", "this process takes work again"]


def test_a_web_server_of_a_former_release_refuses_events_and_is_not_ready(ledger: Ledger) -> None:
    bench = Bench(ledger)
    own = standing_of(ledger)
    app = create_app(replace(bench.context, hold=own.hold), alive=list)
    with ledger.write() as transaction:
        tokens.add(transaction, "t", name="cms", scope="publish", now=bench.clock())
    with migrated_by_a_newer_release(ledger):
        own.look("web", "web")
        headers = {"Authorization": "Bearer t", "Content-Type": "application/json"}
        refused = asyncio.run(send(app, "POST", "/v1/events", body=b"{}", headers=headers))
        ready = get(app, "/readyz")
        assert refused.status == 503
        assert refused.code == "ledger-too-new"
        assert ready.status == 503
        assert any(cause.startswith("ledger-too-new") for cause in ready.json["causes"])


def test_processes_with_other_settings_say_so_once_and_work_on(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logged:
        logged_by_standing(monkeypatch)
        one, other = standing_of(ledger), standing_of(ledger, "sha256:other")
        for _ in range(3):
            one.look("deliver", "deliver")
            other.look("pipeline", "pipeline")
        assert one.hold() is None
        assert other.hold() is None
        standing_of(ledger).look("pipeline", "pipeline")  # it was started again
        one.look("deliver", "deliver")
    said = [line["event"] for line in logged]
    assert said.count("other processes have other settings") == 2  # each of the two
    assert said[-1] == "all processes have the same settings again"


@pytest.mark.parametrize("differing", ["host", "process id"])
def test_processes_of_one_name_do_not_hide_each_other(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, differing: str
) -> None:
    """Two hosts, and two `citewire up` on one, name their processes alike."""
    seen = set()
    for number in (1, 2):
        if differing == "host":
            monkeypatch.setattr("socket.gethostname", lambda number=number: f"host-{number}")
        else:
            monkeypatch.setattr("os.getpid", lambda number=number: 4_710 + number)
        one = standing_of(ledger)
        one.look("deliver", "deliver")
        with ledger.read() as transaction:
            seen |= {shown.name for shown in processes.alive(transaction, now=LedgerClock(ledger)())}
    assert len(seen) == 2 and all(name.startswith("deliver@") for name in seen)


def test_a_process_that_was_started_again_takes_the_place_of_the_former(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (4_711, 4_712):
        monkeypatch.setattr("os.getpid", lambda pid=pid: pid)
        standing_of(ledger).look("deliver", "deliver")
    standing_of(ledger).look("deliver-2", "deliver")
    with ledger.read() as transaction:
        shown = [one.name.partition("@")[0] for one in processes.alive(transaction, now=LedgerClock(ledger)())]
    assert sorted(shown) == ["deliver", "deliver-2"]


def test_the_digest_of_settings_leaves_out_what_is_a_hosts_own_and_what_is_secret(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    given = {"CITEWIRE_CONFIG": str(tmp_path / "site.toml")}

    def digest(**more: str) -> str:
        return digest_of(load(given | more))

    usual = digest(CITEWIRE_DATA="a")
    assert digest(CITEWIRE_DATA="b", CITEWIRE_DATABASE_URL="postgresql://x:secret@db/x") == usual
    assert digest(CITEWIRE_PUBMED_API_KEY="one") == digest(CITEWIRE_PUBMED_API_KEY="two") != usual
    (tmp_path / "site.toml").write_text(SITE.replace("Notes", "Other notes"))
    assert digest() != usual


_LOCAL = [stage for stage in STAGES if stage.name not in ("enrich", "sources")]  # the others ask servers elsewhere


class Host:
    """A host of the site, with its settings file."""

    def __init__(self, url: URL, folder: Path, *channels: str) -> None:
        self._file = folder / f"{'-'.join(channels)}.toml"
        tables = [FOLDER.format(id=id, path=folder / id) for id in channels]
        self._file.write_text(SITE + "".join(tables))
        self._environment = {
            "CITEWIRE_CONFIG": str(self._file),
            "CITEWIRE_DATA": str(folder / "data"),
            "CITEWIRE_DATABASE_URL": url.render_as_string(hide_password=False),
        }
        self.context = self._built()

    def restart(self) -> None:
        self.close()
        self.context = self._built()

    def close(self) -> None:
        self.context.ledger.close()

    def _built(self) -> Context:
        return build_context(load(self._environment), NoDoorbell())

    def publish(self, number: int) -> None:
        context = self.context
        text = (Paragraph((Text("Rest."),)),)
        made = Article(id=f"article-{number}", title="About rest", answer="Rest.", lead=text, published=context.clock())
        intake = Intake(context.ledger, context.doorbell, context.clock, context.new_id, 0.0)
        accept(intake, Publish(Origin(source="test", id=str(number)), made))

    def work(self) -> int:
        """Do what is due, as a worker of this host does. Return how much that was."""
        done, now = 0, self.context.clock()
        with self.context.ledger.read() as transaction:
            bells = [(stage, bell) for stage in _LOCAL for bell in stage.due(self.context, transaction, now)]
        for stage, bell in bells:
            done += stage.drain(self.context, bell.key)
        return done


def test_every_article_reaches_every_channel_while_hosts_with_other_channels_take_turns(
    own: URL, tmp_path: Path
) -> None:
    """Channels are changed host by host, and a host with the former file starts in between."""
    new, former = Host(own, tmp_path, "one", "two"), Host(own, tmp_path, "one")
    for number in range(12):
        if number == 6:
            new.restart()
        (new if number % 2 else former).publish(number)
        (former if number % 3 else new).work()
    for _ in range(200):
        if new.work() + former.work() == 0:
            break
    for host in (new, former):
        host.close()
    for channel in ("one", "two"):
        found = sorted(path.stem for path in (tmp_path / channel).glob("article-*"))
        assert found == sorted(f"article-{number}" for number in range(12)), channel
        assert all(json.loads(path.read_bytes()) for path in (tmp_path / channel).glob("article-*"))
