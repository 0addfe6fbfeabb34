"""References whose record is another work than the author's words describe, and the PMID that was probably meant."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims
from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import articles, mismatches
from pipeline.model.reference import CitedReference

_ID = mismatches.c.id
_WORDS = sa.select(_ID, mismatches.c.words).where(one_of(mismatches.c.article, "of_articles"))
_DUE = Claims(_ID)


class Mismatch(Struct, frozen=True, kw_only=True):
    article: str
    number: int
    work: str  # "pmid:123"
    differs: str  # "title, author"
    since: dt.datetime
    asked: dt.datetime | None  # when it was last looked for what was meant
    suggested: str | None  # a PMID


def put(transaction: Transaction, references: Mapping[str, Sequence[CitedReference]], *, now: dt.datetime) -> None:
    """Record which references of each article are mismatched now. What was found for the same words is kept."""
    wrong = {
        _id(article_id, cited): (article_id, cited)
        for article_id, of_it in references.items()
        for cited in of_it
        if cited.state == "mismatch" and cited.words
    }
    known: list[tuple[str, str]] = []
    for some in chunks(sorted(references)):
        known += [tuple(row) for row in transaction.execute(_WORDS, {"of_articles": some})]
    same = {id for id, words in known if id in wrong and wrong[id][1].words == words}
    for some in chunks(sorted(id for id, _ in known if id not in same)):
        transaction.execute(sa.delete(mismatches).where(_ID.in_(some)))
    rows = [_row(article_id, id, cited, now) for id, (article_id, cited) in wrong.items() if id not in same]
    if rows:
        transaction.execute(sa.insert(mismatches), rows)


def _id(article_id: str, cited: CitedReference) -> str:
    return f"{article_id} {cited.number} {cited.work.scheme}:{cited.work.value[:200]}"


def _row(article_id: str, id: str, cited: CitedReference, now: dt.datetime) -> dict[str, object]:
    return {
        "id": id,
        "article": article_id,
        "number": cited.number,
        "work": f"{cited.work.scheme}:{cited.work.value}",
        "words": cited.words,
        "differs": ", ".join(cited.differs),
        "since": now,
        "due": now,
    }


def oldest_due(transaction: Transaction, *, now: dt.datetime) -> dt.datetime | None:
    """Return since when the first is due, if any is."""
    return transaction.scalar(_OLDEST, claims.at(now))


_OLDEST = sa.select(mismatches.c.due).where(claims.is_due_then(mismatches)).order_by(mismatches.c.due).limit(1)


def claim(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> list[str]:
    """Lease references to look for what was meant, longest due first; return their ids."""
    return _DUE.claim(transaction, token=token, now=now, seconds=seconds, limit=limit)


def words_of(transaction: Transaction, ids: Sequence[str]) -> dict[str, str]:
    return dict(transaction.execute(sa.select(_ID, mismatches.c.words).where(_ID.in_(ids))).all())


def settle(
    transaction: Transaction, ids: Sequence[str], suggested: Mapping[str, str], *, token: str, now: dt.datetime
) -> None:
    """Record what was found for these, or that nothing was."""
    for id in ids:
        mine = sa.and_(_ID.in_([id]), mismatches.c.lease == token)
        found = {"suggested": suggested.get(id), "asked": now, "due": None, "lease": None, "leased_until": None}
        transaction.execute(sa.update(mismatches).where(mine).values(**found))


def put_off(transaction: Transaction, ids: Sequence[str], *, token: str, due: dt.datetime) -> None:
    mine = sa.and_(_ID.in_(ids), mismatches.c.lease == token)
    transaction.execute(sa.update(mismatches).where(mine).values(due=due, lease=None, leased_until=None))


def of_live_articles(
    transaction: Transaction, *, limit: int, works: Sequence[str] | None = None
) -> tuple[Mismatch, ...]:
    """Return those in articles that readers can see, the oldest first. `works`: only of these ("pmid:1")."""
    columns = [mismatches.c[name] for name in Mismatch.__struct_fields__]
    is_live = sa.exists().where(articles.c.id == mismatches.c.article, articles.c.state == "live")
    query = sa.select(*columns).where(is_live)
    if works is not None:
        query = query.where(mismatches.c.work.in_(works))
    oldest = query.order_by(mismatches.c.since, mismatches.c.article, mismatches.c.number).limit(limit)
    return tuple(Mismatch(**row._mapping) for row in transaction.execute(oldest))
