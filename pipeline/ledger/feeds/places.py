"""Read the places of articles in the pages of feeds, and change them as `layout` decides. There is one writer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa

from pipeline.ledger.articles import headings, public
from pipeline.ledger.database import Transaction
from pipeline.ledger.feeds.layout import BUILT, Candidate, Moves, Pages, Place, layout
from pipeline.ledger.feeds.pages import IS_PAGE, NEWEST_NUMBER
from pipeline.ledger.kept import NewInsert, add_missing, kept, one_of
from pipeline.ledger.tables import articles, contents, feed_entries, feed_pages, revisions, topics

_PUBLISHED = (
    sa.select(
        articles.c.id,
        public.state().label("state"),
        revisions.c.number,
        articles.c.published,
        articles.c.language,
        revisions.c.updated,
    )
    .select_from(articles)
    .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == public.number()))
    .where(one_of(articles.c.id, "article_ids"))
    .order_by(revisions.c.updated, articles.c.id)
)
_TOPICS = sa.select(topics.c.article, topics.c.topic).where(one_of(topics.c.article, "article_ids"))
_HEADINGS = (
    sa.select(articles.c.id, *headings.COLUMNS)
    .join(revisions, sa.and_(revisions.c.article == articles.c.id, revisions.c.number == articles.c.rendered))
    .join(contents, contents.c.digest == revisions.c.content)
    .where(one_of(articles.c.id, "article_ids"))
)


def candidates(transaction: Transaction, article_ids: Collection[str], *, canonical: bool = False) -> list[Candidate]:
    """Return those of the articles that were ever published, by date of change.

    One that returns after a withdrawal but is not published yet is still withdrawn: it may be under an embargo.
    `canonical`: include the canonical address that each article gives.
    """
    asked = {"article_ids": list(article_ids)}
    filed: dict[str, set[str]] = {}
    for article, topic in transaction.execute(_TOPICS, asked):
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
        for row in transaction.execute(_PUBLISHED, asked)
    ]


def _canonical(transaction: Transaction, article_ids: Collection[str]) -> dict[str, str | None]:
    rows = transaction.execute(_HEADINGS, {"article_ids": list(article_ids)})
    found = {row.id: headings.of_row(row) for row in rows}
    return {id: heading.canonical if heading else None for id, heading in found.items()}


_ADD_PAGES = add_missing(feed_pages)


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
    numbers = sorted({*moves.sealed, moves.open})
    pages = [{"feed": feed_id, "number": number, "sealed": False, "stale": BUILT} for number in numbers]
    transaction.execute(_ADD_PAGES(transaction), pages)
    _remove(transaction, feed_id, moves.removed)
    _place(transaction, feed_id, moves.placed)
    _mark_pages(transaction, feed_id, moves)


_IN_FEED = feed_entries.c.feed == sa.bindparam("of_feed")
_SIZE = sa.select(sa.func.count()).where(_IN_FEED, feed_entries.c.page == sa.bindparam("of_page"))
_PLACES = sa.select(*(feed_entries.c[name] for name in ("article", "page", "state", "revision", "updated"))).where(
    _IN_FEED, one_of(feed_entries.c.article, "article_ids")
)
_REMOVE = sa.delete(feed_entries).where(
    _IN_FEED,
    feed_entries.c.page == sa.bindparam("from_page"),
    feed_entries.c.article == sa.bindparam("removed_article"),
)
_SHOWN = ("state", "revision", "published", "updated", "canonical")
_UNWRITTEN = {"shown_since": None, "unwritten": True}  # until `pages.note_written`
_SEAL = sa.update(feed_pages).where(IS_PAGE).values(sealed=True)
_MAKE_STALE = (
    sa.update(feed_pages).where(IS_PAGE, feed_pages.c.stale < sa.bindparam("level")).values(stale=sa.bindparam("level"))
)


@kept
def _put(insert: NewInsert) -> sa.Insert:
    new = insert(feed_entries)
    key = [feed_entries.c.feed, feed_entries.c.page, feed_entries.c.article]
    return new.on_conflict_do_update(
        index_elements=key, set_={name: new.excluded[name] for name in (*_SHOWN, *_UNWRITTEN)}
    )


def _read(transaction: Transaction, feed_id: str, article_ids: Collection[str]) -> Pages:
    number = transaction.scalar(NEWEST_NUMBER, {"of_feed": feed_id}) or 1
    entries = transaction.scalar(_SIZE, {"of_feed": feed_id, "of_page": number}) or 0
    places: dict[str, dict[int, Place]] = {}
    asked = {"of_feed": feed_id, "article_ids": list(article_ids)}
    for article, page, state, revision, updated in transaction.execute(_PLACES, asked):
        places.setdefault(article, {})[page] = Place(state, revision, updated)
    return Pages(number, entries, places)


def _remove(transaction: Transaction, feed_id: str, removed: Sequence[tuple[int, str]]) -> None:
    rows = [{"of_feed": feed_id, "from_page": page, "removed_article": article} for page, article in removed]
    if rows:
        transaction.execute(_REMOVE, rows)


def _place(transaction: Transaction, feed_id: str, placed: Sequence[tuple[int, Candidate]]) -> None:
    rows = [
        {"feed": feed_id, "page": page, "article": one.article}
        | {name: getattr(one, name) for name in _SHOWN}
        | _UNWRITTEN
        for page, one in placed
    ]
    if rows:
        transaction.execute(_put(transaction), rows)


def _mark_pages(transaction: Transaction, feed_id: str, moves: Moves) -> None:
    for page in moves.sealed:
        transaction.execute(_SEAL, {"of_feed": feed_id, "of_page": page})
    for page, level in moves.stale.items():
        transaction.execute(_MAKE_STALE, {"of_feed": feed_id, "of_page": page, "level": level})
