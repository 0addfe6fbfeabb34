"""Pauses of before who paused was a column: those of partners are told by the reason that they were given then."""

from __future__ import annotations

import sqlalchemy as sa
from former_ledger import former_ledger

from pipeline.ledger import Ledger
from pipeline.ledger.deliveries import channels


def test_a_partners_pause_stays_one(empty_database: str) -> None:
    with former_ledger(empty_database, "0046") as connection:
        for id, reason in (("theirs", "its partner has paused it"), ("ours", "Known"), ("well", None)):
            values = {"id": id, "reason": reason, "paused": reason and 1_772_366_400_000_000}
            columns = "INSERT INTO channels (id, failures, paused, pause_reason)"
            connection.execute(sa.text(f"{columns} VALUES (:id, 0, :paused, :reason)"), values)
    ledger = Ledger(empty_database)
    ledger.migrate()
    with ledger.read() as transaction:
        found = {id: channels.health(transaction, id).paused_by for id in ("theirs", "ours", "well")}
    ledger.close()
    assert found == {"theirs": "partner", "ours": None, "well": None}
