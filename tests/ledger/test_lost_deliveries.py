"""Deliveries that a former release lost for good are found by the migration, and cannot come to be any more."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from bench import START, Bench
from former_ledger import former_ledger

from pipeline.ledger import Ledger, Transaction, deliveries
from pipeline.ledger.deliveries import Delivery, repair

MICROSECONDS = int(START.timestamp() * 1_000_000)
LOST = {"state": "pending", "held": 1, "wanted": 2, "due": None}
SENDING = {"state": "sending", "held": None, "wanted": 1, "due": None}
OLD = {"state": "delivered", "held": 1, "wanted": 2, "due": None}
DONE = {"state": "delivered", "held": 2, "wanted": 2, "due": None}
DEAD = {"state": "abandoned", "held": 1, "wanted": 2, "due": None}
DUE = {"state": "pending", "held": 1, "wanted": 2, "due": 5}


def _deliveries(connection: sa.Connection, channel: str, **rows: dict[str, object]) -> None:
    columns = (
        "id, article, channel, format, wanted, wanted_digest, urgency, held, state, attempts, attempted, changed, due"
    )
    values = ":id, :id, :channel, 'plain', :wanted, 'sha256:x', 1, :held, :state, 1, true, 5, :due"
    for name, row in rows.items():
        given = row | {"id": name, "channel": channel}
        connection.execute(sa.text(f"INSERT INTO deliveries ({columns}) VALUES ({values})"), given)  # noqa: S608


def _subscription(connection: sa.Connection, id: str, **row: object) -> None:
    columns = "id, feed, format, topic, callback, host, since, expires, wanted, held, suspect, attempts, due"
    values = ":id, 'f', 'rss', 't', 'c', 'h', 5, :later, :wanted, :held, false, 0, :due"
    given = row | {"id": id, "later": MICROSECONDS * 2}
    connection.execute(sa.text(f"INSERT INTO subscriptions ({columns}) VALUES ({values})"), given)  # noqa: S608


def _all(transaction: Transaction, channel: str) -> dict[str, Delivery]:
    found = deliveries.search(transaction, state=None, channel=channel, limit=100)
    return {one.id: one for one in found}


def test_what_was_lost_is_due_and_nothing_else_is_changed(empty_database: str) -> None:
    with former_ledger(empty_database, "0006") as connection:
        _deliveries(connection, "partner", lost=LOST, sending=SENDING, old=OLD, done=DONE, dead=DEAD, due=DUE)
        _subscription(connection, "lost", wanted="b", held="a", due=None)
        _subscription(connection, "never", wanted="b", held=None, due=None)
        _subscription(connection, "well", wanted="a", held="a", due=None)
        _subscription(connection, "due", wanted="b", held="a", due=5)
    ledger = Ledger(empty_database)
    ledger.migrate()
    with ledger.read() as transaction:
        found = _all(transaction, "partner")
        pushes = dict(transaction.execute(sa.text("SELECT id, due FROM subscriptions")).all())
        names = {index["name"] for index in sa.inspect(transaction).get_indexes("deliveries")}
        assert repair.count(transaction) == 0
    ledger.close()
    states = {name: (one.state, one.due is not None) for name, one in found.items()}
    again = dict.fromkeys(("lost", "sending", "old"), ("pending", True))
    assert states == again | {"done": ("delivered", False), "dead": ("abandoned", False), "due": ("pending", True)}
    assert {name for name, due in pushes.items() if due is None} == {"well"}
    assert pushes["due"] == 5
    assert {
        "ix_deliveries_due",
        "ix_deliveries_leased",
        "ix_deliveries_withdrawals",
        "ix_deliveries_unfinished",
    } <= names


def test_what_waits_for_a_partner_to_fetch_it_goes_on_waiting(empty_database: str) -> None:
    with former_ledger(empty_database, "0006") as connection:
        _deliveries(connection, "partner", waiting=LOST)
    ledger = Ledger(empty_database)
    ledger.migrate()
    bench = Bench(ledger)
    plan = bench.context.channels["partner"]
    bench.context = replace(bench.context, channels={"partner": replace(plan, is_pull=True)})
    bench.clock.pass_(10**9)  # past the migration, which ran by this machine's clock
    bench.work()
    with ledger.read() as transaction:
        (waiting,) = _all(transaction, "partner").values()
        assert repair.unfetched(transaction, ["partner"].__contains__) == ["waiting"]
    ledger.close()
    assert (waiting.state, waiting.due, bench.partner.tried) == ("pending", None, [])
