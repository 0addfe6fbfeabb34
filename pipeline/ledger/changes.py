"""Every change that a channel should learn of, for partners who pull: written with what it tells of, in one commit."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import changes


def note(
    transaction: Transaction,
    *,
    channel: str,
    article_id: str,
    revision: int,
    format: str,
    digest: str | None,
    now: dt.datetime,
) -> None:
    """The channel should hold this revision, or, with no digest, learn that the article was taken back.

    The same bytes again are no change; nor is the withdrawal of what the channel was never told of.
    """
    mine = (changes.c.channel == channel, changes.c.article == article_id)
    newest = sa.select(changes.c.event, changes.c.digest).where(*mine).order_by(changes.c.id.desc()).limit(1)
    last = transaction.execute(newest).one_or_none()
    gone = last is None or last.event == "withdrawn"
    if (digest is None and gone) or (last is not None and last.digest == digest):
        return
    event = "withdrawn" if digest is None else "published" if gone else "updated"
    row = {"channel": channel, "article": article_id, "revision": revision, "event": event, "format": format}
    transaction.execute(sa.insert(changes).values(**row, digest=digest, at=now))


def note_withdrawal(transaction: Transaction, article_id: str, *, revision: int, now: dt.datetime) -> None:
    """Whoever was told of the article learns that it was taken back."""
    told = sa.select(changes.c.channel, sa.func.max(changes.c.format)).where(changes.c.article == article_id)
    for channel, format in transaction.execute(told.group_by(changes.c.channel)).all():
        note(
            transaction,
            channel=channel,
            article_id=article_id,
            revision=revision,
            format=format,
            digest=None,
            now=now,
        )
