"""Deliveries per second, including the ledger's work, compared with one task per POST and with a bare loop.

    python -m benchmarks.deliveries [--deliveries N] [--rounds N] [--processes N] [--kill]

A real `citewire up` delivers pending articles to one webhook channel, whose receiver is a separate process on the
loopback interface. Claims, attempts and channel contents are stored in SQLite on disk with synchronous=FULL. In turn,
the same number of POSTs of the same size are sent (a) by bare Celery tasks, one per POST, and (b) by a loop over one
requests.Session. With `--kill`, every worker is killed with SIGKILL midway, and what was received is checked.

Asserts that Citewire is at least 3 times as fast as (a) and at least as fast as (b).
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks import pending
from benchmarks.figures import ratio, table
from benchmarks.processes import cpu_seconds, peak_megabytes, until
from benchmarks.receiving import Receiving
from benchmarks.setting_up import beside_a_receiver, new_ledger, options, quiet
from benchmarks.statements import counted
from benchmarks.system import Running, configured, running
from benchmarks.ways import Bench, Run
from config import load
from pipeline.ledger import Ledger
from pipeline.stages.context import NoDoorbell
from pipeline.stages.deliver import Deliver
from workers.celery import app
from workers.doorbell import CeleryDoorbell
from workers.wiring import build_context

BYTES = 4_500  # per POST: about the size of an article in ninjs
OF_TASKS, OF_LOOP = 3.0, 1.0  # required ratios
IN_FLIGHT = 4 * 50  # deliveries that a kill may cause to be sent twice: one batch per drain, and one more


def main() -> None:
    parser = options("deliveries", "Deliveries a second.", deliveries=10_000, rounds=3, processes=2)
    parser.add_argument("--kill", action="store_true", help="kill all workers midway")
    arguments = parser.parse_args()
    with beside_a_receiver() as (folder, partner):
        more = f"\n[workers]\ndeliver_processes = {arguments.processes}\n"
        environment = configured(folder, pubmed="http://127.0.0.1:9/", partner=partner.url, more=more)
        with new_ledger(environment) as (ledger, store):
            pending.fill(ledger, store, arguments.deliveries, b"x" * BYTES)
        if arguments.kill:
            print(_killed(folder, partner, environment, arguments.deliveries))
        else:
            print(_compared(folder, partner, environment, arguments.deliveries, arguments.rounds))
            print(_alone(environment, arguments.deliveries))


def _compared(folder: Path, partner: Receiving, environment: Mapping[str, str], count: int, rounds: int) -> str:
    ours: list[Run] = []
    tasks: list[Run] = []
    loop: list[Run] = []
    body = b"x" * BYTES
    with running(folder, environment) as system:
        _settled(system)
        bench = Bench(system, partner, folder)
        for _ in range(rounds):
            ours.append(_delivered(system, partner, count))
            tasks.append(bench.by_bare_tasks(count, body))
            loop.append(bench.by_a_loop(count, body))
        memory = max(peak_megabytes(one) for name, one in system.parts().items() if name.startswith("deliver"))
    ways = {"citewire": ours, "bare Celery, a task for each POST": tasks, "bare loop, one Session": loop}
    rows = [_row(name, runs, tasks, loop, count) for name, runs in ways.items()]
    columns = ("way", "a second", "of bare tasks", "of the loop", "CPU ms each")
    of_tasks = ratio([run.rate for run in ours], [run.rate for run in tasks])
    of_loop = ratio([run.rate for run in ours], [run.rate for run in loop])
    print(f"{count:,} deliveries in each of {rounds} rounds, by turns; {BYTES:,} bytes a POST\n")
    print(table(columns, rows), end="\n\n")
    print(f"peak memory of a delivering worker: {memory:.0f} MB")
    assert of_tasks >= OF_TASKS, f"{of_tasks:.2f} times the bare tasks: the floor is {OF_TASKS}"
    assert of_loop >= OF_LOOP, f"{of_loop:.2f} times the bare loop: the floor is {OF_LOOP}"
    return f"at least {OF_TASKS} times the bare tasks and {OF_LOOP} times the bare loop: yes"


def _settled(system: Running) -> None:
    """Wait until the feeds of all articles are built, which is not part of a delivery."""
    ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")
    until(lambda: pending.feeds_are_built(ledger), within=600, what="the feeds")
    ledger.close()


def _row(name: str, runs: Sequence[Run], tasks: Sequence[Run], loop: Sequence[Run], count: int) -> tuple[str, ...]:
    rates = [run.rate for run in runs]
    return (
        name,
        f"{statistics.median(rates):,.0f}",
        f"{ratio(rates, [run.rate for run in tasks]):.2f}",
        f"{ratio(rates, [run.rate for run in loop]):.2f}",
        f"{statistics.median(run.cpu for run in runs) * 1000 / count:.2f}",
    )


def _delivered(system: Running, partner: Receiving, count: int) -> Run:
    """Measure from the commit that schedules the deliveries to the commit that settles the last one."""
    ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")
    before, cpu = partner.count(), cpu_seconds(list(system.parts().values()))
    pending.schedule(ledger, "partner")
    started = time.time()
    app.conf.update(broker_url=system.queue)
    CeleryDoorbell(app, system.queue).ring("deliver", "partner")
    until(lambda: partner.count() >= before + count, within=600, what="all deliveries at the receiver")
    until(lambda: pending.left(ledger) == 0, within=60, what="all deliveries settled")
    seconds = time.time() - started
    used = cpu_seconds(list(system.parts().values())) - cpu
    records = partner.since(before)
    assert len({record["headers"]["webhook-id"] for record in records}) == len(records) == count
    ledger.close()
    return Run(latencies=[seconds] * count, sending=seconds, seconds=seconds, cpu=used)


def _alone(environment: Mapping[str, str], count: int) -> str:
    """Measure the ledger's work for one delivery, in one thread with nothing else running."""
    quiet()
    os.environ["BENCHMARK_SECRET"] = environment["BENCHMARK_SECRET"]
    count = min(count, 2_000)
    context = build_context(load(environment), NoDoorbell())
    pending.schedule(context.ledger, "partner", limit=count)
    with counted() as statements:
        while pending.left(context.ledger):
            Deliver().drain(context, "partner")
    context.ledger.close()
    each = f"{statements.statements / count:.2f} SQL statements, {statements.writes / count:.3f} commits to disk"
    return f"a delivery takes {each}"


