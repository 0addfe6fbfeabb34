"""One article, and its withdrawal, to many webhook channels, and an idle system.

    python -m benchmarks.fan_out [--channels N] [--rounds N]

A real `citewire up` with N webhook channels, whose receiver is a separate process on the loopback interface. Measured
are the time from the start of the command to the last POST, the CPU of a delivery, and the CPU of the system while
nothing happens. In turn, a loop over one requests.Session sends as many POSTs of the same size.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks import pending
from benchmarks.figures import table
from benchmarks.processes import cpu_seconds, end_on_signals, plain_environment, until
from benchmarks.receiving import Receiving, receiving
from benchmarks.samples import short
from benchmarks.system import Running, configured, running
from benchmarks.ways import Bench
from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger

BYTES = 4_500  # per POST: about the size of an article in ninjs
_IDLE = 10.0  # seconds

_CHANNEL = """
[[channels]]
id = "one-{number:04}"
type = "webhook"
format = "ninjs"
url = "{url}one-{number:04}"
secret = "file:{secret}"
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fan_out", description="One article to many channels.")
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    end_on_signals()
    plain = plain_environment()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        with receiving(folder, plain) as partner:
            environment = _configured(folder, partner, arguments.channels)
            with running(folder, environment, within=300) as system:
                _measure(system, partner, folder, arguments)


def _configured(folder: Path, partner: Receiving, channels: int) -> Mapping[str, str]:
    more = ""
    for number in range(1, channels):
        secret = folder / f"secret-{number:04}"
        secret.write_text(new_secret())
        more += _CHANNEL.format(number=number, url=partner.url, secret=secret)
    environment = configured(folder, pubmed="http://127.0.0.1:9/", partner=partner.url, more=more)
    found = load(environment)
    found.data.mkdir(parents=True)
    ledger = Ledger(found.ledger_url)
    ledger.migrate()
    ledger.close()
    return environment


def _measure(system: Running, partner: Receiving, folder: Path, arguments: argparse.Namespace) -> None:
    count = arguments.channels
    print(f"idle: {_idle(system):.1f} % of a core", flush=True)
    rows = []
    bench = Bench(system, partner, folder)
    for number in range(arguments.rounds):
        file = folder / f"one-{number}.md"
        file.write_text(short(f"one-{number}", "Rest. " * 300))
        published = _until_received(system, partner, count, "publish", file)
        withdrawn = _until_received(system, partner, count, "withdraw", file.stem, "--reason", "wrong")
        loop = bench.by_a_loop(count, b"x" * BYTES)
        rows.append((*published, *withdrawn, loop.seconds, loop.cpu))
        print(f"round {number}: publish {published[0]:.1f} s, withdraw {withdrawn[0]:.1f} s", flush=True)
    median = [statistics.median(column) for column in zip(*rows, strict=True)]
    shown = [
        (name, f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{cpu * 1000 / count:.2f}")
        for name, seconds, cpu in (
            ("one article", *median[:2]),
            ("one withdrawal", *median[2:4]),
            ("bare loop, one Session", *median[4:]),
        )
    ]
    print(f"to {count:,} channels, {arguments.rounds} rounds by turns\n")
    print(table(("", "seconds", "POSTs a second", "CPU ms each"), shown), end="\n\n")


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


def _outstanding(system: Running) -> int:
    with closing(Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")) as ledger:
        return pending.left(ledger)


if __name__ == "__main__":
    main()
