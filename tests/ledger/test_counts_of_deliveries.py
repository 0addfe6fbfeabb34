"""Deliveries are counted as they are at one moment, whatever is committed meanwhile."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.deliveries import NewTarget

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


def due(ledger: Ledger, article: str) -> None:
    target = NewTarget(id=f"dlv_{article}", article=article, channel="partner", format="html", revision=1, digest="x")
    with ledger.write() as transaction:
        deliveries.schedule(transaction, target, now=NOW)


def test_what_is_scheduled_while_deliveries_are_counted_is_counted_whole_or_not(ledger: Ledger) -> None:
    due(ledger, "first")
    with ledger.write() as transaction:
        deliveries.lies_at(transaction, "moved", id="dlv_moved", key="partner", format="html", revision=1, now=NOW)
    asked = 0

    def committed(*_: object) -> None:
        nonlocal asked
        asked += 1
        due(ledger, f"meanwhile-{asked}")

    with ledger.read() as transaction:
        sa.event.listen(transaction, "after_cursor_execute", committed)
        in_all, by_channel = deliveries.counts(transaction), deliveries.counts_by_channel(transaction)
    assert in_all == {"delivered": 1, "pending": 1}
    assert by_channel["partner", "delivered"] == 1
    assert by_channel["partner", "pending"] <= 1 + asked


def test_a_state_that_no_delivery_is_in_is_not_counted(ledger: Ledger) -> None:
    with ledger.read() as transaction:
        assert deliveries.counts(transaction) == deliveries.counts_by_channel(transaction) == {}
    due(ledger, "first")
    with ledger.read() as transaction:
        assert deliveries.counts(transaction) == {"pending": 1}
        assert deliveries.counts_by_channel(transaction) == {("partner", "pending"): 1, ("partner", "delivered"): 0}
