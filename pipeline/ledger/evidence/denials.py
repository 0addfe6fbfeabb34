"""Answers of PubMed that lack a record that was asked for, and when they are believed.

A backend that fails in part answers with what it has. So a PMID is `unknown`, and a record that was there before is
`gone`, only after two answers, minutes apart. An answer that lacks unusually many counts half: it takes four of those.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.evidence import rechecks
from pipeline.ledger.tables import references

_WHOLE, _HALF = 2, 1  # what an answer counts, and one that lacks unusually many
_BELIEVED = 2 * _WHOLE


class Rules(Struct, frozen=True):
    """When an answer arrived, how it counts, and when to ask again."""

    now: dt.datetime
    again: dt.datetime  # for what is unknown or gone
    apart: dt.timedelta  # the least time between two answers that count
    suspect: bool = False  # the answer lacks unusually many records


class _Row(Struct, frozen=True):
    pmid: str
    state: str
    denials: int
    denied: dt.datetime | None
    doi: str | None


class Settled(Struct, frozen=True):
    """What the answers mean: PMIDs of which something is new, and those of them whose record is gone, with its DOI."""

    news: tuple[str, ...]
    gone: tuple[tuple[str, str | None], ...]


def unexpected(transaction: Transaction, pmids: Collection[str]) -> int:
    """Count those PMIDs of which it is not known yet that PubMed has no record."""
    return sum(row.state in ("pending", "resolved") for row in _rows(transaction, pmids))


def settle(transaction: Transaction, pmids: Collection[str], rules: Rules) -> Settled:
    """Count an answer without these records. What is known of them is kept."""
    news: list[str] = []
    gone: list[tuple[str, str | None]] = []
    values = []
    for row in _rows(transaction, pmids):
        state, denials, due = _after(row, rules)
        since = _since(row, rules)
        values.append({"key": row.pmid, "now_state": state, "count": denials, "since": since, "next": due})
        if (row.state == "pending" and not row.denials) or state != row.state:
            news.append(row.pmid)
        if state == "gone" != row.state:
            gone.append((row.pmid, row.doi))
    if values:
        common = {"fetched": rules.now, "priority": rechecks.REQUESTED, **rechecks.DONE}
        transaction.execute(_DENIED.values(common), values)
    return Settled(tuple(news), tuple(gone))


_DENIED = (
    sa.update(references)
    .where(references.c.pmid == sa.bindparam("key"))
    .values(
        state=sa.bindparam("now_state"),
        denials=sa.bindparam("count"),
        denied=sa.bindparam("since"),
        due=sa.bindparam("next"),
    )
)


def _after(row: _Row, rules: Rules) -> tuple[str, int, dt.datetime]:
    """Return the state, the count and the time to ask again after another answer without the record. Pure."""
    if row.state not in ("pending", "resolved"):
        return row.state, row.denials, rules.again
    count, since = row.denials + (_HALF if rules.suspect else _WHOLE), _since(row, rules)
    if count >= _BELIEVED and rules.now - since >= rules.apart:
        return "unknown" if row.state == "pending" else "gone", count, rules.again
    if rules.suspect:
        return row.state, count, rules.now + rules.apart * 2 ** min(count - 1, 4)
    due = since + rules.apart
    return row.state, count, due if due > rules.now else rules.now + rules.apart


def _since(row: _Row, rules: Rules) -> dt.datetime:
    """Return the time of the first answer without the record; a future one dates from before the clock was set back."""
    return row.denied if row.denied is not None and row.denied <= rules.now else rules.now


def _rows(transaction: Transaction, pmids: Iterable[str]) -> list[_Row]:
    columns = [references.c[name] for name in _Row.__struct_fields__]
    found: list[_Row] = []
    for some in chunks(sorted(set(pmids))):  # the order in which every process locks them
        query = sa.select(*columns).where(references.c.pmid.in_(some)).order_by(references.c.pmid)
        found += [_Row(*row) for row in transaction.execute(query)]
    return found
