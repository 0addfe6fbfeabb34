"""The history of what each channel has had. Written with every delivery and never deleted."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Instant, Transaction
from pipeline.ledger.tables import channel_contents, places
from pipeline.model.revision import EventType


def add(
    transaction: Transaction,
    *,
    article_id: str,
    channel: str,
    revision: int,
    event: EventType,
    digest: str | None,
    at: dt.datetime,
) -> None:
    """Record that from `at` the channel has this revision or, with the event "withdrawn", nothing of the article."""
    row = {"article": article_id, "channel": channel, "revision": revision, "event": event, "digest": digest, "at": at}
    transaction.execute(_ADD, row)


_ADD = sa.insert(channel_contents)


class ChannelContent(Struct, frozen=True):
    revision: int
    event: EventType
    digest: str | None  # of the rendition; None: a withdrawal
    at: dt.datetime  # from then on


def at(transaction: Transaction, article_id: str, channel: str, moment: dt.datetime) -> ChannelContent | None:
    """Return what the channel, or place, had of the article at a moment, or None if it had never had any of it.

    What a channel had before it moved is found at the place that was its own at that moment.
    """
    columns = (channel_contents.c.revision, channel_contents.c.event, channel_contents.c.digest, channel_contents.c.at)
    mine = (
        channel_contents.c.article == article_id,
        channel_contents.c.channel == _key_at(transaction, channel, moment),
        channel_contents.c.at <= moment,
    )
    newest = (
        sa.select(*columns).where(*mine).order_by(channel_contents.c.at.desc(), channel_contents.c.id.desc()).limit(1)
    )
    row = transaction.execute(newest).one_or_none()
    return None if row is None else ChannelContent(*row)


def since(transaction: Transaction, article_id: str) -> dict[str, dt.datetime]:
    """Return since when each channel, or place, has had of the article what it has now."""
    newest = sa.func.max(channel_contents.c.at, type_=Instant())
    query = sa.select(channel_contents.c.channel, newest).where(channel_contents.c.article == article_id)
    return dict(transaction.execute(query.group_by(channel_contents.c.channel)).all())


def got(transaction: Transaction, article_id: str, revision: int) -> dict[str, dt.datetime]:
    """Return when each channel, or place, had this revision for the first time or, of a withdrawal, no longer any."""
    first = sa.func.min(channel_contents.c.at, type_=Instant())
    mine = (channel_contents.c.article == article_id, channel_contents.c.revision == revision)
    query = sa.select(channel_contents.c.channel, first).where(*mine)
    return dict(transaction.execute(query.group_by(channel_contents.c.channel)).all())


def _key_at(transaction: Transaction, channel: str, moment: dt.datetime) -> str:
    """Return the key of the place that was the channel's at a moment; its own if none is known."""
    then = (places.c.since <= moment, sa.or_(places.c.left.is_(None), places.c.left > moment))
    query = sa.select(places.c.key).where(places.c.channel == channel, *then).order_by(places.c.since.desc())
    return transaction.scalar(query.limit(1)) or channel


def ever(transaction: Transaction, article_id: str, channel: str) -> bool:
    """Return whether the channel ever had any revision of the article."""
    keys = sa.select(places.c.key).where(places.c.channel == channel).scalar_subquery()
    here = sa.or_(channel_contents.c.channel == channel, channel_contents.c.channel.in_(keys))
    mine = (channel_contents.c.article == article_id, here)
    return transaction.execute(sa.select(channel_contents.c.id).where(*mine).limit(1)).first() is not None
