"""A failure that the ledger does not take when it happens is recorded as soon as it does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pytest
from bench import Bench, WithoutFeeds

from pipeline.errors import TransientError
from pipeline.ledger import Ledger, Transaction
from pipeline.stages.context import Context
from pipeline.stages.stage import Bell, Claim, Stage, drain, record_late


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger)


class Failing(Stage):
    """Fails at its only row, in a ledger that refuses to be written to so many times. `fault`: of the record itself."""

    name = "failing"

    def __init__(self, refusals: int, fault: Exception | None = None) -> None:
        self.refusals, self.fault, self.claims = refusals, fault, [Claim("lease_1", ("row",))]
        self.recorded: list[tuple[str, str]] = []

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> list[Bell]:
        return []

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        claims, self.claims = self.claims, []
        return claims

    def do(self, context: Context, claim: Claim) -> bool:
        raise LookupError("what it needed is gone")

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        self.refusals -= 1
        if self.refusals >= 0:
            raise TransientError("the ledger is read-only", code="ledger-unreachable")
        if self.fault is not None:
            raise self.fault
        self.recorded.append((claim.token, str(error)))

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        pass


def test_it_is_recorded_once_when_the_ledger_takes_it(bench: Bench) -> None:
    stage = Failing(refusals=2)
    with pytest.raises(TransientError):
        drain(bench.context, stage)
    with pytest.raises(TransientError):
        record_late(bench.context)
    assert stage.recorded == []
    for _ in range(2):
        record_late(bench.context)
    assert stage.recorded == [("lease_1", "what it needed is gone")]


def test_a_process_that_may_take_no_work_records_nothing(bench: Bench) -> None:
    stage = Failing(refusals=1)
    with pytest.raises(TransientError):
        drain(bench.context, stage)
    record_late(replace(bench.context, hold=lambda: TransientError("the clock is wrong", code="clock-wrong")))
    assert stage.recorded == []


def test_a_failure_that_is_recorded_at_once_is_not_recorded_again(bench: Bench) -> None:
    stage = Failing(refusals=0)
    drain(bench.context, stage)
    record_late(bench.context)
    assert len(stage.recorded) == 1


def test_one_that_can_never_be_recorded_keeps_no_other_waiting(bench: Bench) -> None:
    faulty, stage = Failing(refusals=1, fault=LookupError("a row that nobody expects")), Failing(refusals=1)
    for one in (faulty, stage):
        with pytest.raises(TransientError):
            drain(bench.context, one)
    with pytest.raises(LookupError):
        record_late(bench.context)
    record_late(bench.context)
    assert stage.recorded == [("lease_1", "what it needed is gone")]
    assert not bench.context.unrecorded
