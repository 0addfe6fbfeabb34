"""What the sweep and each claim ask is answered by an index, however much is outstanding, and whatever the database.

PostgreSQL is asked for its generic plan, which it uses for a prepared statement: there a bound value hides the indexes
that only have some of the rows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.ledger import Ledger, Transaction, deliveries
from pipeline.ledger.claims import Due, read_due
from pipeline.ledger.deliveries import attempts, channels, failing, repair, sending
from pipeline.ledger.tables import attempts as attempts_table
from pipeline.ledger.tables import deliveries as table

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ROWS = {"served": 18_000, "backlog": 2_000}  # of half a table PostgreSQL reads all or not, as the last ANALYZE fell out


@pytest.fixture
def full(ledger: Ledger) -> Ledger:
    """A ledger of two channels: one has everything, to the other all is still to be sent."""
    due, no = int(NOW.timestamp() * 1e6), "0" if ledger.is_sqlite else "false"
    columns = "id, article, channel, format, wanted, wanted_digest, urgency, attempts, attempted, changed"
    kinds = {"served": "'delivered', 1, NULL", "backlog": f"'pending', NULL, {due} - i"}
    with ledger.write() as transaction:
        for channel, state in kinds.items():
            transaction.exec_driver_sql(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS[channel]})"  # noqa: S608 (constants)
                f" INSERT INTO deliveries ({columns}, state, held, due)"
                f" SELECT '{channel}-' || i, 'a' || i, '{channel}', 'plain', 1, 'x', 1, 0, {no}, {due}, {state} FROM n"
            )
    if not ledger.is_sqlite:
        with ledger.write() as transaction:
            transaction.exec_driver_sql("ANALYZE deliveries")
    return ledger


def plans(ledger: Ledger, step: Callable[[Transaction], object]) -> list[str]:
    """Return how the database executes each statement of the step."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if not statement.startswith("SET"):
            seen.append((statement, parameters))

    with ledger.write() as transaction:
        sa.event.listen(transaction, "before_cursor_execute", note)
        step(transaction)
        sa.event.remove(transaction, "before_cursor_execute", note)
        return [_plan(transaction, statement, parameters) for statement, parameters in seen]


