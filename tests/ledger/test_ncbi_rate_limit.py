"""NCBI's rate, kept for the whole site."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest

from pipeline.ledger import Ledger, leases
from pipeline.ledger.evidence import ncbi_rate_limit, source_rate_limit

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
STEP = dt.timedelta(milliseconds=10)


def at(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def take(ledger: Ledger, token: str, now: dt.datetime, *, rate: int = 3, parallel: int = 3) -> bool:
    with ledger.write() as transaction:
        ncbi_rate_limit.lock(transaction)
        permit = ncbi_rate_limit.next_permit(transaction, "pubmed", now=now, rate=rate, parallel=parallel)
        if permit is None or permit.at > now:
            return False
        ncbi_rate_limit.take(transaction, permit, token=token, now=now, seconds=90)
        return True


def answer(ledger: Ledger, token: str, counted: dt.datetime, *, limit: int | None = None) -> None:
    with ledger.write() as transaction:
        ncbi_rate_limit.answered(transaction, "pubmed", token=token, counted=counted, rate=3, limit=limit)


def fail(ledger: Ledger, token: str, now: dt.datetime, *, wait: float, refused: int | None = None) -> None:
    not_before = now + dt.timedelta(seconds=wait)
    with ledger.write() as transaction:
        code = "rate-limited" if refused else "timeout"
        times = {"now": now, "not_before": not_before}
        ncbi_rate_limit.failed(transaction, "pubmed", token=token, **times, error=code, refused_rate=refused)


@pytest.mark.parametrize(("rate", "slowest"), [(3, 0.1), (3, 0.9), (3, 4.0), (10, 0.3)])
def test_no_second_holds_more_than_the_limit_however_late_a_request_arrives(
    ledger: Ledger, rate: int, slowest: float
) -> None:
    """Each request arrives at any moment between its permit and its answer, as on a busy machine."""
    chance, arrivals = random.Random(1), list[dt.datetime]()
    under_way: list[tuple[dt.datetime, str]] = []
    names, now = itertools.count(), START
    while now < at(8):
        for done in [one for one in under_way if one[0] <= now]:
            under_way.remove(done)
            answer(ledger, done[1], now, limit=rate)
        token = f"token-{next(names)}"
        if take(ledger, token, now, rate=rate, parallel=rate):
            answered = now + dt.timedelta(seconds=chance.uniform(0, slowest))
            arrivals.append(now + (answered - now) * chance.random())
            under_way.append((answered, token))
        now += STEP * 3
    arrivals.sort()
    assert all(later - first > dt.timedelta(seconds=1) for first, later in zip(arrivals, arrivals[rate:], strict=False))
    assert len(arrivals) >= 8 * rate / (1.1 + slowest)


def test_a_permit_rests_although_its_holder_was_killed(ledger: Ledger) -> None:
    assert take(ledger, "dead", START, rate=1)
    with ledger.write() as transaction:
        leases.release_all(transaction, owner="dead")
    assert not take(ledger, "next", at(0.9), rate=1)
    assert take(ledger, "next", at(1.1), rate=1)


def test_a_killed_worker_costs_one_permit_for_the_length_of_its_lease(ledger: Ledger) -> None:
    assert take(ledger, "dead", START)
    assert take(ledger, "a", at(1))
    assert take(ledger, "b", at(2))
    assert not take(ledger, "c", at(3))
    assert take(ledger, "c", at(91))


def test_while_it_does_not_answer_it_is_asked_once_at_a_time(ledger: Ledger) -> None:
    take(ledger, "a", START)
    fail(ledger, "a", at(1), wait=2)
    assert not take(ledger, "b", at(2.9))
    assert take(ledger, "b", at(3.1))
    assert not take(ledger, "c", at(5))
    answer(ledger, "b", at(5))
    assert take(ledger, "c", at(5.1))
    assert take(ledger, "d", at(5.5))


def test_a_refusal_halves_the_rate(ledger: Ledger) -> None:
    for number in range(8):
        take(ledger, f"t{number}", at(number), rate=10)
        answer(ledger, f"t{number}", at(number), limit=10)
    take(ledger, "refused", at(20), rate=10)
    fail(ledger, "refused", at(20), wait=2, refused=10)
    taken = [take(ledger, f"u{number}", at(30 + number / 100), rate=10, parallel=10) for number in range(100)]
    assert sum(taken) == 1  # until it has answered once
    answer(ledger, f"u{taken.index(True)}", at(31), limit=10)
    taken = [take(ledger, f"v{number}", at(33 + number / 100), rate=10, parallel=10) for number in range(100)]
    assert sum(taken) == 6


def test_the_two_services_fail_apart_and_share_the_rate(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        ncbi_rate_limit.lock(transaction)
        permit = ncbi_rate_limit.next_permit(transaction, "idconv", now=START, rate=3, parallel=3)
        assert permit is not None
        ncbi_rate_limit.take(transaction, permit, token="a", now=START, seconds=90)
        ncbi_rate_limit.failed(transaction, "idconv", token="a", now=START, not_before=at(100), error="timeout")
        assert ncbi_rate_limit.next_permit(transaction, "pubmed", now=at(2), rate=3, parallel=3) is not None
        permit = ncbi_rate_limit.next_permit(transaction, "idconv", now=at(2), rate=3, parallel=3)
        assert permit is not None and permit.at == at(100)
        pubmed = ncbi_rate_limit.next_permit(transaction, "pubmed", now=at(0.01), rate=1, parallel=3)
        assert pubmed is not None and pubmed.at > at(1)


def test_it_is_known_since_when_a_service_has_not_answered(ledger: Ledger) -> None:
    def since() -> dt.datetime | None:
        with ledger.read() as transaction:
            return ncbi_rate_limit.failing_since(transaction, "pubmed")

    take(ledger, "a", START, rate=3)
    assert since() is None
    for seconds in (1, 100, 200):
        with ledger.write() as transaction:
            again = {"now": at(seconds), "not_before": at(seconds + 60)}
            ncbi_rate_limit.failed(transaction, "pubmed", token="a", **again, error="timeout")
        assert since() == at(1)
    answer(ledger, "a", at(300))
    assert since() is None


def test_a_limit_beyond_ncbis_own_is_not_believed(ledger: Ledger) -> None:
    for number in range(30):
        take(ledger, f"t{number}", at(2 * number), rate=3)
        answer(ledger, f"t{number}", at(2 * number), limit=1000)
    taken = [take(ledger, f"u{number}", at(100 + number / 100), rate=3, parallel=100) for number in range(100)]
    assert sum(taken) == ncbi_rate_limit.MOST


@pytest.mark.parametrize(("days", "is_free"), [(0, False), (400, True)])
def test_a_request_to_a_source_begun_under_a_wrong_clock_does_not_stop_the_next_one(
    ledger: Ledger, days: int, is_free: bool
) -> None:
    begun = START + dt.timedelta(days=days)
    with ledger.write() as transaction:
        permit = source_rate_limit.next_permit(transaction, "crossref", now=begun)
        assert permit is not None
        assert source_rate_limit.take(transaction, permit, token="one", now=begun, seconds=90)
        again = source_rate_limit.next_permit(transaction, "crossref", now=START)
        assert (again is not None) == is_free
        assert again is None or source_rate_limit.take(transaction, again, token="two", now=START, seconds=90)


def test_a_failure_that_is_recorded_after_its_permit_was_lost_counts_for_nothing(ledger: Ledger) -> None:
    assert take(ledger, "lost", START, rate=1, parallel=1)
    assert take(ledger, "next", at(91), rate=1, parallel=1)
    answer(ledger, "next", at(91))
    fail(ledger, "lost", at(92), wait=600, refused=1)
    with ledger.read() as transaction:
        assert leases.failures(transaction, "pubmed") == 0
        assert ncbi_rate_limit.failing_since(transaction, "pubmed") is None
    assert take(ledger, "other", at(93), rate=1, parallel=1)
