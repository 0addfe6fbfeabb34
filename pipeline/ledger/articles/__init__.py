"""Articles: the current state of each, its topics, and whether it is due to be rendered."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Instant, Transaction, chunks
from pipeline.ledger.kept import kept, one_of
from pipeline.ledger.tables import articles, topics
from pipeline.ledger.tables import revisions as revision_rows
from pipeline.ledger.tables import withheld as withheld_rows

ALONE = 2  # claims without an end, after which an article is claimed alone
MOST_STARTS = 4  # … and after which it is claimed no more


class ArticleState(Struct, frozen=True, kw_only=True):
    """An article's row, without the columns that track the rendering work."""

    id: str
    state: str
    revision: int
    rendered: int | None
    title: str
    language: str
    published: dt.datetime
    updated: dt.datetime
    due: dt.datetime | None
    error: str | None
    fingerprint: str = ""  # of its renditions in all formats
    next_review: dt.date | None = None  # of its rendered revision


_COLUMNS = tuple(articles.c[field] for field in ArticleState.__struct_fields__)
_STATE = sa.select(*_COLUMNS).where(articles.c.id == sa.bindparam("article_id"))
_STATE_TO_CHANGE = _STATE.with_for_update()
_STATES = sa.select(*_COLUMNS).where(one_of(articles.c.id, "article_ids"))

_TURNS = 64
_TURNS_OF_ARTICLES = 4204  # the first key of these advisory locks


def lock(transaction: Transaction, article_id: str) -> ArticleState | None:
    """Return the article's state, with its row locked until the transaction ends."""
    return _one(transaction, _STATE_TO_CHANGE, article_id)


_TAKE_TURNS = sa.text("SELECT pg_advisory_xact_lock(:space, turn) FROM unnest(CAST(:turns AS int[])) AS turn")


def take_turns(transaction: Transaction, article_ids: Iterable[str]) -> None:
    """Wait for other batches with any of these articles, new ones included, until they have committed.

    Without it, two batches that insert or lock the same articles in different orders would deadlock. On PostgreSQL the
    turns are advisory locks, taken in order. Articles share a fixed number of them, because a server has few locks.
    """
    if transaction.dialect.name == "postgresql":  # SQLite has one writer at a time
        turns = sorted({zlib.crc32(article_id.encode()) % _TURNS for article_id in article_ids})
        transaction.execute(_TAKE_TURNS, {"space": _TURNS_OF_ARTICLES, "turns": turns})


def get(transaction: Transaction, article_id: str) -> ArticleState | None:
    return _one(transaction, _STATE, article_id)


def get_all(transaction: Transaction, article_ids: Collection[str]) -> dict[str, ArticleState]:
    """Return the states of these articles; unknown ones are left out."""
    found: dict[str, ArticleState] = {}
    for some in chunks(sorted(article_ids)):
        rows = transaction.execute(_STATES, {"article_ids": some})
        found |= {row.id: ArticleState(**row._mapping) for row in rows}
    return found


def waiting(transaction: Transaction, now: dt.datetime) -> tuple[int, str | None]:
    """Count the articles whose rendering is overdue, and return the error of one that failed, if any did."""
    overdue = articles.c.due <= now
    count, error = transaction.execute(sa.select(sa.func.count(), sa.func.max(articles.c.error)).where(overdue)).one()
    return count, error


def counts(transaction: Transaction) -> dict[str, int]:
    """Return the number of articles in each state."""
    rows = transaction.execute(sa.select(articles.c.state, sa.func.count()).group_by(articles.c.state))
    return dict(rows.all())


def changed(current: ArticleState, **changes: Any) -> ArticleState:
    """Return the state with these fields replaced."""
    return structs.replace(current, **changes)


def create(transaction: Transaction, first: ArticleState) -> bool:
    """Add an article. Return False if another process has just added it: lock it and read its state."""
    return first.id in create_all(transaction, [first])


_CREATE = kept(lambda new: new(articles).on_conflict_do_nothing().returning(articles.c.id))


def create_all(transaction: Transaction, first: Sequence[ArticleState]) -> set[str]:
    """Add articles; return the ids of those that no other process has just added."""
    rows = [structs.asdict(one) for one in first]
    return set(transaction.scalars(_CREATE(transaction), rows)) if rows else set()


def save(transaction: Transaction, new: ArticleState) -> None:
    """Replace the row. This ends the lease of a renderer that is still working on an older revision."""
    save_all(transaction, [new])


