"""The events that were accepted, with the answers that they got."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.errors import TransientError
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import events
from pipeline.model.event import Accepted, Event


def answer_to(transaction: Transaction, *, source: str, source_id: str) -> Accepted | None:
    """What was answered to this event before."""
    return _answer(transaction, sa.and_(events.c.source == source, events.c.source_id == source_id))


def find(transaction: Transaction, event_id: str) -> Accepted | None:
    return _answer(transaction, events.c.id == event_id)


def newest_time(transaction: Transaction, article_id: str, source: str) -> dt.datetime | None:
    """When, by the sender's clock, the newest event of `source` about the article happened."""
    of_source = sa.select(events.c.time).where(events.c.article == article_id, events.c.source == source)
    newest = of_source.where(events.c.time.is_not(None)).order_by(events.c.time.desc()).limit(1)
    return transaction.scalar(newest)


def record(transaction: Transaction, event: Event, answer: Accepted, *, now: dt.datetime) -> None:
    """Keep the event with its answer. Raises TransientError where another process has just accepted the same one."""
    origin = event.origin
    added = transaction.scalar(
        insert(transaction, events)
        .values(
            id=answer.event,
            source=origin.source,
            source_id=origin.id,
            type=answer.type,
            article=answer.article,
            revision=answer.revision,
            changed=answer.changed,
            time=origin.time,
            accepted=now,
        )
        .on_conflict_do_nothing()
        .returning(events.c.id)
    )
    if added is None:
        raise TransientError("the event is being accepted elsewhere", code="event-in-flight", event=origin.id)


def _answer(transaction: Transaction, which: sa.ColumnElement[bool]) -> Accepted | None:
    columns = (events.c.id, events.c.type, events.c.article, events.c.revision, events.c.changed)
    row = transaction.execute(sa.select(*columns).where(which)).one_or_none()
    if row is None:
        return None
    return Accepted(event=row.id, type=row.type, article=row.article, revision=row.revision, changed=row.changed)
