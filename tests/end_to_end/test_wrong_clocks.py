"""Hosts whose clocks are wrong while they work: nothing is claimed under a wrong time, and nothing is lost by it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from faked_clock import FakedClock
from own_database import own_database
from running import ROOT, Running, article, system
from waiting import PATIENCE, until

from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger, processes
from pipeline.ledger.database import Instant
from pipeline.ledger.tables import articles, deliveries, feeds, leases, references
from standins.eutils import EutilsStandin
from standins.receiver import Conduct, Received, Receiver

TAKES_NONE = "this process takes no work"
PROCESSES = ("web", "pipeline", "deliver")


@dataclass(frozen=True)
class Site:
    """A system whose host's clock is turned, its ledger's URL, and its partner."""

    running: Running
    clock: FakedClock
    database: str
    partner: Receiver


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    clock, secret = FakedClock(folder / "clock"), new_secret()
    with (
        contextlib.ExitStack() as stack,
        EutilsStandin() as pubmed,
        Receiver() as partner,
        system(folder, pubmed=pubmed.url, webhook=f"{partner.url}in", secret=secret, start=False) as running,
    ):
        database = f"sqlite:///{folder / 'ledger.sqlite'}"
        if request.param == "postgresql":
            url = stack.enter_context(own_database(sa.make_url(request.getfixturevalue("postgresql"))))
            database = url.render_as_string(hide_password=False)
        running.environment |= {"CITEWIRE_DATABASE_URL": database} | clock.environment
        running.start()
        yield Site(running, clock, database, partner)
        running.stop()
        running.up = None  # before its database is dropped


@contextlib.contextmanager
def beside(running: Running, log: Path, *words: str, **more: str) -> Iterator[None]:
    """A further process of the site, as on another host."""
    with log.open("a") as out:
        process = subprocess.Popen(
            running.command(*words), env=running.environment | more, cwd=ROOT, stdout=out, stderr=out
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def ledger_of(url: str) -> contextlib.closing[Ledger]:
    return contextlib.closing(Ledger(url))


@pytest.mark.parametrize("jump", ["+1d", "-1d"])
def test_a_clock_that_jumps_and_is_set_right_stops_neither_retries_nor_embargoes_nor_withdrawals(
    site: Site, tmp_path: Path, jump: str
) -> None:
    running, clock, partner = site.running, site.clock, site.partner
    which = "ahead" if jump == "+1d" else "behind"
    back, retried, embargoed = (f"{name}-{which}" for name in ("back", "retried", "embargoed"))
    noticed = running.log.read_text().count(TAKES_NONE)
    partner.received.clear()
    assert running.publish(article(tmp_path, back)).status == 0, running.tail()
    partner.conduct(Conduct(status=503))
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=15)
    late = article(tmp_path, embargoed)
    late.write_text(late.read_text().replace("published:", f"embargo: {soon.isoformat()}\npublished:"))
    assert running.publish(article(tmp_path, retried), late, wait=False).status == 0
    clock.turn(jump)
    until(lambda: "clock-wrong" in running.get("/readyz").text, what=running.tail)
    until(lambda: running.log.read_text().count(TAKES_NONE) >= noticed + len(PROCESSES), what=running.tail)
    with ledger_of(site.database) as ledger:
        until(lambda: being_sent(ledger) == 0, what=running.tail)  # what was claimed before
    settled = time.time()
    partner.behave()
    withdrawing = begun(running, "withdraw", back, "--reason", "It was wrong.")
    if site.database.startswith("postgresql"):  # the ledger's clock is another host's, so this one stays wrong
        assert withdrawing.wait(PATIENCE) == 0
        assert "clock-wrong" in running.run("status").out
        time.sleep(5)
        assert not [one for one in partner.received if one.at > settled]  # nothing is sent under a wrong clock
    else:
        time.sleep(5)  # shorter than it takes for the changed clock to be accepted
    clock.turn("+0")
    assert withdrawing.wait(PATIENCE) == 0
    until(lambda: running.get("/readyz").status_code == 200, what=running.tail)
    with ledger_of(site.database) as ledger:
        for name in (retried, embargoed):
            until(lambda name=name: states(ledger, name) == ["delivered"] * 2, what=running.tail)
    until(lambda: (back, "withdrawn") in [told(one) for one in partner.received])
    if site.database.startswith("postgresql"):
        for one in partner.received:
            sent = dt.datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), dt.UTC)
            assert abs(sent - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=10)


def begun(running: Running, *words: str) -> subprocess.Popen[bytes]:
    """A command that is not waited for, because a busy machine takes long for it."""
    command = [*running.command(*words), *running.where]
    return subprocess.Popen(command, env=running.environment, cwd=ROOT, stdout=subprocess.DEVNULL)


def states(ledger: Ledger, name: str) -> list[str]:
    """The states of an article's deliveries."""
    with ledger.read() as transaction:
        return [*transaction.scalars(sa.select(deliveries.c.state).where(deliveries.c.article == name))]


def being_sent(ledger: Ledger) -> int:
    with ledger.read() as transaction:
        return transaction.scalar(sa.select(sa.func.count()).where(deliveries.c.lease.is_not(None))) or 0


def told(one: Received) -> tuple[str, str]:
    return one.headers["citewire-article"], one.headers["citewire-event"]


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_each_kind_of_process_with_a_wrong_clock_says_so_and_leaves_the_work_to_the_others(
    site: Site, tmp_path: Path
) -> None:
    running, url = site.running, site.database
    logs = tmp_path / "odd.log"
    odd = {"behind": ("pipeline", "-2h"), "ahead": ("pipeline", "+2h"), "a-day": ("deliver", "+1d")}
    queue = f"redis+socket://{queue_of(running)}"

    def warned() -> set[str]:
        with ledger_of(url) as ledger, ledger.read() as transaction:
            found = processes.alive(transaction, now=dt.datetime.now(dt.UTC))
        return {one.name.split("@")[0] for one in found if one.trouble and one.name.startswith("odd-")}

    with contextlib.ExitStack() as stack:
        for name, (kind, by) in odd.items():
            clock = FakedClock(tmp_path / name)
            clock.turn(by)
            more = clock.environment | {"CITEWIRE_DATA": str(running.data), "CITEWIRE_REDIS_URL": queue}
            stack.enter_context(beside(running, logs, "worker", kind, "--name", f"odd-{name}", **more))
        until(lambda: warned() == {f"odd-{name}" for name in odd}, what=logs.read_text)
        files = [article(tmp_path, f"article-{number}") for number in range(8)]
        assert running.publish(*files).status == 0, running.tail()
        corrected = article(tmp_path, "article-0", "Rest only.")
        assert running.publish(corrected).status == 0, running.tail()
        assert "Rest only." in (running.data.parent / "out" / "article-0.ninjs").read_text()
        assert running.run("withdraw", "article-1", "--reason", "It was wrong.", "--wait").status == 0
        with ledger_of(url) as ledger, ledger.read() as transaction:
            for table in (leases, articles, deliveries, feeds, references):
                ends = transaction.scalar(sa.select(sa.func.max(table.c.leased_until, type_=Instant())))
                assert ends is None or ends < dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), table.name
        assert "citewire_clock_ahead_seconds" in running.get("/metrics").text
    logged = logs.read_text()
    assert logged.count(TAKES_NONE) == len(odd)
    for line in ("rendered", "delivered", "withdrawal proved"):
        assert f"{line} " not in logged.replace("not delivered", ""), line


def queue_of(running: Running) -> str:
    return str(json.loads((running.data / "running.json").read_text())["redis"]).removeprefix("redis+socket://")