def _plan(transaction: Transaction, statement: str, parameters: Any) -> str:
    if transaction.dialect.name == "sqlite":
        rows = transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row.detail for row in rows)
    names: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        names.append(found[1])
        return f"${len(names)}"

    generic = re.sub(r"%\((\w+)\)s", numbered, statement)
    return "\n".join(transaction.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {generic}").scalars())


def due_at(transaction: Transaction, channel_ids: set[str]) -> Due:
    return read_due(transaction, {"": channels.due_rows(channel_ids, NOW)})[""]


def reads_all(plan: str) -> bool:
    """Return whether the table's rows are read one after the other."""
    return bool(re.search(r"SCAN deliveries(?! USING INDEX ix_deliveries_stranded)|Seq Scan on deliveries", plan))


@pytest.mark.parametrize(
    ("step", "index"),
    [
        (lambda one: deliveries.is_blocked(one, "backlog"), "ix_deliveries_withdrawals"),
        (lambda one: channels.with_due_deliveries(one, NOW), "ix_deliveries_due"),
        (lambda one: due_at(one, {"backlog"}), "ix_deliveries_due"),
        (lambda one: sending.in_flight(one, "backlog", now=NOW), "ix_deliveries_leased"),
        (lambda one: repair.unfetched(one, {"backlog"}.__contains__), "ix_deliveries_available"),
        (lambda one: repair.stranded(one, now=NOW), "ix_deliveries_stranded"),
    ],
    ids=["blocked", "sweep", "oldest", "in flight", "unfetched", "stranded"],
)
def test_what_is_asked_of_a_backlog_is_answered_by_an_index(
    full: Ledger, step: Callable[[Transaction], object], index: str
) -> None:
    first, *others = plans(full, step)
    assert index in first
    assert not any(reads_all(plan) for plan in (first, *others))


@pytest.mark.parametrize("urgent", [False, True])
def test_a_claim_from_a_backlog_reads_no_more_than_it_takes(full: Ledger, urgent: bool) -> None:
    def claim(transaction: Transaction) -> None:
        ids = sending.claim(transaction, "backlog", token="one", now=NOW, seconds=45, limit=5, urgent=urgent)
        pending = sending.begin(transaction, ids, channel="backlog", token="one", now=NOW, seconds=45)
        sending.look(transaction, pending, channel="backlog", token="one", now=NOW, seconds=45)

    assert not [plan for plan in plans(full, claim) if reads_all(plan) or "backlog" in plan]


def test_a_channel_that_answers_again_finds_what_failed_by_indexes(full: Ledger) -> None:
    """Of a table as small as this one PostgreSQL may well read all. It must be able not to."""

    def forward(transaction: Transaction) -> None:
        if not full.is_sqlite:
            transaction.exec_driver_sql("SET LOCAL enable_seqscan = off")
        deliveries.bring_forward(transaction, "backlog", now=NOW)

    abandoned, waiting = plans(full, forward)[-2:]
    assert "USING INDEX ix_deliveries_abandoned" in abandoned or "Index Scan" in abandoned
    assert "ix_deliveries_due" in waiting


def test_what_fails_is_found_by_indexes(full: Ledger) -> None:
    """As above, PostgreSQL must only be able not to read the table."""

    def look(transaction: Transaction) -> None:
        if not full.is_sqlite:
            transaction.exec_driver_sql("SET LOCAL enable_seqscan = off")
        failing.of_channel(transaction, "served")
        list(failing.tallies(transaction))

    found = plans(full, look)[-4:]  # twice what was given up, and what waits to be tried again
    few = ("ix_deliveries_abandoned", "ix_deliveries_unfinished", "ix_deliveries_due")  # without what was delivered
    assert all(any(index in plan for index in few) for plan in found)
    assert not any("Seq Scan on deliveries" in plan or "ix_deliveries_channel" in plan for plan in found)


def test_the_delivery_of_each_of_the_newest_attempts_is_looked_up(full: Ledger) -> None:
    """Whatever the channel has: joined, PostgreSQL reads all of it to find those of a few attempts."""
    rows = [
        {
            "delivery": f"served-{number}",
            "revision": 1,
            "at": NOW,
            "outcome": "delivered",
            "milliseconds": 1,
            "detail": "",
        }
        for number in range(1, 5_001)
    ]
    with full.write() as transaction:
        transaction.execute(sa.insert(attempts_table), rows)
        if not full.is_sqlite:
            transaction.exec_driver_sql("ANALYZE attempts")
    (plan,) = plans(full, lambda one: attempts.at_channel(one, "served", since=NOW, limit=5_000))
    assert "Join" not in plan and "ix_deliveries_channel" not in plan and not reads_all(plan)


@pytest.mark.parametrize("channel", [None, "served"])
def test_a_replay_of_what_was_given_up_reads_nothing_else(full: Ledger, channel: str | None) -> None:
    """It writes, so that all other writers of SQLite wait for it. As above for PostgreSQL."""

    def replay(transaction: Transaction) -> None:
        if not full.is_sqlite:
            transaction.exec_driver_sql("SET LOCAL enable_seqscan = off")
        deliveries.replay(transaction, now=NOW, channel=channel)

    found = plans(full, replay)
    few = ("ix_deliveries_abandoned", "ix_deliveries_unfinished")
    assert found and all(any(index in plan for index in few) for plan in found), found


def test_the_sweep_finds_a_channel_among_many_that_have_everything(full: Ledger) -> None:
    with full.write() as transaction:
        found = channels.with_due_deliveries(transaction, NOW)
        assert [(one.id, one.withdrawals) for one in found] == [("backlog", None)]
        assert due_at(transaction, {"backlog", "served"}).oldest == transaction.scalar(
            sa.select(sa.func.min(table.c.due))
        )
        assert due_at(transaction, {"served"}) == Due(0)
