"""The history of what each channel has had. Written with every delivery and never deleted."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction
from pipeline.ledger.tables import channel_contents
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
    transaction.execute(sa.insert(channel_contents).values(**row))


class ChannelContent(Struct, frozen=True):
    revision: int
    event: EventType
    digest: str | None  # of the rendition; None: a withdrawal
    at: dt.datetime  # from then on


def at(transaction: Transaction, article_id: str, channel: str, moment: dt.datetime) -> ChannelContent | None:
    """Return what the channel had of the article at a moment, or None if it had never had any of it."""
    columns = (channel_contents.c.revision, channel_contents.c.event, channel_contents.c.digest, channel_contents.c.at)
    mine = (
        channel_contents.c.article == article_id,
        channel_contents.c.channel == channel,
        channel_contents.c.at <= moment,
    )
    newest = (
        sa.select(*columns).where(*mine).order_by(channel_contents.c.at.desc(), channel_contents.c.id.desc()).limit(1)
    )
    row = transaction.execute(newest).one_or_none()
    return None if row is None else ChannelContent(*row)


def ever(transaction: Transaction, article_id: str, channel: str) -> bool:
    """Return whether the channel ever had any revision of the article."""
    mine = (channel_contents.c.article == article_id, channel_contents.c.channel == channel)
    return transaction.execute(sa.select(channel_contents.c.id).where(*mine).limit(1)).first() is not None
