"""Decide which article an event is about.

The ledger remembers the place that an article came from: a file, or the source of an event. An article without an
explicit id therefore stays the same one when its title is edited, and changing the id in a file renames the article.
An article keeps the id under which it was first published, which feeds, channels and the ledger use. Its new name
appears in its address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import structs

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import names, origins, public, revisions
from pipeline.model.article import Article
from pipeline.model.event import FILE, OF_ONE, POST, SOURCE, Event, Publish, Withdraw
from pipeline.model.value_digest import value_digest


@dataclass(frozen=True)
class Identity:
    """Which article an event publishes."""

    article_id: str
    name: str  # the one in its address
    former: str  # the latest name it had before
    renamed: bool = False  # the event gives it a new name

    def of(self, article: Article) -> Article:
        """Return the article under the ledger's id."""
        return structs.replace(article, id=self.article_id, address=None if self.name == self.article_id else self.name)


def identified(transaction: Transaction, event: Event, *, gone: Callable[[str], bool], now: dt.datetime) -> Event:
    """Return the event with the ledger's id of its article, and record its name and where it came from.

    Raises InvalidEvent (`id-taken`). `gone`: whether a place no longer exists, in which case its articles may come from
    another place.
    """
    if isinstance(event, Withdraw):
        return structs.replace(event, article_id=names.article_named(transaction, event.article_id))
    identity = identity_of(transaction, event, now=now)
    others = other_places(transaction, event, identity)
    if refused := taken(event, identity, others, gone=gone):
        raise refused
    if event.place is not None:
        origins.forget(transaction, identity.article_id, others)
        origins.record(transaction, event.place, identity.article_id, body_digest(event.article), now=now)
    if identity.renamed:
        names.rename(transaction, identity.article_id, identity.name)
    return structs.replace(event, article=identity.of(event.article))


def identity_of(transaction: Transaction, event: Publish, *, now: dt.datetime) -> Identity:
    """Return which article the event publishes and what it will be called. Records nothing."""
    if event.restores_name:
        former = names.current(transaction, event.article.id)
        return Identity(event.article.id, event.article.name, former, renamed=event.article.name != former)
    article_id, named = _article_of(transaction, event)
    former = names.current(transaction, article_id)
    if named and former != event.article.id:
        return Identity(article_id, event.article.id, former, renamed=True)
    return Identity(article_id, _name(transaction, article_id, former, event.article.name, now), former)


def taken(
    event: Publish, identity: Identity, others: Sequence[str], *, gone: Callable[[str], bool]
) -> InvalidEvent | None:
    """Return why an event is refused: its article comes from one of the `others` (`other_places`) that still exists."""
    if event.place is None or event.take_over:
        return None
    rival = next((other for other in others if not gone(other)), None)
    if rival is None:
        return None
    return InvalidEvent(
        f"has the id {event.article.id!r}, which belongs to {shown(rival)}",
        code="id-taken",
        file=shown(event.place),
        field="id",
        hint="give it an id of its own, or say that it is meant: --take-over, over HTTP the attribute takeover = true",
        article=identity.article_id,
    )


def other_places(transaction: Transaction, event: Publish, identity: Identity) -> list[str]:
    """Return the places beside the event's own that its article came from."""
    if event.place is None:
        return []
    return [other for other in origins.places_of(transaction, identity.article_id) if other != event.place]


def _article_of(transaction: Transaction, event: Publish) -> tuple[str, bool]:
    """Return the id of the event's article, and whether the event's own id becomes its name."""
    article, place = event.article, event.place
    named = names.article_named(transaction, article.id)
    exists = articles.get(transaction, named) is not None
    known = _known(transaction, event)
    if event.id_from == "id":
        if known is None or known == named or exists or place is None or not place.startswith(OF_ONE):
            return named, known == named
        return known, True
    if known is not None:
        return known, False
    former = event.former_id  # derived from the title, as before ids were derived from file names
    if exists or former is None or articles.get(transaction, former) is None:
        return named, False
    return named if origins.places_of(transaction, former) else former, False


def _name(transaction: Transaction, article_id: str, current: str, given: str, now: dt.datetime) -> str:
    """Return the name for the article's address. `current`: its latest.

    A name given by an update under an embargo is used before the embargo ends only for events that give it too.
    """
    if current in (given, article_id) or names.is_shown(transaction, current):
        return current
    not_before = revisions.newest_content(transaction, article_id).article.not_before
    if not_before is None or not_before <= now:
        return current
    out = public.find(transaction, article_id)
    if out is None or out.state == "withdrawn":
        return article_id
    shown = revisions.heading(transaction, article_id, out.revision)
    return (shown and shown.address) or article_id


def _known(transaction: Transaction, event: Publish) -> str | None:
    """Return the article that came from the event's place before. A source has many, distinguished by their text."""
    if event.place is None:
        return None
    if event.place.startswith(OF_ONE):
        return origins.article_from(transaction, event.place)
    if event.id_from != "title":
        return None
    return origins.article_with_body(transaction, event.place, body_digest(event.article))


def shown(place: str) -> str:
    """Return a place in readable form."""
    return place.removeprefix(FILE).removeprefix(SOURCE).removeprefix(POST)


def body_digest(article: Article) -> str:
    return value_digest((article.answer, article.lead, article.sections))
