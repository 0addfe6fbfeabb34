"""From accepting an article to its receipt by a partner: throughput, latency, CPU and memory, with a baseline.

    python -m benchmarks.publish [--articles N] [--rounds N] [--alone N]

The system is a real `citewire up`, and the partner a receiver on the loopback interface. Each round sends the same
number of POSTs in three ways, one after the other: through the system; by bare Celery tasks on the same Valkey, one per
POST of prepared bytes; and by a loop over one requests.Session. Then articles are published one by one, to measure the
latency of a single one, and the stages are run in isolation, to count their statements.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import stages
from benchmarks.figures import percentile, ratio, table
from benchmarks.processes import end_on_signals, plain_environment
from benchmarks.receiving import receiving
from benchmarks.system import Running, configured, running
from benchmarks.ways import Bench, Run
from standins.eutils import EutilsStandin

_PERCENTILES = (50, 95, 99)
_IDLE = 5.0  # seconds of observing the idle system
_APART = 0.2  # seconds between articles that are published one by one


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description="Publish → delivered.")
    parser.add_argument("--articles", type=int, default=1000, help="in all rounds in total")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", type=int, default=40, help="articles to publish one by one")
    arguments = parser.parse_args()
    end_on_signals()
    load = _load()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        _publish(folder, arguments.articles // arguments.rounds, arguments.rounds, arguments.alone)
        print(stages.report(folder, 100), end="\n\n")
    print(
        f"{os.cpu_count()} cores; load average {load} before and {_load()} after: above about 1 before, others worked"
    )


def _publish(folder: Path, articles: int, rounds: int, alone: int) -> None:
    plain = plain_environment()
    runs: dict[str, list[Run]] = {"citewire": [], "bare Celery, a task for each POST": [], "bare loop, one Session": []}
    with EutilsStandin() as pubmed, receiving(folder, plain) as partner:
        environment = configured(folder, pubmed=pubmed.url, partner=partner.url)
        with running(folder, environment) as system:
            bench = Bench(system, partner, folder)
            system.citewire("publish", "--wait", bench.files(1))  # fetches the references that all articles cite
            body = b"x" * int(partner.since(0)[-1]["bytes"])
            ours, tasks, loop = runs.values()
            for _ in range(rounds):
                ours.append(bench.through_the_system(articles))
                tasks.append(bench.by_bare_tasks(articles, body))
                loop.append(bench.by_a_loop(articles, body))
            idle = _idle(system)
            single = bench.one_by_one(alone, _APART)
            memory = system.memory()
    print(f"{articles:,} articles in each of {rounds} rounds, by turns; {len(body):,} bytes a POST\n")
    print(_ways(runs, articles), end="\n\n")
    latency = ", ".join(f"p{percent} {percentile(single.latencies, percent) * 1000:.0f} ms" for percent in _PERCENTILES)
    print(f"One at a time, from the event's POST to the partner: {latency} ({alone} articles)\n")
    print(_processes(bench.cpu, memory, idle, articles), end="\n\n")


def _idle(system: Running) -> dict[str, float]:
    """Return the CPU seconds per minute of each idle process."""
    before = system.cpu()
    time.sleep(_IDLE)
    return {name: (used - before[name]) * 60 / _IDLE for name, used in system.cpu().items()}


def _ways(runs: Mapping[str, Sequence[Run]], articles: int) -> str:
    """Return a table of medians over the rounds. The ratio is the median of the rounds' ratios."""
    tasks = [run.rate for run in runs["bare Celery, a task for each POST"]]
    rows = []
    for name, some in runs.items():
        percentiles = [statistics.median(percentile(run.latencies, each) for run in some) for each in _PERCENTILES]
        rows.append(
            (
                name,
                f"{statistics.median(run.sent for run in some):,.0f}",
                f"{statistics.median(run.rate for run in some):,.0f}",
                f"{ratio([run.rate for run in some], tasks):.2f}",
                *(f"{seconds:.2f}" for seconds in percentiles),
                f"{statistics.median(run.cpu for run in some) * 1000 / articles:.1f}",
            )
        )
    return table(("way", "sent/s", "received/s", "of bare tasks", "p50 s", "p95 s", "p99 s", "CPU ms each"), rows)


def _processes(
    cpu: Mapping[str, Sequence[float]], memory: Mapping[str, float], idle: Mapping[str, float], articles: int
) -> str:
    rows = [
        (
            name,
            f"{statistics.median(seconds) * 1000 / articles:.2f}",
            f"{idle[name]:.2f}" if name in idle else "–",
            f"{memory[name]:,.0f}" if name in memory else "–",
        )
        for name, seconds in cpu.items()
    ]
    return table(("process", "CPU ms per article", "CPU s a minute, idle", "peak MB"), rows)


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
