"""Where articles stand in the pages of feeds: what becomes of the pages when articles change.

A feed is a row of pages. The newest is open: what the feed takes in is put there, until it holds `size` entries and is
sealed. An article is live in one page at most. When it changes it moves from a sealed page to the open one; when it is
withdrawn its place becomes that of its tombstone, and the open page gets one too. A sitemap's entries never move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.feeds.pages import BUILT, STALE, URGENT, is_page
from pipeline.ledger.tables import articles, contents, feed_entries, feed_pages, revisions, topics

State = Literal["live", "withdrawn"]


class Candidate(Struct, frozen=True, kw_only=True):
    """An article that was shown, as feeds see it."""

    article: str
    state: State
    revision: int
    published: dt.datetime
    updated: dt.datetime
    language: str
    topics: frozenset[str] = frozenset()
    canonical: str | None = None


def candidates(transaction: Transaction, article_ids: Collection[str], *, canonical: bool = False) -> list[Candidate]:
    """Those of the articles that were ever shown, by date of change.

    One that comes back after a withdrawal and is not shown yet is still withdrawn: it may be under an embargo.
    `canonical`: with the address that each gives itself, for which its content is read.
    """
    before = revisions.alias()
    taken_back = sa.select(sa.func.max(before.c.number)).where(
        before.c.article == articles.c.id, before.c.event == "withdrawn"
    )
    shown = sa.func.coalesce(articles.c.rendered, taken_back.correlate(articles).scalar_subquery())
    state = sa.case((articles.c.rendered.is_(None), "withdrawn"), else_=articles.c.state).label("state")
    columns = (articles.c.id, state, revisions.c.number, articles.c.published, articles.c.language)
    query = (
        sa.select(*columns, revisions.c.updated)
        .select_from(articles)
        .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == shown))
        .where(articles.c.id.in_(article_ids))
        .order_by(revisions.c.updated, articles.c.id)
    )
    filed: dict[str, set[str]] = {}
    for article, topic in transaction.execute(
        sa.select(topics.c.article, topics.c.topic).where(topics.c.article.in_(article_ids))
    ):
        filed.setdefault(article, set()).add(topic)
    addresses = _canonical(transaction, article_ids) if canonical else {}
    return [
        Candidate(
            article=row.id,
            state=row.state,
            revision=row.number,
            published=row.published,
            updated=row.updated,
            language=row.language,
            topics=frozenset(filed.get(row.id, ())),
            canonical=addresses.get(row.id),
        )
        for row in transaction.execute(query)
    ]


class _Address(Struct):
    """All that is read of an article's content here."""

    canonical: str | None = None


def _canonical(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str | None]:
    query = (
        sa.select(articles.c.id, contents.c.article)
        .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == articles.c.rendered))
        .join(contents, contents.c.digest == revisions.c.content)
        .where(articles.c.id.in_(article_ids))
    )
    read = msgspec.json.Decoder(_Address)
    return {id: read.decode(body).canonical for id, body in transaction.execute(query)}


def take_in(
    transaction: Transaction, feed_id: str, wanted: Mapping[str, Candidate | None], *, size: int, moving: bool = True
) -> None:
    """Give each of the articles its place, in the order given; None: it has none (any more).

    `moving`: what changes is told anew, in the open page. Otherwise it stays where it is.
    """
    placed = _placed(transaction, feed_id, wanted)
    layout = _Layout(transaction, feed_id, size)
    for article, candidate in wanted.items():
        rows = placed.get(article, {})
        if candidate is None:
            layout.remove(article, rows)
        elif rows.get(max(rows, default=0)) == _row(candidate):
            continue  # it stands there already
        elif not moving:
            layout.replace(candidate, rows)
        elif candidate.state == "live":
            layout.show(candidate, rows)
        else:
            layout.bury(candidate, rows)
    layout.write()


_Row = tuple[str, int]  # state and revision


def _row(candidate: Candidate) -> _Row:
    return candidate.state, candidate.revision


