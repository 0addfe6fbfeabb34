"""Which references to request next: those that articles wait for, those an operator requested, the nightly recheck.

A reference's `priority` determines at which hours it may be requested and what precedes it; `due` says when.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims, DueRows
from pipeline.ledger.database import Transaction, chunks, instant
from pipeline.ledger.kept import one_of
from pipeline.ledger.tables import citations, references

WAITED_FOR, REQUESTED, NIGHTLY = 0, 1, 2
"""An article is waiting for it. / It was requested, or PubMed did not know it yet. / Only at night, by NCBI's clock."""

DONE: dict[str, object] = {"lease": None, "leased_until": None, "error": None, "attempts": 0}
"""What ends the work on a row."""

_FRESH = dt.timedelta(days=1)  # an answer this recent is not requested again for a new article


_HAS = {priority: references.c.priority == priority for priority in (WAITED_FOR, REQUESTED, NIGHTLY)}
_DUE = {priority: Claims(references.c.pmid, which) for priority, which in _HAS.items()}
_CITED = sa.select(citations.c.pmid).where(one_of(citations.c.pmid, "pmids")).distinct()


def claim(
    transaction: Transaction, *, token: str, now: dt.datetime, seconds: float, limit: int, night: bool
) -> list[str]:
    """Lease PMIDs that are due: those that articles wait for first, the nightly ones only at `night`.

    A reference that has an answer and that no article cites any longer is not requested again: its `due` is cleared.
    """
    claimed: list[str] = []
    for priority in (WAITED_FOR, REQUESTED, *([NIGHTLY] if night else [])):
        while len(claimed) < limit:
            left = limit - len(claimed)
            some = _DUE[priority].claim(transaction, token=token, now=now, seconds=seconds, limit=left)
            if not some:
                break
            claimed += _still_cited(transaction, some, now)
    return claimed


def any_due(transaction: Transaction, *, now: dt.datetime, night: bool) -> bool:
    """Return whether `claim` would find anything to lease or to clear."""
    for priority in (WAITED_FOR, REQUESTED, *([NIGHTLY] if night else [])):
        if claims.any_due(transaction, references, now, _HAS[priority]):
            return True
    return False


def due_rows(now: dt.datetime, *, night: bool) -> DueRows:
    """Return the references that are due; during the day, nightly ones are left out."""
    priorities = (WAITED_FOR, REQUESTED, *([NIGHTLY] if night else []))
    counted = claims.count_of(references, references.c.due <= now, references.c.priority.in_(priorities))
    return DueRows((counted,), tuple(claims.first_of(references, references.c.priority == one) for one in priorities))


def request_recheck(transaction: Transaction, pmids: Collection[str], *, due: dt.datetime) -> None:
    """Schedule these to be requested again, at any hour. The present answer is kept until PubMed gives another."""
    for some in chunks(sorted(pmids)):
        _request(transaction, due, references.c.pmid.in_(some))


def is_requested(transaction: Transaction, pmid: str, *, now: dt.datetime) -> bool:
    """Return whether it is about to be requested already, and not only at night."""
    due = sa.and_(references.c.due <= now, references.c.priority.in_((WAITED_FOR, REQUESTED)))
    waiting = sa.select(references.c.pmid).where(references.c.pmid == pmid, due)
    return transaction.execute(waiting).first() is not None


def resume(transaction: Transaction, pmids: Collection[str], *, now: dt.datetime) -> None:
    """Watch these again, because an article now cites them. Those last requested long ago are requested soon."""
    for some in chunks(sorted(pmids)):
        old = sa.or_(references.c.fetched.is_(None), references.c.fetched < now - _FRESH)
        _request(transaction, now, sa.and_(references.c.pmid.in_(some), references.c.due.is_(None), old))


def _request(transaction: Transaction, due: dt.datetime, where: sa.ColumnElement[bool]) -> int:
    """Make these due, ahead of the nightly ones; those that articles wait for stay ahead of all others."""
    unheard = sa.and_(references.c.state == "pending", references.c.denials == 0)
    priority = sa.case((unheard, WAITED_FOR), else_=REQUESTED)
    return transaction.execute(sa.update(references).where(where).values(due=due, priority=priority)).rowcount


def _still_cited(transaction: Transaction, pmids: Sequence[str], now: dt.datetime) -> list[str]:
    """Return those that are still cited, and stop watching the others once their answer is no longer fresh.

    Until then they stay due, because `resume` would leave a fresh one unwatched.
    """
    cited = set(transaction.scalars(_CITED, {"pmids": list(pmids)}))
    gone = [pmid for pmid in pmids if pmid not in cited]
    if gone:
        due = sa.case((references.c.fetched >= now - _FRESH, instant(now + _FRESH)), else_=None)
        idle = {"due": due, "lease": None, "leased_until": None}
        transaction.execute(sa.update(references).where(references.c.pmid.in_(gone)).values(**idle))
    return [pmid for pmid in pmids if pmid in cited]
