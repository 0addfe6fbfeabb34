"""Read the places of articles in the pages of feeds, and change them as `layout` decides. There is one writer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from pipeline.ledger.articles import headings, public
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.feeds.layout import BUILT, Candidate, Moves, Pages, Place, layout
from pipeline.ledger.feeds.pages import is_page
from pipeline.ledger.tables import articles, contents, feed_entries, feed_pages, revisions, topics


def candidates(transaction: Transaction, article_ids: Collection[str], *, canonical: bool = False) -> list[Candidate]:
    """Return those of the articles that were ever published, by date of change.

    One that returns after a withdrawal but is not published yet is still withdrawn: it may be under an embargo.
    `canonical`: include the canonical address that each article gives.
    """
    columns = (
        articles.c.id,
        public.state().label("state"),
        revisions.c.number,
        articles.c.published,
        articles.c.language,
    )
    query = (
        sa.select(*columns, revisions.c.updated)
        .select_from(articles)
        .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == public.number()))
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


def _canonical(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str | None]:
    query = (
        sa.select(articles.c.id, *headings.COLUMNS)
        .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == articles.c.rendered))
        .join(contents, contents.c.digest == revisions.c.content)
        .where(articles.c.id.in_(article_ids))
    )
    found = {row.id: headings.of_row(row) for row in transaction.execute(query)}
    return {id: heading.canonical if heading else None for id, heading in found.items()}


def apply(
    transaction: Transaction,
    feed_id: str,
    candidates: Mapping[str, Candidate | None],
    *,
    size: int,
    moving: bool = True,
) -> None:
    """Put each of the articles in its place in the feed's pages; see `layout`."""
    moves = layout(_read(transaction, feed_id, candidates), candidates, size=size, moving=moving)
    for number in {*moves.sealed, moves.open}:
        page = insert(transaction, feed_pages).values(feed=feed_id, number=number, sealed=False, stale=BUILT)
        transaction.execute(page.on_conflict_do_nothing())
    _remove(transaction, feed_id, moves.removed)
    _place(transaction, feed_id, moves.placed)
    _mark_pages(transaction, feed_id, moves)


def _read(transaction: Transaction, feed_id: str, article_ids: Collection[str]) -> Pages:
    newest = sa.select(sa.func.max(feed_pages.c.number)).where(feed_pages.c.feed == feed_id)
    number = transaction.scalar(newest) or 1
    inside = sa.and_(feed_entries.c.feed == feed_id, feed_entries.c.page == number)
    entries = transaction.scalar(sa.select(sa.func.count()).where(inside)) or 0
    names = ("article", "page", "state", "revision", "updated")
    columns = [feed_entries.c[name] for name in names]
    mine = sa.and_(feed_entries.c.feed == feed_id, feed_entries.c.article.in_(article_ids))
    places: dict[str, dict[int, Place]] = {}
    for article, page, state, revision, updated in transaction.execute(sa.select(*columns).where(mine)):
        places.setdefault(article, {})[page] = Place(state, revision, updated)
    return Pages(number, entries, places)


def _remove(transaction: Transaction, feed_id: str, removed: Sequence[tuple[int, str]]) -> None:
    if not removed:
        return
    mine = sa.and_(
        feed_entries.c.feed == feed_id,
        feed_entries.c.page == sa.bindparam("from_page"),
        feed_entries.c.article == sa.bindparam("removed_article"),
    )
    rows = [{"from_page": page, "removed_article": article} for page, article in removed]
    transaction.execute(sa.delete(feed_entries).where(mine), rows)


def _place(transaction: Transaction, feed_id: str, placed: Sequence[tuple[int, Candidate]]) -> None:
    if not placed:
        return
    names = ("state", "revision", "published", "updated", "canonical")
    new = insert(transaction, feed_entries)
    key = [feed_entries.c.feed, feed_entries.c.page, feed_entries.c.article]
    rows = [
        {"feed": feed_id, "page": page, "article": one.article} | {name: getattr(one, name) for name in names}
        for page, one in placed
    ]
    replaced = {name: new.excluded[name] for name in names}
    transaction.execute(new.on_conflict_do_update(index_elements=key, set_=replaced), rows)


def _mark_pages(transaction: Transaction, feed_id: str, moves: Moves) -> None:
    for page in moves.sealed:
        transaction.execute(sa.update(feed_pages).where(is_page(feed_id, page)).values(sealed=True))
    for page, level in moves.stale.items():
        less = sa.and_(is_page(feed_id, page), feed_pages.c.stale < level)
        transaction.execute(sa.update(feed_pages).where(less).values(stale=level))