def _placed(transaction: Transaction, feed_id: str, article_ids: Collection[str]) -> dict[str, dict[int, _Row]]:
    """Where the articles stand: by article and page."""
    columns = (feed_entries.c.article, feed_entries.c.page, feed_entries.c.state, feed_entries.c.revision)
    mine = sa.and_(feed_entries.c.feed == feed_id, feed_entries.c.article.in_(article_ids))
    found: dict[str, dict[int, _Row]] = {}
    for article, page, state, revision in transaction.execute(sa.select(*columns).where(mine)):
        found.setdefault(article, {})[page] = (state, revision)
    return found


@dataclass
class _Layout:
    """What becomes of a feed's pages, gathered and then written at once."""

    transaction: Transaction
    feed_id: str
    size: int
    open: int = field(init=False)  # the number of the open page
    held: int = field(init=False)  # entries in it
    gone: list[tuple[int, str]] = field(default_factory=list)  # page and article
    kept: list[tuple[int, Candidate]] = field(default_factory=list)
    stale: dict[int, int] = field(default_factory=dict)
    sealed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        newest = sa.select(sa.func.max(feed_pages.c.number)).where(feed_pages.c.feed == self.feed_id)
        self.open = self.transaction.scalar(newest) or 1
        inside = sa.and_(feed_entries.c.feed == self.feed_id, feed_entries.c.page == self.open)
        self.held = self.transaction.scalar(sa.select(sa.func.count()).where(inside)) or 0
        self._page(self.open, sealed=False)

    def remove(self, article: str, rows: Mapping[int, _Row]) -> None:
        for page in rows:
            self.gone.append((page, article))
            self.stale[page] = URGENT
            self.held -= page == self.open

    def show(self, candidate: Candidate, rows: Mapping[int, _Row]) -> None:
        """In the open page, and nowhere else."""
        self.remove(candidate.article, {page: row for page, row in rows.items() if page != self.open})
        self._put(candidate, here=self.open in rows)

    def bury(self, candidate: Candidate, rows: Mapping[int, _Row]) -> None:
        """Its tombstone takes its place, and is told in the open page."""
        for page, (state, _) in rows.items():
            if page != self.open and state == "live":
                self.kept.append((page, candidate))
                self.stale[page] = URGENT
        self._put(candidate, here=self.open in rows)

    def replace(self, candidate: Candidate, rows: Mapping[int, _Row]) -> None:
        """Where it is; what is new, in the open page."""
        for page in rows:
            self.kept.append((page, candidate))
            self.stale.setdefault(page, STALE)
        if not rows:
            self._put(candidate, here=False)

    def _put(self, candidate: Candidate, *, here: bool) -> None:
        self.kept.append((self.open, candidate))
        self.stale.setdefault(self.open, STALE)
        self.held += not here
        if self.held >= self.size:
            self.sealed.append(self.open)
            self.open, self.held = self.open + 1, 0
            self._page(self.open, sealed=False)

    def write(self) -> None:
        transaction, feed = self.transaction, self.feed_id
        if self.gone:
            left = sa.and_(
                feed_entries.c.feed == feed,
                feed_entries.c.page == sa.bindparam("from_page"),
                feed_entries.c.article == sa.bindparam("gone_article"),
            )
            rows = [{"from_page": page, "gone_article": article} for page, article in self.gone]
            transaction.execute(sa.delete(feed_entries).where(left), rows)
        if self.kept:
            names = ("state", "revision", "published", "updated", "canonical")
            new = insert(transaction, feed_entries)
            key = [feed_entries.c.feed, feed_entries.c.page, feed_entries.c.article]
            upsert = new.on_conflict_do_update(index_elements=key, set_={name: new.excluded[name] for name in names})
            transaction.execute(
                upsert,
                [
                    {"feed": feed, "page": page, "article": one.article} | {name: getattr(one, name) for name in names}
                    for page, one in self.kept
                ],
            )
        for page in self.sealed:
            transaction.execute(sa.update(feed_pages).where(is_page(feed, page)).values(sealed=True))
        for page, level in self.stale.items():
            worse = sa.and_(is_page(feed, page), feed_pages.c.stale < level)
            transaction.execute(sa.update(feed_pages).where(worse).values(stale=level))

    def _page(self, number: int, *, sealed: bool) -> None:
        new = insert(self.transaction, feed_pages).values(feed=self.feed_id, number=number, sealed=sealed, stale=BUILT)
        self.transaction.execute(new.on_conflict_do_nothing())
