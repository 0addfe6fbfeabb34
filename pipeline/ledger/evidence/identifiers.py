"""DOIs and PMCIDs that articles cite, and their PMIDs. A work is stored as text: "doi:10.1000/x"."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, chunks, insert
from pipeline.ledger.tables import citations, identifier_citations, identifiers
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference, ReferenceState

_LONGEST = 512  # characters: no real DOI is longer


SCHEMES: tuple[Literal["doi", "pmcid", "nbk"], ...] = ("doi", "pmcid", "nbk")
"""The identifiers that may lead to a record."""


class Conversion(Struct, frozen=True):
    """What is known of a work. If it is resolved, it has a PMID, or the record of a source beside PubMed."""

    state: ReferenceState
    pmid: str | None = None
    record: Reference | None = None


def convertible(works: Iterable[CitedWork]) -> list[CitedWork]:
    """Return those of the works that may have a PMID, each once."""
    fitting = (work for work in works if work.scheme in SCHEMES and len(work.value) <= _LONGEST)
    return list(dict.fromkeys(fitting))


def cite(
    transaction: Transaction, article_id: str, works: Iterable[CitedWork], *, now: dt.datetime, new: bool
) -> list[Conversion]:
    """Store which DOIs and PMCIDs the article cites, schedule new ones for conversion, and return what is known."""
    if not new:
        transaction.execute(sa.delete(identifier_citations).where(identifier_citations.c.article == article_id))
    keys = sorted(_key(work) for work in convertible(works))
    if not keys:
        return []
    transaction.execute(sa.insert(identifier_citations), [{"article": article_id, "work": key} for key in keys])
    unheard = [{"work": key, "state": "pending", "due": now, "attempts": 0} for key in keys]
    transaction.execute(insert(transaction, identifiers).on_conflict_do_nothing(), unheard)
    return list(_known(transaction, keys).values())


def known(transaction: Transaction, works: Iterable[CitedWork]) -> dict[CitedWork, Conversion]:
    """Return what is known of these works. Works that were never submitted for conversion are left out."""
    by_key = {_key(work): work for work in convertible(works)}
    return {by_key[key]: known for key, known in _known(transaction, by_key).items()}


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, identifiers, now)


def due_since(transaction: Transaction, *, now: dt.datetime, limit: int) -> list[dt.datetime]:
    """Return the due times of the first `limit` works, longest due first."""
    due = sa.select(identifiers.c.due).where(claims.is_due(identifiers, now))
    return list(transaction.scalars(due.order_by(identifiers.c.due).limit(limit)))


def claim(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> list[CitedWork]:
    """Lease works that are due, across all articles, longest due first."""
    keys = claims.claim(transaction, identifiers.c.work, token=token, now=now, seconds=seconds, limit=limit)
    return [work for key in keys if (work := parsed(key))]


def converted(
    transaction: Transaction,
    pmids: Mapping[CitedWork, str],
    unknown: Collection[CitedWork],
    *,
    now: dt.datetime,
    ask_again: dt.datetime,
) -> list[CitedWork]:
    """Store the converter's answer, make articles that cite a work cite its PMID, and return the changed works.

    A work without a PMID is requested again at `ask_again`. One that had a PMID before keeps it.
    """
    before = known(transaction, [*pmids, *unknown])
    done = {"lease": None, "leased_until": None, "error": None, "attempts": 0, "asked": now}
    for work, pmid in pmids.items():
        values = {**done, "state": "resolved", "pmid": pmid, "due": None}
        transaction.execute(sa.update(identifiers).where(identifiers.c.work == _key(work)).values(**values))
    for some in chunks(sorted(_key(work) for work in unknown)):
        state = sa.case((identifiers.c.state == "resolved", "resolved"), else_="unknown")
        update = sa.update(identifiers).where(identifiers.c.work.in_(some))
        transaction.execute(update.values(**done, state=state, due=ask_again))
    for some in chunks(sorted(_key(work) for work in pmids)):
        _cite_pmids(transaction, some)
    return [
        work for work, said in before.items() if said.state == "pending" or (work in pmids and said.pmid != pmids[work])
    ]


def cite_found(transaction: Transaction, article_id: str, works: Iterable[CitedWork]) -> None:
    """Make the article cite the PMIDs of these works, including any found while it was being accepted."""
    found = {one.pmid for one in known(transaction, works).values() if one.pmid}
    if found:
        rows = [{"article": article_id, "pmid": pmid} for pmid in sorted(found)]
        transaction.execute(insert(transaction, citations).on_conflict_do_nothing(), rows)


def citing(transaction: Transaction, works: Collection[CitedWork]) -> list[str]:
    """Return the articles that cite any of these."""
    found: set[str] = set()
    for some in chunks(sorted(_key(work) for work in works)):
        cited = sa.select(identifier_citations.c.article).where(identifier_citations.c.work.in_(some))
        found.update(transaction.scalars(cited))
    return sorted(found)


def put_off(transaction: Transaction, works: Sequence[CitedWork], *, token: str, due: dt.datetime, error: str) -> None:
    """Record that the converter did not answer for these. What is known of them is kept."""
    for some in chunks(sorted(_key(work) for work in works)):
        mine = sa.and_(identifiers.c.work.in_(some), identifiers.c.lease == token)
        values = {"lease": None, "leased_until": None, "due": due, "error": error}
        transaction.execute(sa.update(identifiers).where(mine).values(**values, attempts=identifiers.c.attempts + 1))


def _cite_pmids(transaction: Transaction, keys: Sequence[str]) -> None:
    """Add the PMIDs of these works to the citations of the articles that cite the works."""
    pairs = (
        sa.select(identifier_citations.c.article, identifiers.c.pmid)
        .join(identifiers, identifiers.c.work == identifier_citations.c.work)
        .where(identifiers.c.work.in_(keys), identifiers.c.pmid.is_not(None))
        .distinct()
    )
    rows = [{"article": article, "pmid": pmid} for article, pmid in transaction.execute(pairs)]
    if rows:
        transaction.execute(insert(transaction, citations).on_conflict_do_nothing(), rows)


def _known(transaction: Transaction, keys: Iterable[str]) -> dict[str, Conversion]:
    found: dict[str, Conversion] = {}
    columns = (identifiers.c.work, identifiers.c.state, identifiers.c.pmid)
    for some in chunks(sorted(keys)):
        rows = transaction.execute(sa.select(*columns).where(identifiers.c.work.in_(some)))
        found |= {work: Conversion(state, pmid) for work, state, pmid in rows}
    return found


def parsed(key: str) -> CitedWork | None:
    """Return the work that a key names, or None for a text that is no key."""
    scheme, colon, value = key.partition(":")
    found = next((one for one in SCHEMES if one == scheme), None)
    return CitedWork(found, value) if found and colon else None


def _key(work: CitedWork) -> str:
    return f"{work.scheme}:{work.value.lower() if work.scheme == 'doi' else work.value}"
