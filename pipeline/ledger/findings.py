"""What lies beyond the backup from which the ledger was restored, and what an operator has decided about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Literal

import sqlalchemy as sa
from msgspec import Struct, structs

from pipeline.ledger.database import Transaction, insert
from pipeline.ledger.tables import articles, deliveries, restored_findings

FindingKind = Literal["newer", "withdrawn", "accepted", "gone", "unread"]

FORMER_LEDGER = ""  # instead of a place
EVERY_PLACE = "*"  # unread until all places have been asked


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a place, or the former ledger, says and this ledger does not know.

    newer      an article has a later revision there
    withdrawn  an article is withdrawn there
    accepted   a later revision had been accepted by the former ledger, and had not gone out
    gone       an article that should be there is not: it may have been withdrawn
    unread     the place could not be read back; it has no article
    """

    place: str
    kind: FindingKind
    detail: str
    article: str = ""
    revision: int | None = None


_LASTING = ("newer", "withdrawn", "accepted")  # while what is gone, or unread, is looked for again
_COLUMNS = tuple(restored_findings.c[field] for field in Finding.__struct_fields__)


def record(transaction: Transaction, found: Sequence[Finding], *, now: dt.datetime) -> None:
    """Record findings. The same as before stays decided if it was, and a number that was taken stays taken.

    Which bytes the places have of such articles is not known any more, so that even the same ones are sent again.
    """
    table = restored_findings.c
    for one in found:
        values = structs.asdict(one) | {"found": now, "accepted": None, "by": None}
        is_new = sa.or_(table.kind != one.kind, table.revision.is_distinct_from(one.revision))
        is_open = sa.or_(table.accepted.is_(None), is_new if one.kind != "gone" else table.kind != "gone")
        upsert = insert(transaction, restored_findings).values(**values)
        is_later = sa.func.coalesce(table.revision, 0) <= (one.revision or 0)
        keys = [table.place, table.article]
        upsert = upsert.on_conflict_do_update(index_elements=keys, set_=values, where=sa.and_(is_open, is_later))
        transaction.execute(upsert)
        here = [deliveries.c.channel == one.place] if one.place else []
        there = sa.update(deliveries).where(deliveries.c.article == one.article, *here)
        transaction.execute(there.values(delivered_digest=None))


def record_waiting(transaction: Transaction, found: Sequence[Finding], *, now: dt.datetime) -> None:
    """Record what had been accepted and not sent. It needs a decision even if the article was withdrawn here."""
    rows = transaction.execute(sa.select(articles.c.id, articles.c.revision))
    numbers = {row.id: row.revision for row in rows}
    raised = [structs.replace(one, revision=max(one.revision or 0, numbers.get(one.article, 0))) for one in found]
    record(transaction, raised, now=now)


def reopen(transaction: Transaction, former: Sequence[Finding], *, now: dt.datetime) -> None:
    """Begin again because another backup was restored, with the findings of this ledger and of the `former` one.

    Each needs a decision again. Its number stays taken: a partner ignores what has a lower one, and not every partner
    can be asked.
    """
    transaction.execute(sa.delete(restored_findings).where(restored_findings.c.kind.not_in(_LASTING)))
    transaction.execute(sa.update(restored_findings).values(accepted=None, by=None))
    record(transaction, former, now=now)


def lasting(transaction: Transaction) -> list[Finding]:
    """Return what was found of numbers that are taken, whatever an operator has decided about it."""
    query = sa.select(*_COLUMNS).where(restored_findings.c.kind.in_(_LASTING))
    rows = transaction.execute(query.order_by(restored_findings.c.place, restored_findings.c.article))
    return [Finding(**row._mapping) for row in rows]


def is_shown(transaction: Transaction, article_id: str) -> bool:
    """Return whether an article was shown beyond the backup, of which this ledger may know nothing else."""
    query = sa.select(restored_findings.c.article)
    newer = (restored_findings.c.article == article_id, restored_findings.c.kind == "newer")
    return transaction.execute(query.where(*newer).limit(1)).first() is not None


def begin_reading(transaction: Transaction, place: str) -> None:
    """Forget what may be otherwise when the place is read again. A number that was taken once stays taken."""
    passing = (restored_findings.c.kind.in_(("gone", "unread")), restored_findings.c.accepted.is_(None))
    transaction.execute(sa.delete(restored_findings).where(restored_findings.c.place == place, *passing))


def undecided(transaction: Transaction) -> list[Finding]:
    """Return what needs an operator's word: what was neither accepted nor overtaken by a revision since."""
    known = articles.c.id == restored_findings.c.article
    query = sa.select(*_COLUMNS).join(articles, known, isouter=True)
    is_behind = sa.or_(articles.c.id.is_(None), articles.c.revision <= restored_findings.c.revision)
    is_harmless = sa.and_(articles.c.id.is_(None), restored_findings.c.kind == "withdrawn")
    where = (restored_findings.c.accepted.is_(None), is_behind, sa.not_(is_harmless))
    rows = transaction.execute(query.where(*where).order_by(restored_findings.c.place, restored_findings.c.article))
    return [Finding(**row._mapping) for row in rows]


def accept(transaction: Transaction, found: Collection[Finding], *, by: str, now: dt.datetime) -> None:
    """Keep the word of an operator that the backup counts, whatever was found."""
    for one in found:
        mine = (restored_findings.c.place == one.place, restored_findings.c.article == one.article)
        transaction.execute(sa.update(restored_findings).where(*mine).values(accepted=now, by=by))


_NEWEST = sa.select(sa.func.max(restored_findings.c.revision)).where(
    restored_findings.c.article == sa.bindparam("of_article")
)


def next_number(transaction: Transaction, article_id: str, newest: int) -> int:
    """Return the number of an article's next revision: after its newest here, and after any that a place has."""
    return max(newest, transaction.scalar(_NEWEST, {"of_article": article_id}) or 0) + 1
