"""One article, and its withdrawal, to many webhook channels, and an idle system.

    python -m benchmarks.fan_out [--channels N] [--rounds N]

A real `citewire up` with N webhook channels, whose receiver is a separate process on the loopback interface. Measured
are the time from the start of the command to the last POST, the CPU of a delivery, and the CPU and memory of the system
while nothing happens. In turn, a loop over one requests.Session sends as many POSTs of the same size. At the end, with
nothing else running, the SQL statements and commits of the deliveries of one more article are counted.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks import pending
from benchmarks.figures import table
from benchmarks.processes import cpu_seconds, until
from benchmarks.receiving import Receiving
from benchmarks.samples import short
from benchmarks.setting_up import beside_a_receiver, new_ledger, options, quiet, webhooks
from benchmarks.statements import counted
from benchmarks.system import Running, configured, running
from benchmarks.ways import Bench
from config import load
from pipeline.ledger import Ledger
from pipeline.stages.context import NoDoorbell
from pipeline.stages.deliver import Deliver
from workers.wiring import build_context

BYTES = 4_500  # per POST: about the size of an article in ninjs
_IDLE = 10.0  # seconds


def main() -> None:
    arguments = options("fan_out", "One article to many channels.", channels=1000, rounds=3).parse_args()
    count = arguments.channels
    with beside_a_receiver() as (folder, partner):
        more = webhooks(folder, partner, *(f"one-{number:04}" for number in range(1, count)))
        environment = configured(folder, pubmed="http://127.0.0.1:9/", partner=partner.url, more=more)
        with new_ledger(environment):
            pass
        with running(folder, environment, within=300) as system:
            _measure(system, partner, folder, count, arguments.rounds)
        print(_alone(environment, count))


def _measure(system: Running, partner: Receiving, folder: Path, count: int, rounds: int) -> None:
    memory = sum(process.memory_full_info().pss for process in system.parts().values())
    print(f"idle: {_idle(system):.1f} % of a core, {memory / 1e6:.0f} MB (PSS)", flush=True)
    rows = []
    bench = Bench(system, partner, folder)
    for number in range(rounds):
        file = folder / f"one-{number}.md"
        file.write_text(short(f"one-{number}", "Rest. " * 300))
        published = _until_received(system, partner, count, "publish", file)
        withdrawn = _until_received(system, partner, count, "withdraw", file.stem, "--reason", "wrong")
        loop = bench.by_a_loop(count, b"x" * BYTES)
        rows.append((*published, *withdrawn, loop.seconds, loop.cpu))
        print(f"round {number}: publish {_shown(*published)}, withdraw {_shown(*withdrawn)}", flush=True)
    median = [statistics.median(column) for column in zip(*rows, strict=True)]
    shown = [
        (name, f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{cpu * 1000 / count:.2f}")
        for name, seconds, cpu in (
            ("one article", *median[:2]),
            ("one withdrawal", *median[2:4]),
            ("bare loop, one Session", *median[4:]),
        )
    ]
    print(f"to {count:,} channels, {rounds} rounds by turns\n")
    print(table(("", "seconds", "POSTs a second", "CPU ms each"), shown), end="\n\n")


def _shown(seconds: float, cpu: float) -> str:
    return f"{seconds:.1f} s ({cpu:.1f} s of CPU)"


def _until_received(system: Running, partner: Receiving, count: int, *command: str | Path) -> tuple[float, float]:
    """Return seconds from the start of the command to the last POST, and the system's CPU seconds until all settled."""
    before, cpu = partner.count(), cpu_seconds(list(system.parts().values()))
    started = time.monotonic()
    system.citewire(*command)
    until(lambda: partner.count() >= before + count, within=300, what=f"{count} POSTs")
    seconds = time.monotonic() - started
    until(lambda: _outstanding(system) == 0, within=60, what="all settled")
    used = cpu_seconds(list(system.parts().values())) - cpu
    records = partner.since(before)
    assert len({record["headers"]["webhook-id"] for record in records}) == len(records) == count
    return seconds, used


def _idle(system: Running) -> float:
    time.sleep(_IDLE / 2)
    before = cpu_seconds(list(system.parts().values()))
    time.sleep(_IDLE)
    return (cpu_seconds(list(system.parts().values())) - before) / _IDLE * 100


def _alone(environment: Mapping[str, str], count: int) -> str:
    """Count what the ledger does for the deliveries of one more article, in one thread."""
    quiet()
    os.environ["BENCHMARK_SECRET"] = environment["BENCHMARK_SECRET"]
    context = build_context(load(environment), NoDoorbell())
    with closing(context.ledger) as ledger:
        pending.schedule(ledger, *context.channels, limit=1)
        with counted() as statements:
            sent = Deliver().drain(context)
    each = f"{statements.statements / count:.2f} SQL statements, {statements.writes / count:.3f} commits to disk"
    return f"a delivery takes {each}: {sent:,} of {count:,} in rounds"


def _outstanding(system: Running) -> int:
    with closing(Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")) as ledger:
        return pending.left(ledger)


if __name__ == "__main__":
    main()
