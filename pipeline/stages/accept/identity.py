"""Decide which article an event is about.

The ledger remembers the place that an article came from: a file, or the source of an event. So an article without an id
of its own is the same one after its title was edited, and an id that is changed in a file renames the file's article.
An article keeps the id under which it was first published: feeds, channels and the ledger go by it. Its new name is the
one in its address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from msgspec import structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import names, origins, public, revisions
from pipeline.model.article import Article
from pipeline.model.event import Event, Publish, Withdraw
from pipeline.model.value_digest import value_digest

FILE, SOURCE = "file:", "source:"  # what a place begins with


def identified(transaction: Transaction, event: Event, *, gone: Callable[[str], bool], now: dt.datetime) -> Event:
    """Return the event with the ledger's id of its article. Raises InvalidEvent (`id-taken`).

    `gone`: whether a place no longer exists, so that what came from it may come from elsewhere.
    """
    if isinstance(event, Withdraw):
        return structs.replace(event, article_id=names.article_named(transaction, event.article_id))
    article, place = event.article, event.place
    article_id = _article_of(transaction, event)
    if place is not None:
        _claim(transaction, event, article_id, place, gone=gone, now=now)
    name = _name(transaction, article_id, article.name, now)
    address = None if name == article_id else name
    return structs.replace(event, article=structs.replace(article, id=article_id, address=address))


def _article_of(transaction: Transaction, event: Publish) -> str:
    article, place = event.article, event.place
    named = names.article_named(transaction, article.id)
    exists = articles.get(transaction, named) is not None
    known = _known(transaction, event)
    if event.id_from == "id":
        if known is None or known == named or exists or place is None or not place.startswith(FILE):
            if known == named and names.current(transaction, named) != article.id:
                names.rename(transaction, named, article.id)
            return named
        names.rename(transaction, known, article.id)
        return known
    if known is not None:
        return known
    former = event.former_id  # as it was made from the title, before articles went by their files' names
    if exists or former is None or articles.get(transaction, former) is None:
        return named
    return named if origins.places_of(transaction, former) else former


def _name(transaction: Transaction, article_id: str, said: str, now: dt.datetime) -> str:
    """Return the name for the article's address.

    The name that an embargoed update gave counts before its time only for events that give it too.
    """
    current = names.current(transaction, article_id)
    if current in (said, article_id) or names.is_shown(transaction, current):
        return current
    not_before = revisions.newest_content(transaction, article_id).article.not_before
    if not_before is None or not_before <= now:
        return current
    out = public.find(transaction, article_id)
    if out is None or out.state == "withdrawn":
        return article_id
    return revisions.get(transaction, article_id, out.revision).article.name


def _known(transaction: Transaction, event: Publish) -> str | None:
    """Return the article that came from the event's place before. A source has many; one is told by its text."""
    if event.place is None:
        return None
    if event.place.startswith(FILE):
        return origins.article_from(transaction, event.place)
    if event.id_from != "title":
        return None
    return origins.article_with_body(transaction, event.place, body_digest(event.article))


def _claim(
    transaction: Transaction,
    event: Publish,
    article_id: str,
    place: str,
    *,
    gone: Callable[[str], bool],
    now: dt.datetime,
) -> None:
    """Record that the article comes from the place. Raises InvalidEvent where it comes from another, still there."""
    others = [other for other in origins.places_of(transaction, article_id) if other != place]
    left = [other for other in others if gone(other)]
    rivals = [other for other in others if other not in left]
    if rivals and not event.take_over:
        raise InvalidEvent(
            f"has the id {event.article.id!r}, which belongs to {shown(rivals[0])}",
            code="id-taken",
            file=shown(place),
            field="id",
            hint="give it an id of its own, or say with --take-over that it is meant",
            article=article_id,
        )
    origins.forget(transaction, article_id, others)
    origins.record(transaction, place, article_id, body_digest(event.article), now=now)


def shown(place: str) -> str:
    """Return a place as people know it."""
    return place.removeprefix(FILE).removeprefix(SOURCE)


def body_digest(article: Article) -> str:
    return value_digest((article.answer, article.lead, article.sections))
