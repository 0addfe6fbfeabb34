"""Pending deliveries, inserted into a ledger as the earlier stages would have left them."""

from __future__ import annotations

import datetime as dt

import msgspec
import sqlalchemy as sa

from benchmarks.samples import numbered
from pipeline.intake import read_article
from pipeline.ledger import Ledger
from pipeline.ledger.tables import (
    articles,
    attempts,
    channel_contents,
    contents,
    deliveries,
    feeds,
    renditions,
    revisions,
)
from pipeline.model.rendition import digest_of
from pipeline.renditions import formats
from pipeline.stages.context import Store

FORMAT = "ninjs"


def fill(ledger: Ledger, store: Store, count: int, body: bytes) -> None:
    """Insert rendered articles, each with different content, and no deliveries yet."""
    media_type = formats()[FORMAT].media_type
    now = dt.datetime.now(dt.UTC)
    for start in range(0, count, 1000):
        names = [f"article-{number:06}" for number in range(start, min(start + 1000, count))]
        bodies = {name: name.encode() + body[len(name) :] for name in names}
        content = {name: msgspec.json.encode(read_article(numbered(0).encode(), name="a.md")) for name in names[:1]}
        text = content[names[0]]
        with ledger.write() as transaction:
            for one in bodies.values():
                store.put(digest_of(one), one)
            encoded = [{"digest": f"content:{name}", "article": text} for name in names]
            transaction.execute(sa.insert(contents), encoded)
            transaction.execute(sa.insert(articles), [_article(name, now) for name in names])
            transaction.execute(sa.insert(revisions), [_revision(name, now) for name in names])
            rows = [
                {"article": name, "revision": 1, "format": FORMAT, "media_type": media_type}
                | {"bytes": len(one), "digest": digest_of(one)}
                for name, one in bodies.items()
            ]
            transaction.execute(sa.insert(renditions), rows)


def schedule(ledger: Ledger, *channels: str, limit: int | None = None) -> None:
    """Schedule deliveries of all articles, or `limit` of them, to the channels, and discard earlier rounds."""
    now = dt.datetime.now(dt.UTC)
    row = {
        "id": sa.literal("dlv_") + articles.c.id + sa.literal("_") + sa.bindparam("to"),
        "article": articles.c.id,
        "channel": sa.bindparam("to"),
        "format": sa.literal(FORMAT),
        "target_revision": sa.literal(1),
        "target_digest": renditions.c.digest,
        "urgency": sa.literal(1),
        "state": sa.literal("pending"),
        "attempts": sa.literal(0),
        "attempted": sa.literal(False),
        "changed": sa.literal(now, articles.c.updated.type),
        "due": sa.literal(now, articles.c.updated.type),
    }
    rendered = sa.select(*row.values()).join(renditions, renditions.c.article == articles.c.id)
    rendered = rendered.where(renditions.c.format == FORMAT).order_by(articles.c.id).limit(limit)
    with ledger.write() as transaction:
        for table in (deliveries, attempts, channel_contents):
            transaction.execute(sa.delete(table))
        for channel in channels:
            transaction.execute(sa.insert(deliveries).from_select(list(row), rendered), {"to": channel})


def feeds_are_built(ledger: Ledger) -> bool:
    """Return whether all feeds are built; they are rebuilt at start."""
    with ledger.read() as transaction:
        return transaction.scalar(sa.select(sa.func.count()).where(feeds.c.due.is_not(None))) == 0


def left(ledger: Ledger, *channels: str) -> int:
    """Return the number of pending deliveries, of all or the given channels."""
    with ledger.read() as transaction:
        query = sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.due.is_not(None))
        if channels:
            query = query.where(deliveries.c.channel.in_(channels))
        return transaction.scalar(query) or 0


def _article(name: str, now: dt.datetime) -> dict[str, object]:
    times = {"published": now, "updated": now}
    return {"id": name, "state": "live", "revision": 1, "rendered": 1, "title": name, "language": "en", **times}


def _revision(name: str, now: dt.datetime) -> dict[str, object]:
    return {
        "article": name,
        "number": 1,
        "event": "published",
        "content": f"content:{name}",
        "at": now,
        "updated": now,
    }
