"""The cost of each stage in isolation, in a single process: time, statements, and commits to disk.

    python -m benchmarks.stages [--articles N] [--alone] [--postgresql] [--profile STAGE]

By default all articles go through one stage after the other, and to one webhook. With `--alone` they come one by one,
and each goes to three webhooks, in RSS, AMP and ninjs; the first ones, which find nothing compiled, are not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import logging
import os
import pstats
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import table
from benchmarks.receiving import receiving
from benchmarks.samples import numbered
from benchmarks.setting_up import database, webhooks
from benchmarks.statements import counted
from benchmarks.system import configured
from config import load
from pipeline.intake import read_article
from pipeline.model.event import Origin, Publish
from pipeline.stages.accept import Intake, accept_all
from pipeline.stages.bells import EVERY
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.deliver import Deliver
from pipeline.stages.enrich import Enrich
from pipeline.stages.feeds import Feeds
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from standins.eutils import EutilsStandin
from workers import logs
from workers.wiring import build_context

_FORMATS = ("rss", "amp")  # of articles that come one by one, and ninjs, to the channel that every benchmark has
_WARMING = 5  # articles that come one by one before those that are counted


@dataclass
class _Cost:
    """Of one stage, so far."""

    milliseconds: float = 0.0
    cpu: float = 0.0
    statements: float = 0.0
    writes: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description="What each stage takes.")
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--alone", action="store_true", help="the articles come one by one, to three webhooks")
    parser.add_argument("--postgresql", action="store_true", help="on a PostgreSQL server of its own")
    parser.add_argument("--profile", choices=("accept", "enrich", "render", "deliver", "feeds"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        with database(None, arguments.postgresql, folder) as url:
            print(report(folder, arguments.articles, alone=arguments.alone, url=url, profiled=arguments.profile))
    print(f"\n{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")


def report(
    folder: Path, articles: int, *, alone: bool = False, url: str | None = None, profiled: str | None = None
) -> str:
    """Return a table of all stages, per article, and optionally print the profile of one."""
    own = folder / "stages"
    own.mkdir()
    with EutilsStandin() as pubmed, receiving(own, os.environ) as partner, _logged(own / "stages.log"):
        more = "".join(webhooks(own, partner, format, format=format) for format in _FORMATS) if alone else ""
        environment = configured(own, pubmed=pubmed.url, partner=partner.url, more=more)
        os.environ["BENCHMARK_SECRET"] = environment["BENCHMARK_SECRET"]
        context = build_context(load(environment | ({"CITEWIRE_DATABASE_URL": url} if url else {})), NoDoorbell())
        profiler = cProfile.Profile()
        try:
            costs = _costs(context, articles, alone, profiled, profiler)
        finally:
            context.ledger.close()
    if profiled:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    names = ("milliseconds", "cpu", "statements", "writes")
    figures = {stage: [getattr(cost, name) / articles for name in names] for stage, cost in costs.items()}
    figures["together"] = [sum(column) for column in zip(*figures.values(), strict=True)]
    rows = [
        (stage, f"{wall:.2f}", f"{cpu:.2f}", f"{statements:.1f}", f"{writes:.2f}")
        for stage, (wall, cpu, statements, writes) in figures.items()
    ]
    columns = ("stage", "ms per article", "of it CPU", "statements", "commits to disk")
    order = "one by one" if alone else "one stage after the other"
    return f"{articles} articles, {order}, in one thread\n\n{table(columns, rows)}"


def _costs(
    context: Context, articles: int, alone: bool, profiled: str | None, profiler: cProfile.Profile
) -> dict[str, _Cost]:
    intake = Intake(context.ledger, NoDoorbell(), context.clock, context.new_id, context.policy.evidence_wait)

    def accepting(numbers: Iterable[int]) -> None:
        read = [read_article(numbered(number).encode(), name="article.md") for number in numbers]
        accept_all(intake, [Publish(Origin(source="urn:benchmark", id=one.id), one) for one in read])

    def steps(numbers: Iterable[int]) -> dict[str, Callable[[], object]]:
        return {
            "accept": lambda: accepting(numbers),
            "enrich": lambda: drain(context, Enrich()),
            "render": lambda: drain(context, Render()),
            "deliver": lambda: Deliver().drain(context, EVERY) if alone else drain(context, Deliver(), "partner"),
            "feeds": lambda: drain(context, Feeds()),
        }

    for number in range(articles, articles + _WARMING) if alone else ():
        for step in steps([number]).values():
            step()
    costs = {stage: _Cost() for stage in steps([])}
    for numbers in [[number] for number in range(articles)] if alone else [list(range(articles))]:
        for stage, step in steps(numbers).items():
            _add(costs[stage], step, profiler if stage == profiled else None)
    return costs


def _add(cost: _Cost, step: Callable[[], object], profiler: cProfile.Profile | None) -> None:
    with counted() as count:
        started, cpu = time.perf_counter(), time.process_time()
        profiler.runcall(step) if profiler else step()
        cost.milliseconds += (time.perf_counter() - started) * 1000
        cost.cpu += (time.process_time() - cpu) * 1000
    cost.statements += count.statements
    cost.writes += count.writes


@contextmanager
def _logged(log: Path) -> Iterator[None]:
    """Log to a file as the workers do, which is part of the cost of a stage."""
    with log.open("w") as file, contextlib.redirect_stderr(file):
        logs.configure("stages")
        yield
        logging.getLogger().handlers.clear()  # they write to the file, and PostgreSQL's package logs once more


if __name__ == "__main__":
    main()
