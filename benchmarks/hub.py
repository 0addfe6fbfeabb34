"""A thousand subscribers of the hub, some of them slow or dead: how soon do the others get a new article?

    python -m benchmarks.hub [--subscribers N] [--slow N] [--dead N]

The system is a real `citewire up`. The subscribers are a process on the loopback interface, with an address for every
ten of them. One subscribes according to the specification; the others are inserted into the ledger as if they had been
verified. An article is published when all are healthy, when some are slow or dead and the hub does not know yet, and
when it does know. Half of the dead refuse connections, half accept them and never answer; the slow take thirty seconds.

Asserts that each healthy subscriber gets exactly one push, with the newest document; that a single subscriber gets it
within two seconds; and that slow and dead ones delay the others by less than half a timeout.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from benchmarks.figures import percentile, table
from benchmarks.processes import end_on_signals, plain_environment, ready, started, until
from benchmarks.receiving import receiving
from benchmarks.samples import numbered
from benchmarks.system import Running, configured, running
from pipeline.ledger import Ledger
from pipeline.ledger.hub import subscriptions
from standins.eutils import EutilsStandin
from standins.subscriber import subscribe

TOPIC = "https://notes.example.org/feeds/latest.json"
TIME_OUT = 5.0  # seconds that the hub waits for a subscriber
_WITHIN = 180.0
_SECRET = "a secret"  # noqa: S105 # of subscribers that do not exist


@dataclass(frozen=True)
class _Round:
    what: str
    alone: float  # seconds from acceptance to the first push
    all: list[float]  # … to each push to a healthy subscriber


class _Crowd:
    """The subscribers' process, and the current subscriptions."""

    def __init__(self, url: str, system: Running) -> None:
        self.url, self.port, self.system = url, urlsplit(url).port or 0, system
        self.ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")

    def pushes(self, after: int) -> Sequence[dict[str, Any]]:
        answer = requests.get(f"{self.url}pushes?after={after}", timeout=60)
        return [json.loads(line) for line in answer.text.splitlines()]

    def count(self) -> int:
        with self.ledger.read() as transaction:
            return subscriptions.count(transaction, now=dt.datetime.now(dt.UTC))

    def subscribe(self, conduct: str, count: int, *, port: int | None = None, first_host: int) -> None:
        """Insert subscriptions into the ledger, ten per address."""
        now = dt.datetime.now(dt.UTC)
        with self.ledger.write() as transaction:
            for number in range(count):
                host = f"127.0.{first_host}.{number // 10 + 1}"
                callback = f"http://{host}:{port or self.port}/{conduct}/{number}"
                subscriptions.keep(
                    transaction,
                    id=subscriptions.id_of(TOPIC, callback),
                    feed="latest",
                    format="json-feed",
                    topic=TOPIC,
                    callback=callback,
                    host=host,
                    secret=_SECRET,
                    expires=now + dt.timedelta(days=1),
                    now=now,
                )

    def end(self) -> None:
        with self.ledger.write() as transaction:
            subscriptions.forget_expired(transaction, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=365))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hub", description="Publish → subscribers of the hub.")
    parser.add_argument("--subscribers", type=int, default=1_000)
    parser.add_argument("--slow", type=int, default=20)
    parser.add_argument("--dead", type=int, default=20)
    arguments = parser.parse_args()
    end_on_signals()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        _measure(Path(name), arguments.subscribers, arguments.slow, arguments.dead)


def _measure(folder: Path, total: int, slow: int, dead: int) -> None:
    plain = plain_environment()
    log = folder / "subscribers.log"
    with (
        EutilsStandin() as pubmed,
        receiving(folder, plain) as partner,
        started("standins.subscriber", environment=plain, log=log) as process,
    ):
        url = ready(process, within=20, log=log)
        with running(folder, configured(folder, pubmed=pubmed.url, partner=partner.url)) as system:
            crowd = _Crowd(url, system)
            _publish(system, folder, 0)
            rounds = [_one_alone(crowd, folder)]
            crowd.subscribe("well", total, first_host=1)
            rounds.append(_round(crowd, folder, 2, "all are well", total))
            crowd.end()
            crowd.subscribe("well", total - slow - dead, first_host=1)
            crowd.subscribe("slow", slow, first_host=2)
            crowd.subscribe("silent", dead // 2, first_host=3)
            crowd.subscribe("well", dead - dead // 2, port=1, first_host=4)
            rounds.append(_round(crowd, folder, 3, "some are not, unknown", total - slow - dead))
            time.sleep(2.5)  # the minimum time between two builds of a feed
            rounds.append(_round(crowd, folder, 4, "some are not, known", total - slow - dead))
            crowd.ledger.close()
    _report(rounds)


def _one_alone(crowd: _Crowd, folder: Path) -> _Round:
    """Measure a single, real subscription, with verification and signature."""
    time.sleep(2.5)
    callback = f"{crowd.url}well/alone"
    assert subscribe(f"{crowd.system.web}/hub", TOPIC, callback, secret=_SECRET).status_code == 202
    until(lambda: crowd.count() == 1, within=20, what="the subscription")
    found = _round(crowd, folder, 1, "one alone", 1)
    crowd.end()
    return found


def _round(crowd: _Crowd, folder: Path, number: int, what: str, well: int) -> _Round:
    """Publish one article, and wait until all healthy subscribers have received it."""
    before = len(crowd.pushes(0))
    _publish(crowd.system, folder, number)

    def pushes_logged() -> list[dict[str, Any]]:
        return [push for push in crowd.pushes(before) if push["callback"].startswith("/well/")]

    until(lambda: len(pushes_logged()) >= well, within=_WITHIN, what=f"{well} pushes")
    time.sleep(1.0)  # for unexpected pushes
    pushes = pushes_logged()
    accepted = crowd.system.accepted()[f"article-{number}"]
    times = Counter((push["host"] + push["callback"], push["digest"]) for push in pushes)
    assert len(pushes) == well, f"{len(pushes)} pushes to {well} subscribers"
    assert len({digest for _, digest in times}) == 1, "not all received the same document"
    assert all(push["signature"] for push in pushes), "a push was not signed"
    seconds = sorted(push["at"] - accepted for push in pushes)
    return _Round(what, seconds[0], seconds)


def _publish(system: Running, folder: Path, number: int) -> None:
    file = folder / f"article-{number}.md"
    file.write_text(numbered(number))
    system.citewire("publish", file)


def _report(rounds: Sequence[_Round]) -> None:
    rows = [
        (
            one.what,
            f"{len(one.all):,}",
            f"{one.alone:.2f}",
            *(f"{percentile(one.all, percent):.2f}" for percent in (50, 99)),
            f"{one.all[-1]:.2f}",
        )
        for one in rounds
    ]
    print(table(("subscribers", "well", "first s", "p50 s", "p99 s", "last s"), rows))
    alone, well, unknown, known = rounds
    spread = well.all[-1] - well.alone
    for other in (unknown, known):
        later = (other.all[-1] - other.alone) - spread
        print(f"{other.what}: the last that is well has it {later:+.2f} s later than when all are")
        assert later < TIME_OUT / 2, "slow and dead subscribers delay the others"
    assert alone.alone < 2.0, "a single subscriber waits more than two seconds"


if __name__ == "__main__":
    main()
