"""Articles as operators list them: found by state, topic, channel or words, in pages by id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.articles.revisions import newest_content
from pipeline.ledger.articles.searching import WINDOW, has_delivery
from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.tables import articles, citations, deliveries, references, revisions, topics, withheld
from pipeline.model.delivery import DeliveryState

_DELIVERY_STATES: tuple[DeliveryState, ...] = (
    "delivered",
    "pending",
    "sending",
    "abandoned",
)  # from the best to the worst


_TOGETHER = 1_000  # articles read at a time
_NOT_RENDERED = articles.c.rendered.is_(None) | (articles.c.rendered != articles.c.revision)


class ArticleFilter(Struct, frozen=True):
    """Which articles to list; None: any."""

    state: str | None = None
    topic: str | None = None
    channel: str | None = None  # there is a delivery to this channel
    query: str | None = None  # in the title or the id, ignoring case
    held: bool = False  # kept from a channel, or from all, because of its evidence

    @property
    def looks_at_each(self) -> bool:
        """Whether articles are compared with it one by one, as no index has what matches in the order of the list."""
        return self.held or any(one is not None for one in (self.topic, self.channel, self.query))


class Listed(Struct, frozen=True):
    id: str
    title: str
    state: str
    revision: int
    published: dt.datetime
    updated: dt.datetime
    due: dt.datetime | None
    withdrawn: dt.datetime | None
    reason: str | None


class Page(Struct, frozen=True):
    """Articles by id. `next`: the id after which to go on; None: there is nothing more.

    With it, a page may be short, or empty: it looked at `WINDOW` articles, and the rest was not looked at.
    """

    articles: Sequence[Listed]
    next: str | None


def page(transaction: Transaction, filters: ArticleFilter, *, after: str | None, limit: int) -> Page:
    """Return the articles that follow `after` by id.

    The topics of a revision that is not published yet are only in its content, which is read for each of these.
    """
    last = _end_of_window(transaction, after) if filters.looks_at_each else None
    found: list[Listed] = []
    while True:
        some = _page(transaction, filters, after=after, last=last, limit=(missing := limit + 1 - len(found)))
        found += [one for one, matches in some if matches or _is_to_have(transaction, one.id, filters.topic)]
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1].id)
        if len(some) < missing:
            return Page(found, last)
        after = some[-1][0].id


def every(transaction: Transaction, filters: ArticleFilter) -> Iterator[Listed]:
    """Yield all articles that match, by id."""
    some = page(transaction, filters, after=None, limit=_TOGETHER)
    yield from some.articles
    while some.next is not None:
        some = page(transaction, filters, after=some.next, limit=_TOGETHER)
        yield from some.articles


def _end_of_window(transaction: Transaction, after: str | None) -> str | None:
    """Return the last of the `WINDOW` articles that follow `after`; None if there are no more than these."""
    following = sa.select(articles.c.id).order_by(articles.c.id).offset(WINDOW - 1).limit(2)
    ends = transaction.scalars(following if after is None else following.where(articles.c.id > after)).all()
    return ends[0] if len(ends) == 2 else None


def _page(
    transaction: Transaction, filters: ArticleFilter, *, after: str | None, last: str | None, limit: int
) -> list[tuple[Listed, bool]]:
    """Return articles up to `last`, each with whether it matches or may only be about to have the topic."""
    query = (
        _listed().add_columns(_has_topic(filters.topic)).where(*_matching(filters)).order_by(articles.c.id).limit(limit)
    )
    if after is not None:
        query = query.where(articles.c.id > after)
    if last is not None:
        query = query.where(articles.c.id <= last)
    return [(Listed(*row[:-1]), row[-1]) for row in transaction.execute(query)]


def rows(transaction: Transaction, article_ids: Sequence[str]) -> list[Listed]:
    """Return these articles, in this order."""
    query = _listed().where(articles.c.id.in_(article_ids))
    found = {row.id: Listed(*row) for row in transaction.execute(query)}
    return [found[id] for id in article_ids if id in found]


def _listed() -> sa.Select[Any]:
    gone = articles.c.state == "withdrawn"
    columns: list[sa.ColumnElement[Any]] = [
        articles.c[name] for name in ("id", "title", "state", "revision", "published", "updated", "due")
    ]
    columns += [sa.case((gone, revisions.c.at)).label("withdrawn"), revisions.c.reason]
    newest = sa.and_(revisions.c.article == articles.c.id, revisions.c.number == articles.c.revision)
    return sa.select(*columns).join(revisions, newest)


def _has_topic(topic: str | None) -> sa.ColumnElement[bool]:
    if topic is None:
        return sa.true()
    mine = sa.select(topics.c.topic).where(topics.c.article == articles.c.id, topics.c.topic == topic)
    return mine.scalar_subquery().is_not(None)


def _is_to_have(transaction: Transaction, article_id: str, topic: str | None) -> bool:
    return any(one.slug == topic for one in newest_content(transaction, article_id).article.topics)


def editorial(transaction: Transaction, article_ids: Collection[str]) -> dict[str, set[str]]:
    """Return the currently known editorial states of the papers that each of the articles cites."""
    found: dict[str, set[str]] = {}
    for some in chunks(sorted(article_ids), 500):
        query = (
            sa.select(citations.c.article, references.c.editorial)
            .join(references, references.c.pmid == citations.c.pmid)
            .where(citations.c.article.in_(some), references.c.editorial != "")
        )
        for article, states in transaction.execute(query):
            found.setdefault(article, set()).update(states.split())
    return found


def worst_deliveries(transaction: Transaction, article_ids: Collection[str]) -> dict[str, DeliveryState]:
    """Return the worst state that a delivery of each of the articles is in."""
    worst: dict[str, DeliveryState] = {}
    for some in chunks(sorted(article_ids), 500):
        pairs = sa.select(deliveries.c.article, deliveries.c.state).where(deliveries.c.article.in_(some)).distinct()
        for article, state in transaction.execute(pairs):
            worst[article] = max(state, worst.get(article, state), key=_DELIVERY_STATES.index)
    return worst


def _matching(filters: ArticleFilter) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = []
    if filters.state is not None:
        where.append(articles.c.state == filters.state)
    if filters.topic is not None:
        where.append(_has_topic(filters.topic) | (_NOT_RENDERED & (articles.c.state != "withdrawn")))
    if filters.channel is not None:
        where.append(has_delivery(deliveries.c.channel == filters.channel))
    if filters.held:
        where.append(articles.c.id.in_(sa.select(withheld.c.article)))
    if filters.query is not None:
        in_title = articles.c.title.icontains(filters.query, autoescape=True)
        where.append(in_title | articles.c.id.icontains(filters.query, autoescape=True))
    return where
