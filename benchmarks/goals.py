"""The goals for one machine: Citewire beside the plain Celery way, in turn, with equal processes and default settings.

    python -m benchmarks.goals [--articles N] [--rounds N] [--alone N] [--plain-feed]

Both get the same files, and send RSS, AMP and JSON to three webhooks of one receiver. `backlog`: a command hands over a
folder of articles. `one by one`: an article every 0.2 s, and the latency until the last webhook has it. Citewire also
keeps its ledger, signs, and builds its feed; with `--plain-feed` the plain way rebuilds a feed for each article too.
CPU is that of all processes until they are idle, the commands and the queue included, but not the receiver; what
Citewire uses while idle counts, too. One article for many channels is `benchmarks.fan_out`, many articles for one are
`benchmarks.deliveries`, and pages beside nginx `benchmarks.serving`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import plain_celery
from benchmarks.figures import percentile, ratio, table
from benchmarks.processes import cpu_seconds, started, until
from benchmarks.receiving import Receiving
from benchmarks.samples import ROOT, numbered
from benchmarks.setting_up import beside_a_receiver, options, webhooks
from benchmarks.system import Running, configured, running
from standins.eutils import EutilsStandin

_FORMATS = ("rss", "amp")  # and ninjs, to the channel that every benchmark has
_PROCESSES = 2  # that work, on both sides: by default Citewire has one for articles and one for deliveries
_APART = 0.2  # seconds between articles that come one by one
_WITHIN = 300.0
_SETTLED = 1.0  # seconds without CPU to speak of, after which what follows an article is done


@dataclass(frozen=True)
class _Measured:
    rate: float  # articles a second, from the start of the command until the last webhook has the last
    cpu: float  # seconds for each article, until nothing is left to do


@dataclass(frozen=True)
class _Side:
    """One of the two: how it takes articles, and what its processes are."""

    hand_over: Callable[[Path], object]
    post: Callable[[Path], object]
    processes: Callable[[], list[psutil.Process]]


def main() -> None:
    parser = options("goals", "The goals for one machine.", articles=200, rounds=5, alone=20)
    parser.add_argument("--plain-feed", action="store_true", help="the plain way rebuilds a feed for each article")
    arguments = parser.parse_args()
    with beside_a_receiver() as (folder, partner), EutilsStandin() as pubmed:
        more = "".join(webhooks(folder, partner, format, format=format) for format in _FORMATS)
        environment = configured(folder, pubmed=pubmed.url, partner=partner.url, more=more)
        urls = [partner.url, *(f"{partner.url}{format}" for format in _FORMATS)]
        with (
            running(folder, environment) as system,
            system.posting() as post,
            _plain(folder, system, urls, feed=arguments.plain_feed) as plain,
        ):
            (folder / "first").mkdir()
            system.citewire("publish", "--wait", _file(folder / "first", "first"))  # fetches what all of them cite
            until(lambda: partner.count() >= len(urls), within=60, what="the first article")
            sides = {"citewire": _ours(system, post), "plain Celery": plain}
            _compare(sides, partner, folder, len(urls), arguments.articles, arguments.rounds, arguments.alone)


def _compare(
    sides: Mapping[str, _Side], partner: Receiving, folder: Path, each: int, articles: int, rounds: int, alone: int
) -> None:
    backlog: dict[str, list[_Measured]] = {name: [] for name in sides}
    single: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, side in sides.items():
            tag = f"{name.split()[0]}-{number}"
            backlog[name].append(_backlog(side, partner, _folder(folder, f"{tag}-b", articles), each))
            single[name] += _one_by_one(side, partner, _folder(folder, f"{tag}-o", alone), each)
    ours, plain = backlog.values()
    rows = [
        (
            name,
            f"{statistics.median(one.rate for one in measured):.1f}",
            f"{statistics.median(one.cpu for one in measured) * 1000:.1f}",
            *(f"{percentile(single[name], percent) * 1000:.0f}" for percent in (50, 95)),
        )
        for name, measured in backlog.items()
    ]
    print(f"{articles} articles and {alone} one by one in each of {rounds} rounds, {each} POSTs an article\n")
    print(table(("", "articles a second", "CPU ms each", "last webhook p50 ms", "p95 ms"), rows), end="\n\n")
    fast, slow = (percentile(one, 50) for one in single.values())
    goals = [
        ("articles a second", ratio([one.rate for one in ours], [one.rate for one in plain]), "≥ 2"),
        ("CPU an article", ratio([one.cpu for one in ours], [one.cpu for one in plain]), "≤ 0.5"),
        ("latency to the last webhook", fast / slow, "≤ 1"),
    ]
    print(table(("against the plain way", "now", "goal"), [(what, f"{now:.2f}", goal) for what, now, goal in goals]))


def _backlog(side: _Side, partner: Receiving, files: Path, each: int) -> _Measured:
    count = len(list(files.iterdir()))
    before, used, own = partner.count(), cpu_seconds(side.processes()), os.times()
    begun = time.time()
    side.hand_over(files)
    spent = os.times()
    partner.wait_for(before + each * count, within=_WITHIN)
    _until_idle(side)
    used = cpu_seconds(side.processes()) - used
    used += spent.children_user + spent.children_system - own.children_user - own.children_system
    last = max(float(record["at"]) for record in partner.since(before))
    return _Measured(count / (last - begun), used / count)


def _one_by_one(side: _Side, partner: Receiving, files: Path, each: int) -> list[float]:
    """Return the seconds until the last webhook had each article."""
    before, began = partner.count(), {}
    for file in sorted(files.iterdir()):
        began[file.stem] = time.time()
        side.post(file)
        time.sleep(max(0.0, _APART - (time.time() - began[file.stem])))
    partner.wait_for(before + each * len(began), within=_WITHIN)
    records = partner.since(before)
    came = Counter(record["headers"]["citewire-article"] for record in records)
    assert came == dict.fromkeys(began, each), "something was lost, or came twice"
    at: dict[str, float] = {}
    for record in records:
        name = record["headers"]["citewire-article"]
        at[name] = max(at.get(name, 0.0), float(record["at"]))
    return [at[name] - since for name, since in began.items()]


def _until_idle(side: _Side) -> None:
    """Wait until the feed and whatever else follows an article is done."""
    used = cpu_seconds(side.processes())
    for _ in range(60):
        time.sleep(_SETTLED)
        used, before = cpu_seconds(side.processes()), used
        if used - before < _SETTLED / 4:
            return


def _ours(system: Running, post: Callable[[Path], None]) -> _Side:
    return _Side(lambda files: system.citewire("publish", files), post, lambda: list(system.parts().values()))


@contextmanager
def _plain(folder: Path, system: Running, urls: list[str], *, feed: bool) -> Iterator[_Side]:
    """Start the plain way's worker, on the Valkey of the system."""
    own = os.environ | {"BENCHMARK_REDIS": system.queue, "BENCHMARK_URLS": " ".join(urls)}
    if feed:
        (folder / "plain").mkdir()
        own["BENCHMARK_FEED"] = str(folder / "plain")
    plain_celery.app.conf.update(broker_url=system.queue)

    def hand_over(files: Path) -> None:
        subprocess.run([sys.executable, "-m", "benchmarks.plain_celery", files], cwd=ROOT, env=own, check=True)

    def post(file: Path) -> None:
        plain_celery.syndicate.delay(file.read_text(encoding="utf-8"))

    options = ("-A", "benchmarks.plain_celery", "--quiet", "worker", f"--concurrency={_PROCESSES}")
    with started("celery", *options, "--loglevel=WARNING", environment=own, log=folder / "plain.log") as process:
        worker = psutil.Process(process.pid)

        def processes() -> list[psutil.Process]:
            return [worker, *worker.children(recursive=True), system.parts()["valkey"]]

        until(lambda: len(worker.children()) >= _PROCESSES, within=30, what="the plain worker")
        yield _Side(hand_over, post, processes)


def _folder(folder: Path, tag: str, count: int) -> Path:
    files = folder / tag
    files.mkdir()
    for number in range(count):
        _file(files, f"{tag}-{number}")
    return files


def _file(folder: Path, name: str) -> Path:
    file = folder / f"{name}.md"
    file.write_text(numbered(0).replace("\nid: article-0\n", f"\nid: {name}\n", 1), encoding="utf-8")
    return file


if __name__ == "__main__":
    main()
