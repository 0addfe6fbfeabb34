"""Build parcels, which are what a channel is given to send, from what the ledger knows of a delivery."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from pipeline.ledger import Transaction, articles, places
from pipeline.ledger.articles import renditions, revisions, withheld
from pipeline.ledger.articles.renditions import Stored
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.ledger.deliveries.sending import PendingDelivery
from pipeline.model.delivery import Links, Parcel
from pipeline.model.rendition import Rendition
from pipeline.model.revision import EventType, Withdrawal
from pipeline.stages.context import Context
from pipeline.stages.feeds.files import addresses_of
from pipeline.stages.render import made_again

_EMPTIED = "The publisher no longer provides its articles here."  # the reason of a withdrawal from such a place


def parcel(context: Context, pending: PendingDelivery, at: dt.datetime) -> Parcel:
    """Build the parcel of an attempt. Raises TransientError if the rendition store or the ledger does not answer."""
    row = pending.row
    if row.urgency == WITHDRAWAL:
        return withdrawal_parcel(context, row, at)
    head = pending.heading
    assert head is not None
    assert pending.media_type is not None, "only a rendered revision is scheduled"
    rendition = Rendition(row.format, pending.media_type, _body(context, pending))
    also = [_made(context, row, format) for format in _also(context, row)]
    feeds = addresses_of(context, head.topics, head.language)
    links = _links(context, head.address or row.article, row.format, head.canonical, feeds)
    return replace(
        _parcel(context, row, at, title=head.title, event=event_of(row), rendition=rendition, also=also, links=links),
        cause=pending.cause
        if row.delivered_revision == row.target_revision - 1 and row.delivered_event != "withdrawn"
        else None,
    )


def withdrawal_parcel(context: Context, row: Delivery, at: dt.datetime) -> Parcel:
    """Build the parcel of a withdrawal. Its tombstone is rendered here, from the ledger alone."""
    with context.ledger.read() as transaction:
        erase = places.is_emptying(transaction, row.channel)
        reason = withheld.reason(transaction, row.article, row.channel)
        gone = _withdrawal(transaction, row, reason, at)
        if erase and not gone.reason:
            gone = msgspec.structs.replace(gone, reason=_EMPTIED)
        slugs = articles.topics_of(transaction, row.article)
    rendition, *also = (
        Rendition(format.name, format.media_type, format.tombstone(gone, context.site))
        for format in (context.formats[name] for name in (row.format, *_also(context, row)))
    )
    feeds = addresses_of(context, slugs, gone.language)
    links = _links(context, gone.name, row.format, gone.canonical, feeds)
    made = _parcel(context, row, at, title=gone.title, event="withdrawn", rendition=rendition, also=also, links=links)
    return replace(made, erase=erase)


def _withdrawal(transaction: Transaction, row: Delivery, reason: str | None, at: dt.datetime) -> Withdrawal:
    """Return the withdrawal, also of a revision that a place got after the backup which was restored."""
    known = revisions.withdrawal_if_known(transaction, row.article, row.target_revision, reason=reason)
    if known is not None:
        return known
    state = articles.get(transaction, row.article)
    return Withdrawal(
        article_id=row.article,
        title=row.article if state is None else state.title,
        number=row.target_revision,
        reason=reason or "",
        published=at if state is None else state.published,
        withdrawn=at,
        language="en" if state is None else state.language,
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


def message_id(row: Delivery) -> str:
    """Return the message id, the same for every attempt at one revision.

    It includes the digest, so that a ledger restored from a backup never gives the same id to different texts.
    """
    what = "withdrawn" if row.target_digest is None else row.target_digest.removeprefix("sha256:")[:8]
    return f"{row.id.replace('dlv_', 'msg_', 1)}.{row.target_revision}.{what}"


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
) -> Parcel:
    return Parcel(
        message_id=message_id(row),
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