def _killed(folder: Path, partner: Receiving, environment: Mapping[str, str], count: int) -> str:
    """Kill every worker with SIGKILL midway; `up` restarts them."""
    with running(folder, environment) as system:
        ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")
        pending.schedule(ledger, "partner")
        until(lambda: partner.count() > count // 3, within=120, what="a third of the deliveries")
        victims = [one for name, one in system.parts().items() if name.startswith(("deliver", "pipeline"))]
        for victim in victims:
            victim.kill()
        psutil.wait_procs(victims, timeout=20)
        until(lambda: pending.left(ledger) == 0, within=600, what="all deliveries settled")
        ledger.close()
    records = partner.since(0)
    times = Counter(record["headers"]["citewire-article"] for record in records)
    ids = defaultdict(set)
    for record in records:
        ids[record["headers"]["citewire-article"]].add(record["headers"]["webhook-id"])
    twice = sum(1 for number in times.values() if number > 1)
    assert len(times) == count, f"{count - len(times)} were lost"
    assert max(times.values()) <= 2, "one was sent more than twice"
    assert all(len(one) == 1 for one in ids.values()), "one was sent under two ids"
    assert twice <= IN_FLIGHT, f"{twice} were sent twice: more than were in flight"
    return f"{len(victims)} workers killed: {count:,} delivered, none lost, {twice} sent twice under the same id"


if __name__ == "__main__":
    main()
