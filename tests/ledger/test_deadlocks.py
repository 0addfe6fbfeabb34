"""Transactions that lock the same rows in different orders: one is rolled back by PostgreSQL, and run again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex

import pytest
import sqlalchemy as sa
from bench import Bench, article
from sqlalchemy.engine import make_url

from pipeline.errors import TransientError
from pipeline.ledger import Ledger, Transaction, articles
from pipeline.model.event import Origin, Publish
from pipeline.stages.accept import Intake, accept_all


@pytest.fixture
def contended(postgresql: str) -> Iterator[Ledger]:
    """A ledger whose server looks for deadlocks after a moment, not after a second."""
    url = make_url(postgresql).update_query_dict({"options": "-c deadlock_timeout=20ms"})
    with contextlib.closing(Ledger(url.render_as_string(hide_password=False))) as ledger:
        ledger.migrate()
        with ledger.write() as transaction:
            transaction.execute(sa.text("TRUNCATE articles, leases CASCADE"))
            names = [{"name": name} for name in ("a", "b")]
            transaction.execute(sa.text("INSERT INTO leases (name, failures) VALUES (:name, 0)"), names)
        yield ledger


def in_order(transaction: Transaction, names: Sequence[str], meet: threading.Barrier, runs: list[str]) -> None:
    runs.append(names[0])
    update = sa.text("UPDATE leases SET failures = failures + 1 WHERE name = :name")
    transaction.execute(update, {"name": names[0]})
    if len(runs) <= 2:  # both have their first row before either asks for its second
        meet.wait()
    transaction.execute(update, {"name": names[1]})


def test_a_deadlock_is_run_again_until_both_are_done(contended: Ledger) -> None:
    meet, runs = threading.Barrier(2, timeout=60), list[str]()
    with ThreadPoolExecutor() as threads:
        steps = [
            threads.submit(contended.written, lambda t, names=names: in_order(t, names, meet, runs))
            for names in (("a", "b"), ("b", "a"))
        ]
        for step in steps:
            step.result()
    assert len(runs) == 3
    with contended.read() as transaction:
        assert set(transaction.scalars(sa.text("SELECT failures FROM leases"))) == {2}


def test_a_step_that_is_always_rolled_back_is_given_up(contended: Ledger) -> None:
    runs = []

    def unlucky(transaction: Transaction) -> None:
        runs.append(1)
        transaction.execute(sa.text("DO $$ BEGIN RAISE EXCEPTION 'unlucky' USING ERRCODE = '40P01'; END $$"))

    with pytest.raises(TransientError) as failed:
        contended.written(unlucky)
    assert failed.value.code == "ledger-contended"
    assert len(runs) == 10


def test_overlapping_batches_in_opposite_orders_are_all_accepted(contended: Ledger) -> None:
    bench, names = Bench(contended), [f"article-{number}" for number in range(12)]
    intake = Intake(contended, bench.bells, bench.clock, lambda prefix: prefix + token_hex(8), evidence_wait=10)

    def publish(publisher: int) -> None:
        for round in range(4):
            order = names if publisher % 2 else names[::-1]
            text = f"By {publisher} in round {round}."
            batch = [
                Publish(
                    Origin(source="test", id=f"{publisher}-{round}-{name}"), article(name, text=text, pmids=["1", "2"])
                )
                for name in order
            ]
            assert [each.article for each in accept_all(intake, batch)] == order

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(publish, range(4)))
    with contended.read() as transaction:
        states = [articles.get(transaction, name) for name in names]
    assert [state.revision for state in states if state] == [16] * 12
