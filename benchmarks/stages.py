"""The cost of each stage in isolation, in a single process: time, statements, and commits to disk.

python -m benchmarks.stages [--articles N] [--profile STAGE]
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import os
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import table
from benchmarks.receiving import receiving
from benchmarks.samples import numbered
from benchmarks.statements import counted
from benchmarks.system import configured
from config import load
from pipeline.intake import read_article
from pipeline.model.event import Origin, Publish
from pipeline.stages.accept import Intake, accept_all
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.deliver import Deliver
from pipeline.stages.enrich import Enrich
from pipeline.stages.feeds import Feeds
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from standins.eutils import EutilsStandin
from workers import logs
from workers.wiring import build_context


@dataclass(frozen=True)
class _Cost:
    stage: str
    milliseconds: float
    cpu: float
    statements: float
    writes: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description="What each stage takes.")
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--profile", choices=("accept", "enrich", "render", "deliver", "feeds"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as folder:
        print(report(Path(folder), arguments.articles, profiled=arguments.profile))


def report(folder: Path, articles: int, *, profiled: str | None = None) -> str:
    """Return a table of all stages, per article, and optionally print the profile of one."""
    own = folder / "stages"
    own.mkdir()
    with EutilsStandin() as pubmed, receiving(own, os.environ) as partner, _logged(own / "stages.log"):
        environment = configured(own, pubmed=pubmed.url, partner=partner.url)
        os.environ["BENCHMARK_SECRET"] = environment["BENCHMARK_SECRET"]
        context = build_context(load(environment), NoDoorbell())
        try:
            costs = _costs(context, articles, profiled)
        finally:
            context.ledger.close()
    rows = [
        (cost.stage, f"{cost.milliseconds:.2f}", f"{cost.cpu:.2f}", f"{cost.statements:.1f}", f"{cost.writes:.2f}")
        for cost in costs
    ]
    total = [sum(getattr(cost, name) for cost in costs) for name in ("milliseconds", "cpu", "statements", "writes")]
    rows.append(("together", f"{total[0]:.2f}", f"{total[1]:.2f}", f"{total[2]:.1f}", f"{total[3]:.2f}"))
    columns = ("stage", "ms per article", "of it CPU", "statements", "commits to disk")
    return f"{articles} articles, one stage after the other, in one thread\n\n{table(columns, rows)}"


def _costs(context: Context, articles: int, profiled: str | None) -> list[_Cost]:
    intake = Intake(context.ledger, NoDoorbell(), context.clock, context.new_id, context.policy.evidence_wait)

    def accepting() -> None:
        read = [read_article(numbered(number).encode(), name="article.md") for number in range(articles)]
        accept_all(intake, [Publish(Origin(source="urn:benchmark", id=one.id), one) for one in read])

    steps: dict[str, Callable[[], object]] = {
        "accept": accepting,
        "enrich": lambda: drain(context, Enrich()),
        "render": lambda: drain(context, Render()),
        "deliver": lambda: drain(context, Deliver(), "partner"),
        "feeds": lambda: drain(context, Feeds()),
    }
    return [_cost(name, step, articles, profile=name == profiled) for name, step in steps.items()]


def _cost(stage: str, step: Callable[[], object], articles: int, *, profile: bool) -> _Cost:
    profiler = cProfile.Profile()
    with counted() as count:
        started, cpu = time.perf_counter(), time.process_time()
        profiler.runcall(step) if profile else step()
        seconds, used = time.perf_counter() - started, time.process_time() - cpu
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    return _Cost(
        stage, seconds * 1000 / articles, used * 1000 / articles, count.statements / articles, count.writes / articles
    )


@contextmanager
def _logged(log: Path) -> Iterator[None]:
    """Log to a file as the workers do, which is part of the cost of a stage."""
    with log.open("w") as file, contextlib.redirect_stderr(file):
        logs.configure("stages")
        yield


if __name__ == "__main__":
    main()