_SAVE = sa.update(articles).where(articles.c.id == sa.bindparam("saved"))


def save_all(transaction: Transaction, new: Sequence[ArticleState]) -> None:
    """Do as `save` for each."""
    ended = {"lease": None, "leased_until": None, "attempts": 0, "starts": 0}
    rows = [structs.asdict(one) | ended | {"saved": one.id} for one in new]
    if rows:
        transaction.execute(_SAVE, rows)


_ALL_TOPICS = sa.select(topics.c.article, topics.c.topic).where(one_of(topics.c.article, "article_ids"))
_FORGET_TOPICS = sa.delete(topics).where(one_of(topics.c.article, "article_ids"))
_ADD_TOPICS = sa.insert(topics)


def set_topics(transaction: Transaction, slugs: Mapping[str, frozenset[str]]) -> None:
    """Set the topics of these articles."""
    before: dict[str, set[str]] = {}
    for some in chunks(sorted(slugs)):
        for article_id, slug in transaction.execute(_ALL_TOPICS, {"article_ids": some}):
            before.setdefault(article_id, set()).add(slug)
    others = {article_id: of_it for article_id, of_it in slugs.items() if of_it != before.get(article_id, set())}
    for some in chunks(sorted(others.keys() & before.keys())):
        transaction.execute(_FORGET_TOPICS, {"article_ids": some})
    rows = [{"article": article_id, "topic": slug} for article_id, of_it in others.items() for slug in sorted(of_it)]
    if rows:
        transaction.execute(_ADD_TOPICS, rows)


def live_after(
    transaction: Transaction, article_id: str, *, since: dt.datetime | None, limit: int
) -> list[tuple[str, int]]:
    """Return live articles whose ids follow, in order of id, each with its published revision.

    `since`: only those that changed from then on.
    """
    where = [articles.c.id > article_id, articles.c.state == "live", articles.c.rendered.is_not(None)]
    if since is not None:
        where.append(articles.c.updated >= since)
    query = sa.select(articles.c.id, articles.c.rendered).where(*where).order_by(articles.c.id).limit(limit)
    return [tuple(row) for row in transaction.execute(query)]


_TOPICS = sa.select(topics.c.topic).where(topics.c.article == sa.bindparam("of_article"))


def topics_of(transaction: Transaction, article_id: str) -> frozenset[str]:
    return frozenset(transaction.scalars(_TOPICS, {"of_article": article_id}))


def overdue(
    transaction: Transaction, today: dt.date, *, after: str = "", limit: int
) -> list[tuple[str, dt.date, bool]]:
    """Return shown articles whose review was due before `today`, by id: with that day, and whether they say so."""
    shown = sa.and_(revision_rows.c.article == articles.c.id, revision_rows.c.number == articles.c.rendered)
    query = sa.select(articles.c.id, articles.c.next_review, revision_rows.c.overdue).join(revision_rows, shown)
    late = query.where(IS_TO_REVIEW, articles.c.next_review < today, articles.c.id > after)
    return [tuple(row) for row in transaction.execute(late.order_by(articles.c.id).limit(limit))]


def longest_overdue(transaction: Transaction, today: dt.date) -> tuple[int, str, dt.date] | None:
    """Return how many live articles are overdue for review, and the one that is longest, with its day."""
    late = sa.and_(IS_TO_REVIEW, articles.c.next_review < today)
    first = transaction.execute(
        sa.select(articles.c.id, articles.c.next_review)
        .where(late)
        .order_by(articles.c.next_review, articles.c.id)
        .limit(1)
    ).one_or_none()
    if first is None:
        return None
    count = transaction.scalar(sa.select(sa.func.count()).select_from(articles).where(late)) or 0
    return count, first.id, first.next_review


# --- the work of rendering ----------------------------------------------------------------------------------------


_STARTED = {"starts": articles.c.starts + 1}
_NOT_STARTED = {"starts": sa.case((articles.c.starts > 0, articles.c.starts - 1), else_=0)}
_SUSPECT = articles.c.starts > sa.literal_column("1")  # as in the index
_NO_TIME: sa.ColumnElement[int] = sa.literal_column("0")
_DUE = Claims(articles.c.id, articles.c.starts < ALONE, also=_STARTED, back=_NOT_STARTED)
_DUE_ALONE = Claims(articles.c.id, _SUSPECT, articles.c.starts < MOST_STARTS, also=_STARTED)
_ENDED = (_SUSPECT, articles.c.starts >= MOST_STARTS, claims.is_due_then(articles))
_ANY_ENDED = sa.select(articles.c.id).where(*_ENDED).limit(1)


