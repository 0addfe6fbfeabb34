"""How revisions came about: each with the event that made it, its text and the evidence that it showed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles.revisions import decode_evidence
from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import contents, events, revisions
from pipeline.model.article import Article
from pipeline.model.reference import CitedReference
from pipeline.model.revision import EventType


class Made(Struct, frozen=True, kw_only=True):
    """A revision. It has been rendered if `references` is set, which a withdrawal never is."""

    number: int
    event: EventType
    cause: str | None  # why it was made, if by no event and not because of its evidence
    reason: str | None  # of a withdrawal
    at: dt.datetime
    rendered_at: dt.datetime | None
    article: Article | None  # None: a withdrawal
    references: tuple[CitedReference, ...] | None  # as they were shown
    overdue: bool
    event_id: str | None  # None: no event asked for it
    source: str | None  # of the event
    accepted: dt.datetime | None  # when the event was


def find(transaction: Transaction, article_id: str, number: int) -> Made | None:
    """Return a revision, or None if the article has none with this number."""
    row = transaction.execute(_MADE.where(_is(article_id), revisions.c.number == number)).one_or_none()
    return None if row is None else _made(row)


def compared_with(transaction: Transaction, article_id: str, one: Made) -> Made | None:
    """Return the revision whose text and evidence a revision is compared with, or None for the first.

    It is the one before that has a text. What no event made follows what readers saw, and not an update that waits for
    its embargo; so it is compared with the last revision before it that was rendered, if any was.
    """
    earlier = _MADE.where(_is(article_id), revisions.c.number < one.number, revisions.c.content.is_not(None))
    newest = earlier.order_by(revisions.c.number.desc()).limit(1)
    row = None
    if one.event_id is None:
        row = transaction.execute(newest.where(revisions.c.evidence.is_not(None))).one_or_none()
    if row is None:
        row = transaction.execute(newest).one_or_none()
    return None if row is None else _made(row)


def was_withdrawn_between(transaction: Transaction, article_id: str, after: int, before: int) -> bool:
    """Return whether one of the revisions between these two is a withdrawal."""
    between = (revisions.c.number > after, revisions.c.number < before, revisions.c.event == "withdrawn")
    query = sa.select(revisions.c.number).where(_is(article_id), *between).limit(1)
    return transaction.execute(query).first() is not None


def _made(row: Any) -> Made:
    return Made(
        number=row.number,
        event=row.event,
        cause=row.cause,
        reason=row.reason,
        at=row.at,
        rendered_at=row.rendered_at,
        article=None if row.article is None else msgspec.json.decode(row.article, type=Article),
        references=None if row.evidence is None else decode_evidence(row.evidence),
        overdue=row.overdue,
        event_id=row.event_id,
        source=row.source,
        accepted=row.accepted,
    )


def _is(article_id: str) -> sa.ColumnElement[bool]:
    return revisions.c.article == article_id


_OWN = ("number", "event", "cause", "reason", "at", "rendered_at", "evidence", "overdue", "event_id")
_MADE = (
    sa.select(*(revisions.c[name] for name in _OWN), contents.c.article, events.c.source, events.c.accepted)
    .select_from(revisions)
    .outerjoin(contents, contents.c.digest == revisions.c.content)
    .outerjoin(events, events.c.id == revisions.c.event_id)
)
