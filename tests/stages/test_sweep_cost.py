"""What the sweep asks of the ledger each second does not depend on the number of channels."""

from __future__ import annotations

import pytest
from bench import Bench, article
from every_stage import enrich, render

from benchmarks.statements import counted
from pipeline.ledger import Ledger
from pipeline.stages.stage import drain
from pipeline.stages.sweep import sweep


def swept(bench: Bench) -> int:
    bench.clock.pass_(60)
    with counted() as asked:
        assert sweep(bench.context)
    return asked.statements


def asked_since_when(bench: Bench) -> int:
    with counted() as asked:
        bench.oldest_due()
    return asked.statements


def of(ledger: Ledger, count: int) -> Bench:
    return Bench(ledger, *(f"channel-{number}" for number in range(count)))


def rendered(bench: Bench) -> None:
    bench.publish(article())
    drain(bench.context, enrich)
    drain(bench.context, render)
    bench.bells.rung.clear()


def delivers_to(bench: Bench) -> set[str]:
    return {key for stage, key in bench.bells.rung if stage == "deliver"}


def test_an_idle_sweep_asks_as_much_for_many_channels_as_for_one(ledger: Ledger) -> None:
    one, many = of(ledger, 1), of(ledger, 100)
    many.clock = one.clock
    object.__setattr__(many.context, "clock", one.clock)
    assert swept(one) == swept(many) < 25
    assert asked_since_when(one) == asked_since_when(many)


def test_an_idle_sweep_asks_every_stage_in_one_transaction(ledger: Ledger) -> None:
    bench = of(ledger, 1)
    swept(bench)
    bench.clock.pass_(60)
    with counted() as asked:
        assert sweep(bench.context)
    assert asked.transactions == 3  # its lease, all stages, and what is stranded


def test_a_sweep_asks_once_for_all_channels_that_are_due(ledger: Ledger) -> None:
    bench = of(ledger, 30)
    swept(bench)
    idle = swept(bench)
    rendered(bench)
    assert swept(bench) <= idle + 3
    assert delivers_to(bench) == set(bench.receivers)


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
def test_a_channel_that_is_not_configured_is_not_rung_for(ledger: Ledger) -> None:
    bench = of(ledger, 3)
    rendered(bench)
    object.__setattr__(bench.context, "channels", {name: bench.context.channels[name] for name in ("channel-1",)})
    swept(bench)
    assert delivers_to(bench) == {"channel-1"}
