"""What the site or a channel showed of an article at a given time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction
from pipeline.ledger.articles import revisions
from pipeline.ledger.deliveries import channel_contents
from pipeline.model.revision import EventType
from pipeline.views.fields import ArticleId, ChannelId, Field, RevisionNumber, Time
from pipeline.views.references import Reference, reference


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a channel (null: the site itself) held of an article, with the references as they were shown there."""

    article: ArticleId
    channel: ChannelId | None
    at: Time
    revision: Annotated[RevisionNumber | None, Field(description="Null if nothing of the article was held.")]
    event: EventType | None
    since: Time | None
    digest: str | None
    title: str | None
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    revision: int | None = None
    event: EventType | None = None
    since: dt.datetime | None = None
    digest: str | None = None


def snapshot(transaction: Transaction, article_id: str, channel: str | None, at: dt.datetime) -> Snapshot:
    """Return what a channel (None: the site itself) held of an article at a given time."""
    shown = _shown(transaction, article_id, channel, at)
    content = None
    if shown.revision is not None and shown.event != "withdrawn":
        content = revisions.get(transaction, article_id, shown.revision)
    return Snapshot(
        article=article_id,
        channel=channel,
        at=at,
        revision=shown.revision,
        event=shown.event,
        since=shown.since,
        digest=shown.digest,
        title=content.article.title if content else None,
        references=tuple(reference(one) for one in content.references) if content else (),
    )


def _shown(transaction: Transaction, article_id: str, channel: str | None, at: dt.datetime) -> _Shown:
    if channel is None:
        own = revisions.shown_at(transaction, article_id, at)
        return _Shown() if own is None else _Shown(own.number, own.event, own.at)
    one = channel_contents.at(transaction, article_id, channel, at)
    return _Shown() if one is None else _Shown(one.revision, one.event, one.at, one.digest)
