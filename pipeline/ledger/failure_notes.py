"""What people have written about causes of failures, and which causes they have dismissed until they happen again."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import failure_notes


class Note(Struct, frozen=True, kw_only=True):
    """What was written about a cause. `dismissed`: as of when it was seen; what failed later is shown again."""

    key: str
    channel: str
    text: str | None
    by: str
    at: dt.datetime
    dismissed: dt.datetime | None = None


_COLUMNS = tuple(failure_notes.c[name] for name in Note.__struct_fields__)


def every(transaction: Transaction) -> dict[str, Note]:
    """Return all notes by the keys of their causes."""
    return {row.key: Note(**row._mapping) for row in transaction.execute(sa.select(*_COLUMNS))}


def dismissed(transaction: Transaction) -> dict[str, Note]:
    """Return the notes of causes that were dismissed, by the keys of the causes."""
    query = sa.select(*_COLUMNS).where(failure_notes.c.dismissed.is_not(None))
    return {row.key: Note(**row._mapping) for row in transaction.execute(query)}


def put(transaction: Transaction, note: Note) -> None:
    """Write a note in place of any former one about the cause."""
    values = structs.asdict(note)
    new = {name: value for name, value in values.items() if name != "key"}
    upsert = insert(transaction, failure_notes).values(**values)
    transaction.execute(upsert.on_conflict_do_update(index_elements=[failure_notes.c.key], set_=new))


def forget(transaction: Transaction, *, before: dt.datetime) -> None:
    """Delete notes that were written before this."""
    transaction.execute(sa.delete(failure_notes).where(failure_notes.c.at < before))
