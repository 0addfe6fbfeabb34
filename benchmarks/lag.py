"""How long articles that keep coming take to the last channel, and to the feed.

    python -m benchmarks.lag [--articles N] [--per-second N ...] [--rounds N]

A running `citewire up` with three webhooks, in RSS, AMP and ninjs, and a feed that is full. Articles are posted to
`/v1/events` at each of the rates in turn, so many a second, whether or not the former ones have arrived. Measured is
from the start of an article's POST: until the last webhook has it, and until the feed's file has it. At a rate of one
article every two seconds the system is quiet. In turn, a bare loop sends as many POSTs, one by one, and the time of
each shows how busy the machine is.
"""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import percentile, table
from benchmarks.processes import cpu_seconds, until
from benchmarks.receiving import Receiving
from benchmarks.samples import numbered
from benchmarks.setting_up import beside_a_receiver, options, webhooks
from benchmarks.system import Running, configured, running
from benchmarks.ways import Bench
from pipeline.feeds.files import feed_path
from standins.eutils import EutilsStandin

_FORMATS = ("rss", "amp")  # and ninjs, to the channel that every benchmark has
_SHOWN = 50  # articles in a feed
_FULL = _SHOWN + 10  # articles before those that are measured
_QUIET = 0.5  # articles a second, at which each is done before the next comes
_LOOK = 0.005  # seconds between two looks at the feed's file
_BYTES = 4_500  # of a POST of the bare loop
_WITHIN = 120.0


def main() -> None:
    parser = options("lag", "From the POST to the last channel and to the feed.", articles=100, rounds=3)
    parser.add_argument("--per-second", type=float, nargs="+", default=[_QUIET, 10.0, 20.0])
    arguments = parser.parse_args()
    with beside_a_receiver() as (folder, partner), EutilsStandin() as pubmed:
        more = "".join(webhooks(folder, partner, format, format=format) for format in _FORMATS)
        environment = configured(folder, pubmed=pubmed.url, partner=partner.url, more=more)
        with running(folder, environment) as system, system.posting() as post:
            first = _files(folder / "first", "first", _FULL)
            system.citewire("publish", "--wait", first[0].parent)
            until(lambda: partner.count() >= _FULL * (len(_FORMATS) + 1), within=_WITHIN, what="the first articles")
            time.sleep(10)  # until the feed has been built for the last time
            bench = Bench(system, partner, folder)
            for rate in arguments.per_second:
                _measure(bench, post, rate, arguments.articles, arguments.rounds)


def _measure(bench: Bench, post: Callable[[Path], None], rate: float, articles: int, rounds: int) -> None:
    count = min(articles, round(rate * 20)) or 1  # at most twenty seconds
    channels: list[list[float]] = []
    feed: list[list[float]] = []
    loop: list[float] = []
    cpu: list[float] = []
    for number in range(rounds):
        files = _files(bench.folder / f"at-{rate:g}-{number}", f"at-{rate:g}-{number}", count)
        before = cpu_seconds(list(bench.system.parts().values()))
        to_channels, to_feed = _run(bench.system, bench.partner, post, files, rate)
        time.sleep(2)
        cpu.append((cpu_seconds(list(bench.system.parts().values())) - before) / count)
        channels.append(to_channels)
        feed.append(to_feed)
        loop.append(bench.by_a_loop(count, b"x" * _BYTES).seconds / count)
    rows = [
        (
            what,
            *(f"{statistics.median(percentile(one, percent) for one in runs) * 1000:.0f}" for percent in (50, 95, 99)),
        )
        for what, runs in (("the last channel", channels), ("the feed", feed))
    ]
    print(f"{rate:g} articles a second, {count} in each of {rounds} rounds; medians of the rounds, ms\n")
    print(table(("from the POST to", "p50", "p95", "p99"), rows))
    print(f"CPU of all processes {statistics.median(cpu) * 1000:.0f} ms an article;", end=" ")
    print(f"a POST of the bare loop takes {statistics.median(loop) * 1000:.1f} ms\n", flush=True)


def _run(
    system: Running, partner: Receiving, post: Callable[[Path], None], files: list[Path], rate: float
) -> tuple[list[float], list[float]]:
    """Return for each article the seconds until the last channel, and until the feed, had it."""
    before, began = partner.count(), {}
    each = len(_FORMATS) + 1
    with _watched(system.data, [file.stem for file in files]) as seen:
        start = time.time()
        for number, file in enumerate(files):
            time.sleep(max(0.0, start + number / rate - time.time()))
            began[file.stem] = time.time()
            post(file)
        partner.wait_for(before + each * len(files), within=_WITHIN)
        until(lambda: len(seen) == len(files), within=_WITHIN, what="all articles in the feed")
    last: dict[str, float] = {}
    for record in partner.since(before):
        name = record["headers"]["citewire-article"]
        last[name] = max(last.get(name, 0.0), float(record["at"]))
    return [last[name] - since for name, since in began.items()], [seen[name] - since for name, since in began.items()]


@contextmanager
def _watched(data: Path, names: Sequence[str]) -> Iterator[dict[str, float]]:
    """Yield the Unix time at which each article was first seen in the feed's file, as far as it was.

    Where the feed is so late that an article has left it again, it counts as seen then.
    """
    file, seen, stop = data / "renditions" / feed_path("latest", "rss"), dict[str, float](), threading.Event()

    def watch() -> None:
        state: tuple[int, int] | None = None
        while not stop.wait(_LOOK):
            before, now = state, file.stat()
            if (state := (now.st_ino, now.st_mtime_ns)) == before:
                continue
            at, shown = time.time(), _shown(file.read_text(encoding="utf-8"), names)
            for place, name in enumerate(names):
                if place in shown or (len(shown) == _SHOWN and place < min(shown)):
                    seen.setdefault(name, at)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def _shown(text: str, names: Sequence[str]) -> set[int]:
    """Return the places, in the list of names, of those articles that a feed shows."""
    addresses = set(re.findall(r"([a-z0-9-]+)</guid>", text))
    return {place for place, name in enumerate(names) if name in addresses}


def _files(folder: Path, tag: str, count: int) -> list[Path]:
    folder.mkdir()
    made = [folder / f"{tag.replace('.', '-')}-{number}.md" for number in range(count)]
    for file in made:
        file.write_text(numbered(0).replace("\nid: article-0\n", f"\nid: {file.stem}\n", 1), encoding="utf-8")
    return made


if __name__ == "__main__":
    main()
