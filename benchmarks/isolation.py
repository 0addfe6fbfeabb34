"""Whether slow or dead channels delay the others.

    python -m benchmarks.isolation [--articles N] [--rounds N]

Twenty webhook channels of a real `citewire up` have the same number of pending deliveries. One of them answers after 30
seconds, one never does. In turn, the other eighteen are served alone and together with those two. The ratio of the
times until the eighteen have everything must be under 1.2.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requests

from benchmarks import pending
from benchmarks.figures import ratio, table
from benchmarks.processes import until
from benchmarks.receiving import Receiving
from benchmarks.setting_up import beside_a_receiver, new_ledger, options, webhooks
from benchmarks.system import configured, running
from pipeline.ledger import Ledger

WELL = [f"well-{number:02}" for number in range(1, 19)]
SLOW = ["slow", "never"]
MOST = 1.2

_PATIENT = """read_timeout = 35
total_timeout = 40"""


def main() -> None:
    arguments = options("isolation", "Slow channels beside others.", articles=1000, rounds=3).parse_args()
    with beside_a_receiver() as (folder, partner):
        more = webhooks(folder, partner, *WELL, *SLOW, more=_PATIENT)
        environment = configured(folder, pubmed="http://127.0.0.1:9/", partner=partner.url, more=more)
        with new_ledger(environment) as (ledger, store):
            pending.fill(ledger, store, arguments.articles, b"x" * 2_000)
        print(_compared(folder, partner, environment, arguments.articles, arguments.rounds))


def _compared(folder: Path, partner: Receiving, environment: Mapping[str, str], count: int, rounds: int) -> str:
    for conduct in ({"path": "/slow", "seconds": 30}, {"path": "/never", "mode": "hang"}):
        requests.post(f"{partner.url}control", json=conduct, timeout=20).raise_for_status()
    alone: list[float] = []
    beside: list[float] = []
    with running(folder, environment) as system:
        ledger = Ledger(f"sqlite:///{system.data / 'ledger.sqlite'}")
        for _ in range(rounds):
            alone.append(_seconds(ledger, WELL))
            beside.append(_seconds(ledger, [*WELL, *SLOW]))
        ledger.close()
    rows = [(name, f"{statistics.median(one):.1f}") for name, one in (("alone", alone), ("beside the two", beside))]
    print(f"{len(WELL)} channels, {count:,} articles each, {rounds} rounds by turns\n")
    print(table(("the eighteen", "seconds"), rows), end="\n\n")
    found = ratio(beside, alone)
    assert found < MOST, f"the two delay the others: {found:.2f} times as long"
    return f"beside a channel that answers after 30 s and one that never does: {found:.2f} times as long"


def _seconds(ledger: Ledger, channels: Sequence[str]) -> float:
    """Return the seconds until the eighteen have everything."""
    pending.schedule(ledger, *channels)
    started = time.monotonic()
    until(lambda: pending.left(ledger, *WELL) == 0, within=900, what="all deliveries to the eighteen")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
