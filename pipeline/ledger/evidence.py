"""References by PMID: what PubMed said, what is still to be asked, and which articles cite them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

import msgspec
import sqlalchemy as sa

from pipeline.ledger import claims
from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import citations, references
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, Reference

_CHUNK = 500  # bound parameters in one statement


def cite(transaction: Transaction, article_id: str, pmids: Collection[str], *, now: dt.datetime) -> bool:
    """File which PMIDs the article cites; those never heard of are to be asked for. Whether any is unanswered."""
    transaction.execute(sa.delete(citations).where(citations.c.article == article_id))
    if not pmids:
        return False
    ordered = sorted(pmids)
    transaction.execute(sa.insert(citations), [{"article": article_id, "pmid": pmid} for pmid in ordered])
    new = [{"pmid": pmid, "state": "pending", "due": now, "attempts": 0} for pmid in ordered]
    transaction.execute(insert(transaction, references).on_conflict_do_nothing(), new)
    return any_pending(transaction, ordered)


def any_pending(transaction: Transaction, pmids: Collection[str]) -> bool:
    """Whether PubMed has yet to answer for any of these."""
    for some in _chunks(pmids):
        waiting = sa.select(references.c.pmid).where(references.c.pmid.in_(some), references.c.state == "pending")
        if transaction.execute(waiting.limit(1)).first():
            return True
    return False


def show(transaction: Transaction, works: Iterable[CitedWork]) -> tuple[CitedReference, ...]:
    """What is known now of what an article cites, in its order."""
    works = tuple(works)
    known = _known(transaction, {work.value for work in works if work.scheme == "pmid"})
    shown = []
    for number, work in enumerate(works, start=1):
        state, reference = known.get(work.value, ("pending", None)) if work.scheme == "pmid" else ("unknown", None)
        shown.append(CitedReference(number=number, work=work, state=state, reference=reference))  # type: ignore[arg-type]
    return tuple(shown)


def citing(transaction: Transaction, pmids: Collection[str]) -> list[str]:
    """The articles that cite any of these."""
    found: set[str] = set()
    for some in _chunks(pmids):
        found.update(transaction.scalars(sa.select(citations.c.article).where(citations.c.pmid.in_(some))))
    return sorted(found)


def cited_by(transaction: Transaction, article_id: str) -> list[str]:
    """The PMIDs that the article cites."""
    return sorted(transaction.scalars(sa.select(citations.c.pmid).where(citations.c.article == article_id)))


def all_cited(transaction: Transaction) -> list[str]:
    """Every PMID that a live article cites."""
    return sorted(transaction.scalars(sa.select(citations.c.pmid).distinct()))


def fetched(transaction: Transaction, pmid: str) -> dt.datetime | None:
    """When PubMed last answered for it."""
    return transaction.scalar(sa.select(references.c.fetched).where(references.c.pmid == pmid))


# --- the work of enriching ----------------------------------------------------------------------------------------


def claim_due(transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int) -> list[str]:
    """PMIDs to be asked for, across all articles, longest due first."""
    return claims.claim(transaction, references.c.pmid, token=token, now=now, seconds=seconds, limit=limit)


def answered(
    transaction: Transaction,
    resolved: Mapping[str, Reference],
    unknown: Collection[str],
    *,
    now: dt.datetime,
    ask_again: dt.datetime,
) -> list[str]:
    """Keep PubMed's answer; the PMIDs of which it says something new.

    A PMID that PubMed does not know is asked for again at `ask_again`: new records appear there every day. One that
    was resolved before keeps its record: that PubMed leaves it out once does not unsay what it said.
    """
    before = _known(transaction, [*resolved, *unknown])
    changed = []
    for pmid, reference in resolved.items():
        if before.get(pmid) != ("resolved", reference):
            changed.append(pmid)
        _write(transaction, pmid, state="resolved", record=msgspec.json.encode(reference), fetched=now, due=None)
    for pmid in unknown:
        state, _ = before.get(pmid, ("pending", None))
        if state == "pending":
            changed.append(pmid)
        kept = "resolved" if state == "resolved" else "unknown"
        _write(transaction, pmid, state=kept, fetched=now, due=ask_again)
    return changed


def ask_again(transaction: Transaction, pmids: Collection[str], *, due: dt.datetime) -> None:
    """Have PubMed asked for these again. What it said stays until it says something else."""
    for some in _chunks(pmids):
        transaction.execute(sa.update(references).where(references.c.pmid.in_(some)).values(due=due))


def put_off(transaction: Transaction, pmids: Collection[str], *, token: str, due: dt.datetime, error: str) -> None:
    """PubMed did not answer for these. Nothing is learnt from that: they stay as they were."""
    for some in _chunks(pmids):
        mine = sa.and_(references.c.pmid.in_(some), references.c.lease == token)
        transaction.execute(
            sa.update(references)
            .where(mine)
            .values(lease=None, leased_until=None, due=due, error=error, attempts=references.c.attempts + 1)
        )


def _write(transaction: Transaction, pmid: str, **values: object) -> None:
    done = {"lease": None, "leased_until": None, "error": None, "attempts": 0}
    transaction.execute(sa.update(references).where(references.c.pmid == pmid).values(**values, **done))


def _known(transaction: Transaction, pmids: Collection[str]) -> dict[str, tuple[str, Reference | None]]:
    columns = (references.c.pmid, references.c.state, references.c.record)
    known: dict[str, tuple[str, Reference | None]] = {}
    for some in _chunks(pmids):
        for pmid, state, record in transaction.execute(sa.select(*columns).where(references.c.pmid.in_(some))):
            known[pmid] = (state, None if record is None else msgspec.json.decode(record, type=Reference))
    return known


def _chunks(pmids: Collection[str]) -> list[list[str]]:
    ordered = sorted(pmids)
    return [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]


def counts(transaction: Transaction) -> dict[str, int]:
    """How many references there are in each state."""
    rows = transaction.execute(sa.select(references.c.state, sa.func.count()).group_by(references.c.state))
    return dict(rows.all())
