"""Build parcels, which are what a channel is given to send, from what the ledger knows of a delivery."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence

from pipeline.ledger.articles import renditions, revisions
from pipeline.ledger.articles.renditions import Stored
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.ledger.deliveries.sending import PendingDelivery
from pipeline.model.delivery import Links, Parcel
from pipeline.model.rendition import Rendition
from pipeline.model.revision import Cause, EventType
from pipeline.stages.context import Context
from pipeline.stages.deliver.shared import Shared
from pipeline.stages.deliver.taken_back import TakenBack, taken_back
from pipeline.stages.feeds.files import addresses_of
from pipeline.stages.render import made_again


def parcel(
    context: Context,
    pending: PendingDelivery,
    at: dt.datetime,
    gone: TakenBack | None = None,
    shared: Shared | None = None,
) -> Parcel:
    """Build the parcel of an attempt. Raises TransientError if the rendition store or the ledger does not answer.

    `gone`: what is known of an article that is taken back; None: it is read. `shared`: what other channels of a round
    are sent too.
    """
    row, shared = pending.row, shared or Shared()
    if row.urgency == WITHDRAWAL:
        return withdrawal_parcel(context, row, at, gone, shared)
    head, media_type = pending.heading, pending.media_type
    assert head is not None
    assert media_type is not None, "only a rendered revision is scheduled"

    def links() -> Links:
        feeds = addresses_of(context, head.topics, head.language)
        return _links(context, head.address or row.article, row.format, head.canonical, feeds)

    key = (row.article, row.target_revision, row.format, row.target_digest)
    rendition = shared.once(key, lambda: Rendition(row.format, media_type, _body(context, pending)))
    also = [shared.once((key, name), functools.partial(_made, context, row, name)) for name in _also(context, row)]
    is_next = row.delivered_revision == row.target_revision - 1 and row.delivered_event != "withdrawn"
    return _parcel(
        context,
        row,
        at,
        title=head.title,
        event=event_of(row),
        rendition=rendition,
        also=also,
        links=shared.once((key, "links"), links),
        cause=pending.cause if is_next else None,
    )


def withdrawal_parcel(
    context: Context,
    row: Delivery,
    at: dt.datetime,
    known: TakenBack | None = None,
    shared: Shared | None = None,
) -> Parcel:
    """Build the parcel of a withdrawal. Its tombstone is rendered here, from the ledger alone, or what is `known`."""
    if known is None:
        with context.ledger.read() as transaction:
            known = taken_back(transaction, row, at)
    shared = shared or Shared()
    gone, topics = known.withdrawal, known.topics

    def tombstone(name: str) -> Rendition:
        format = context.formats[name]
        return Rendition(name, format.media_type, format.tombstone(gone, context.site))

    def made_links() -> Links:
        feeds = addresses_of(context, topics, gone.language)
        return _links(context, gone.name, row.format, gone.canonical, feeds)

    names = (row.format, *_also(context, row))
    rendition, *also = (shared.once((gone, name), functools.partial(tombstone, name)) for name in names)
    links = shared.once((gone, row.format, topics), made_links)
    return _parcel(
        context,
        row,
        at,
        title=gone.title,
        event="withdrawn",
        rendition=rendition,
        also=also,
        links=links,
        erase=known.erase,
    )


def event_of(row: Delivery) -> EventType:
    """Return the event as the channel sees it: the first revision of an article that it gets is "published".

    A revision that is sent to it again keeps its event.
    """
    if row.urgency == WITHDRAWAL:
        return "withdrawn"
    if row.delivered_event in (None, "withdrawn"):
        return "published"
    return (
        "published"
        if row.delivered_revision == row.target_revision and row.delivered_event == "published"
        else "updated"
    )


def message_id(delivery_id: str, revision: int, digest: str | None) -> str:
    """Return the message id, the same for every attempt at one revision. `digest`: None: it is a withdrawal.

    It includes the digest, so that a ledger restored from a backup never gives the same id to different texts.
    """
    what = "withdrawn" if digest is None else digest.removeprefix("sha256:")[:8]
    return f"{delivery_id.replace('dlv_', 'msg_', 1)}.{revision}.{what}"


def _parcel(
    context: Context,
    row: Delivery,
    at: dt.datetime,
    *,
    title: str,
    event: EventType,
    rendition: Rendition,
    also: Sequence[Rendition],
    links: Links,
    cause: Cause | None = None,
    erase: bool = False,
) -> Parcel:
    return Parcel(
        message_id=message_id(row.id, row.target_revision, row.target_digest),
        article_id=row.article,
        title=title,
        revision=row.target_revision,
        event=event,
        rendition=rendition,
        extension=context.formats[row.format].extension,
        at=at,
        remote_id=row.remote_id,
        formers=_formers(context, row),
        links=links,
        also={one.format: one for one in also},
        cause=cause,
        erase=erase,
    )


def _formers(context: Context, row: Delivery) -> tuple[str, ...]:
    """Return the extensions of the other formats in which the channel may have the article."""
    own = context.formats[row.format].extension
    tried = (context.formats[name].extension for name in (row.tried or "").split() if name in context.formats)
    return tuple(dict.fromkeys(one for one in tried if one != own))


def _also(context: Context, row: Delivery) -> tuple[str, ...]:
    plan = context.channels.get(row.channel)
    return plan.also if plan else ()


def _made(context: Context, row: Delivery, format: str) -> Rendition:
    """Return the revision in a format, rendered now if its bytes are missing or the format is newer than it."""
    with context.ledger.read() as transaction:
        stored = renditions.one(transaction, row.article, row.target_revision, format)
    body = context.store.get(stored.digest, stored.bytes) if stored is not None else None
    if stored is not None and body is not None:
        return Rendition(format, stored.media_type, body)
    return _made_again(context, row, format, stored)


def _made_again(context: Context, row: Delivery, format: str, stored: Stored | None) -> Rendition:
    with context.ledger.read() as transaction:
        revision = revisions.get(transaction, row.article, row.target_revision)
    if stored is not None:
        return Rendition(format, stored.media_type, made_again(context, stored, revision))
    known = context.formats[format]
    return Rendition(format, known.media_type, known.render(revision, context.site))


def _body(context: Context, pending: PendingDelivery) -> bytes:
    row = pending.row
    assert row.target_digest is not None
    body = context.store.get(row.target_digest, pending.size)
    if body is not None:
        return body
    with context.ledger.read() as transaction:
        stored = renditions.one(transaction, row.article, row.target_revision, row.format)
    return _made_again(context, row, row.format, stored).body


def _links(context: Context, name: str, format: str, canonical: str | None, feeds: tuple[str, ...]) -> Links:
    site = context.site
    return Links(
        page=canonical or site.article_url(name),
        rendition=site.rendition_url(name, context.formats[format].extension),
        amp=site.rendition_url(name, "amp"),
        feeds=feeds,
    )