def claim_due(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> list[str]:
    """Lease articles that are due to be rendered, longest due first, and return their ids.

    An article that was claimed twice without an end may have ended the process. It is claimed alone, after the others.
    """
    found = _DUE.claim(transaction, token=token, now=now, seconds=seconds, limit=limit)
    return found or _DUE_ALONE.claim(transaction, token=token, now=now, seconds=seconds, limit=1)


def suspect(transaction: Transaction, article_id: str, *, token: str, due: dt.datetime) -> None:
    """End a claim of which the work does not end: at `due`, the article is claimed alone."""
    alone = sa.case((articles.c.starts < ALONE, ALONE), else_=articles.c.starts)
    mine = sa.update(articles).where(articles.c.id == article_id, articles.c.lease == token)
    transaction.execute(mine.values(lease=None, leased_until=None, starts=alone, due=due))


def set_aside(transaction: Transaction, *, now: dt.datetime, error: str) -> list[str]:
    """Claim no longer what was claimed too often without an end; return the articles that this concerns now."""
    if transaction.scalar(_ANY_ENDED, claims.at(now)) is None:
        return []  # nothing is written by claims that find nothing
    changed = sa.update(articles).where(*_ENDED).values(due=None, error=error)
    return list(transaction.scalars(changed.returning(articles.c.id), claims.at(now)))


def aside(transaction: Transaction, *, now: dt.datetime, limit: int) -> list[str]:
    """Return articles that are not rendered any longer because that never ended, by id.

    They are found by their starts: of `due IS NULL`, SQLite would look at every article that is not due.
    """
    is_not_due = sa.func.coalesce(articles.c.due, _NO_TIME) == _NO_TIME
    mine = (_SUSPECT, is_not_due, claims.is_free(articles, now))
    return list(transaction.scalars(sa.select(articles.c.id).where(*mine).order_by(articles.c.id).limit(limit)))


def try_again(transaction: Transaction, article_id: str, *, now: dt.datetime) -> bool:
    """Make an article that was set aside due again; return whether it was."""
    mine = sa.update(articles).where(articles.c.id == article_id, _SUSPECT, articles.c.due.is_(None))
    return transaction.execute(mine.values(starts=0, due=now, error=None)).rowcount == 1


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, articles, now)


_ON_HOLD = sa.select(withheld_rows.c.article).where(
    withheld_rows.c.channel == sa.literal_column("''"), withheld_rows.c.cause == sa.literal_column("'hold'")
)
_SHOWN = sa.and_(
    articles.c.state == sa.literal_column("'live'"), articles.c.rendered.is_not(None), articles.c.due.is_(None)
)
_HELD = sa.and_(articles.c.id.in_(_ON_HOLD), articles.c.state == "withdrawn", articles.c.due.is_(None))
_HAS_IT = articles.c.fingerprint == sa.bindparam("fingerprint_is")
_OLDEST = (
    sa.select(articles.c.updated, articles.c.id)
    .where(claims.is_free_then(articles), articles.c.starts < ALONE)
    .order_by(articles.c.updated)
    .limit(sa.bindparam("most", type_=sa.Integer()))
)
_OLDEST_WITH, _OLDEST_HELD = _OLDEST.where(_HAS_IT, _SHOWN), _OLDEST.where(_HELD, sa.not_(_HAS_IT))
_FIRST_FINGERPRINT = sa.select(sa.func.min(articles.c.fingerprint)).where(_SHOWN)
_NEXT_FINGERPRINT = _FIRST_FINGERPRINT.where(articles.c.fingerprint > sa.bindparam("last"))


def outdated(transaction: Transaction, fingerprint: str, *, now: dt.datetime, limit: int) -> list[str]:
    """Return live or held articles with another fingerprint, oldest first. An index finds that there are none.

    Articles that are due to be rendered are left out: rendering brings them up to date.
    """
    found: list[tuple[dt.datetime, str]] = []
    asked = {"most": limit, **claims.at(now)}
    for other in _other_fingerprints(transaction, fingerprint):
        found += [tuple(row) for row in transaction.execute(_OLDEST_WITH, {"fingerprint_is": other, **asked})]
    found += [tuple(row) for row in transaction.execute(_OLDEST_HELD, {"fingerprint_is": fingerprint, **asked})]
    return [article_id for _, article_id in sorted(found)[:limit]]


def claim_outdated(
    transaction: Transaction, fingerprint: str, *, token: str, now: dt.datetime, seconds: float, limit: int
) -> list[str]:
    """Lease live or held articles with another fingerprint, oldest first, and return their ids."""
    found = outdated(transaction, fingerprint, now=now, limit=limit)
    still = sa.and_(articles.c.id.in_(found), sa.or_(_SHOWN, _HELD), claims.is_free(articles, now))
    leased = {"lease": token, "leased_until": now + dt.timedelta(seconds=seconds), "starts": articles.c.starts + 1}
    taken = set(transaction.scalars(sa.update(articles).where(still).values(**leased).returning(articles.c.id)))
    return [article_id for article_id in found if article_id in taken]


def _other_fingerprints(transaction: Transaction, current: str) -> list[str]:
    """Return the fingerprints in use, without the current one: a step in the index for each."""
    found: list[str] = []
    last: str | None = transaction.scalar(_FIRST_FINGERPRINT)
    while last is not None:
        found += [] if last == current else [last]
        last = transaction.scalar(_NEXT_FINGERPRINT, {"last": last})
    return found


def due_rows(now: dt.datetime) -> DueRows:
    """Return the articles that are to be rendered."""
    return claims.due_rows(articles, now)


def lock_claimed(transaction: Transaction, article_id: str, *, token: str) -> ArticleState | None:
    """Do as `lock`, but return None if the claim has expired or a newer revision has ended it."""
    return lock_all_claimed(transaction, [article_id], token=token).get(article_id)


_CLAIMED_TO_CHANGE = _STATES.where(articles.c.lease == sa.bindparam("token")).order_by(articles.c.id).with_for_update()


def lock_all_claimed(transaction: Transaction, article_ids: Collection[str], *, token: str) -> dict[str, ArticleState]:
    """Do as `lock_claimed` for each, in the order of their ids; those of which the claim has ended are left out."""
    found: dict[str, ArticleState] = {}
    for some in chunks(sorted(article_ids)):
        rows = transaction.execute(_CLAIMED_TO_CHANGE, {"article_ids": some, "token": token})
        found |= {row.id: ArticleState(**row._mapping) for row in rows}
    return found


def put_off(transaction: Transaction, article_id: str, *, token: str, due: dt.datetime, error: str | None) -> None:
    """Make rendering due again at `due`, because it failed with `error` or it is too early."""
    transaction.execute(
        sa.update(articles)
        .where(articles.c.id == article_id, articles.c.lease == token)
        .values(
            lease=None,
            leased_until=None,
            due=due,
            error=error,
            attempts=articles.c.attempts + 1 if error else articles.c.attempts,
            starts=0,
        )
    )


def release(transaction: Transaction, article_ids: list[str], *, token: str) -> None:
    """Release articles that were claimed but not rendered."""
    _DUE.release(transaction, article_ids, token=token)


def attempts_at(transaction: Transaction, article_id: str) -> int:
    """Return how often rendering has failed since the newest revision arrived."""
    return transaction.scalar(sa.select(articles.c.attempts).where(articles.c.id == article_id)) or 0


_DUE_AT = sa.bindparam("due_at", type_=Instant())
_MAKE_DUE = (
    sa.update(articles)
    .where(one_of(articles.c.id, "article_ids"), sa.or_(articles.c.state != "withdrawn", articles.c.id.in_(_ON_HOLD)))
    .values(due=sa.case((articles.c.due < _DUE_AT, articles.c.due), else_=_DUE_AT))
)


def make_due(transaction: Transaction, article_ids: list[str], *, due: dt.datetime) -> None:
    """Make articles due for rendering at `due`, unless they are due earlier.

    Withdrawn ones are left as they are, except those that are only held: their hold may be over.
    """
    for some in chunks(article_ids):
        transaction.execute(_MAKE_DUE, {"article_ids": some, "due_at": due})


IS_TO_REVIEW = sa.and_(articles.c.state == sa.literal_column("'live'"), articles.c.next_review.is_not(None))


def _one(transaction: Transaction, query: sa.Select[Any], article_id: str) -> ArticleState | None:
    row = transaction.execute(query, {"article_id": article_id}).one_or_none()
    return None if row is None else ArticleState(**row._mapping)
