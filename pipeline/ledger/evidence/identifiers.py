"""DOIs, PMCIDs and books that articles cite, and what they are. A work is stored as text: "doi:10.1000/x".

Several services are asked for a work in turn, its chain. It is unknown only when each of them has denied it, twice; one
that does not answer is passed over and comes around again, so a work without an answer stays pending.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import claims
from pipeline.ledger.claims import Claims
from pipeline.ledger.database import Transaction, chunks
from pipeline.ledger.evidence import checks
from pipeline.ledger.kept import add_missing, one_of
from pipeline.ledger.tables import citations, identifier_citations, identifiers
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference, ReferenceState

_LONGEST = 512  # characters: no real DOI is longer

_ADD_CITATIONS = add_missing(citations)
_ADD_WORKS = add_missing(identifiers)
_CITE = sa.insert(identifier_citations)
_FORGET = sa.delete(identifier_citations).where(identifier_citations.c.article == sa.bindparam("of_article"))
_KNOWN = sa.select(*(identifiers.c[name] for name in ("work", "state", "pmid", "record", "denials"))).where(
    one_of(identifiers.c.work, "works")
)

SCHEMES: tuple[Literal["doi", "pmcid", "nbk"], ...] = ("doi", "pmcid", "nbk")
"""The identifiers that may lead to a record."""


class Conversion(Struct, frozen=True):
    """What is known of a work. If it is resolved, it has a PMID, or the record of a source beside PubMed."""

    state: ReferenceState
    pmid: str | None = None
    record: Reference | None = None
    denials: int = 0

    @property
    def unanswered(self) -> bool:
        """Return whether an article should wait: not after all services have denied the work once."""
        return self.state == "pending" and not self.denials


def convertible(works: Iterable[CitedWork]) -> list[CitedWork]:
    """Return those of the works that may have a PMID, each once."""
    fitting = (work for work in works if work.scheme in SCHEMES and len(work.value) <= _LONGEST)
    return list(dict.fromkeys(fitting))


def forget(transaction: Transaction, article_id: str) -> None:
    """Forget which DOIs and PMCIDs the article cites."""
    transaction.execute(_FORGET, {"of_article": article_id})


def cite(
    transaction: Transaction, cited: Mapping[str, Collection[CitedWork]], *, now: dt.datetime
) -> dict[str, list[Conversion]]:
    """Store which DOIs and PMCIDs articles cite, schedule new ones for conversion, and return what is known of each."""
    keys = {article_id: sorted({key_of(work) for work in convertible(works)}) for article_id, works in cited.items()}
    every = sorted({key for some in keys.values() for key in some})
    if not every:
        return {article_id: [] for article_id in cited}
    rows = [{"article": article_id, "work": key} for article_id, some in keys.items() for key in some]
    transaction.execute(_CITE, rows)
    unheard = [{"work": key, "state": "pending", "due": now, "attempts": 0} for key in every]
    transaction.execute(_ADD_WORKS(transaction), unheard)
    found = _known(transaction, every)
    _watch(transaction, [key for key, one in found.items() if one.record and not one.pmid], now)
    return {article_id: [found[key] for key in some] for article_id, some in keys.items()}


def known(transaction: Transaction, works: Iterable[CitedWork]) -> dict[CitedWork, Conversion]:
    """Return what is known of these works. Works that were never submitted for conversion are left out."""
    by_key = {key_of(work): work for work in convertible(works)}
    return {by_key[key]: known for key, known in _known(transaction, by_key).items()}


def any_due(transaction: Transaction, *, now: dt.datetime) -> bool:
    return claims.any_due(transaction, identifiers, now)


# Works whose turn it is at a service. True: at the first of the chain, where those at one that is no longer configured
# start over.
_AT_SERVICE = identifiers.c.service == sa.bindparam("at_service")
_ASKS = {False: _AT_SERVICE, True: sa.or_(_AT_SERVICE, sa.not_(one_of(identifiers.c.service, "in_chain")))}
_DUE = {first: Claims(identifiers.c.work, asks) for first, asks in _ASKS.items()}
_DUE_SINCE = {
    first: sa.select(identifiers.c.due)
    .where(claims.is_due_then(identifiers), asks)
    .order_by(identifiers.c.due)
    .limit(sa.bindparam("most", type_=sa.Integer()))
    for first, asks in _ASKS.items()
}


def _asked(service: str, chain: Sequence[str]) -> dict[str, object]:
    """Return what a statement with one of `_ASKS` is executed with."""
    return {"at_service": service, "in_chain": list(chain)} if service == chain[0] else {"at_service": service}


def due_since(
    transaction: Transaction, service: str, chain: Sequence[str], *, now: dt.datetime, limit: int
) -> list[dt.datetime]:
    """Return the due times of the first `limit` works to ask this service for, longest due first."""
    asked = {**claims.at(now), "most": limit, **_asked(service, chain)}
    return list(transaction.scalars(_DUE_SINCE[service == chain[0]], asked))


def claim(
    transaction: Transaction,
    service: str,
    chain: Sequence[str],
    *,
    token: str,
    now: dt.datetime,
    seconds: float,
    limit: int,
) -> list[CitedWork]:
    """Lease works to ask this service of the `chain` for, across all articles, longest due first."""
    due, asked = _DUE[service == chain[0]], _asked(service, chain)
    keys = due.claim(transaction, token=token, now=now, seconds=seconds, limit=limit, asked=asked)
    return [work for key in keys if (work := parsed(key))]


class ServiceAnswer(Struct, frozen=True):
    """A service of the `chain` that answered, the time of its answer, and when to begin again with what is settled."""

    service: str
    chain: tuple[str, ...]
    now: dt.datetime
    again: dt.datetime  # for works that no service has, and those that PubMed does not have
    confirm: dt.datetime  # for works that every service denied once: they are unknown when all do so twice


def answered(
    transaction: Transaction,
    by: ServiceAnswer,
    pmids: Mapping[CitedWork, str],
    records: Mapping[CitedWork, Reference],
    unknown: Collection[CitedWork],
) -> list[CitedWork]:
    """Store what a service answered, make articles that cite a work cite its PMID, and return the changed works.

    A work that the service does not have is passed on to the next one. A work that had a PMID before keeps it.
    """
    rows = _rows(transaction, [*pmids, *records, *unknown])
    changed = [work for work, pmid in pmids.items() if work in rows and rows[work].pmid != pmid]
    for work, pmid in sorted(pmids.items(), key=lambda one: key_of(one[0])):
        found: dict[str, object] = {
            "state": "resolved",
            "pmid": pmid,
            "record": None,
            "source": by.service,
            "due": None,
        }
        _write(transaction, by, work, denials=0, denied_by="", service=by.chain[0], **found)
    for work, record in sorted(records.items(), key=lambda one: key_of(one[0])):
        changed += [work] if work in rows and rows[work].record != record and not rows[work].pmid else []
        found = {"state": "resolved", "record": msgspec.json.encode(record), "source": by.service, "due": by.again}
        _write(transaction, by, work, denials=0, denied_by="", service=by.chain[0], **found)
    for work in sorted(set(unknown) & rows.keys(), key=key_of):
        changed += [work] if _deny(transaction, by, work, rows[work]) else []
    for some in chunks(sorted(key_of(work) for work in pmids)):
        _cite_pmids(transaction, some)
    _watch(transaction, [key_of(work) for work in records if work in rows and not rows[work].pmid], by.now)
    return changed


def _deny(transaction: Transaction, by: ServiceAnswer, work: CitedWork, row: _Row) -> bool:
    """Record that the service does not have the work; return whether that changes what is known of it.

    When all have denied it for the first time, no article waits for it any longer.
    """
    denied = {*row.denied_by.split(), by.service}
    if left := _following(by.service, by.chain, denied):
        _write(transaction, by, work, denied_by=" ".join(sorted(denied)), service=left, due=by.now)
        return False
    settled, first = row.denials > 0, row.denials == 0 and row.state == "pending"
    had_one = row.record is not None
    state: ReferenceState = "gone" if had_one and not row.pmid else "unknown"
    kept = row.state == "resolved" and (row.pmid is not None or not settled)
    _write(
        transaction,
        by,
        work,
        state="resolved" if kept else state if settled else row.state,
        denials=row.denials + 1,
        denied_by="",
        service=by.chain[0],
        due=by.again if settled or row.pmid else by.confirm,
    )
    return first or (settled and not kept and row.state != state)


def _following(service: str, chain: Sequence[str], denied: Collection[str]) -> str | None:
    """Return the next service of the chain, in a circle, that has not denied the work; None if all have."""
    start = chain.index(service) + 1 if service in chain else 0
    return next((one for one in (*chain[start:], *chain[:start]) if one not in denied), None)


def _write(transaction: Transaction, by: ServiceAnswer, work: CitedWork, **values: object) -> None:
    done = {"lease": None, "leased_until": None, "error": None, "attempts": 0, "asked": by.now}
    transaction.execute(sa.update(identifiers).where(identifiers.c.work == key_of(work)).values(**done, **values))


def cite_found(transaction: Transaction, cited: Mapping[str, Collection[CitedWork]]) -> None:
    """Make each article cite the PMIDs of its works, including any found while it was being accepted."""
    found = _known(transaction, {key_of(work) for works in cited.values() for work in convertible(works)})
    pmids = {key: one.pmid for key, one in found.items() if one.pmid}
    pairs = {
        (article_id, pmid)
        for article_id, works in cited.items()
        for work in convertible(works)
        if (pmid := pmids.get(key_of(work)))
    }
    if pairs:
        rows = [{"article": article_id, "pmid": pmid} for article_id, pmid in sorted(pairs)]
        transaction.execute(_ADD_CITATIONS(transaction), rows)


_CITING = sa.select(identifier_citations.c.article).where(one_of(identifier_citations.c.work, "works"))


def citing(transaction: Transaction, works: Collection[CitedWork]) -> list[str]:
    """Return the articles that cite any of these."""
    found: set[str] = set()
    for some in chunks(sorted(key_of(work) for work in works)):
        found.update(transaction.scalars(_CITING, {"works": some}))
    return sorted(found)


def put_off(
    transaction: Transaction,
    works: Sequence[CitedWork],
    service: str,
    chain: Sequence[str],
    *,
    token: str,
    now: dt.datetime,
    due: dt.datetime,
    error: str,
) -> None:
    """Record that the service did not answer for these. What is known of them is kept.

    They are passed on to the next service at once, and come back to this one if none of the others has them.
    """
    for work, row in sorted(_rows(transaction, works).items(), key=lambda one: key_of(one[0])):
        following = _following(service, chain, row.denied_by.split()) or service
        mine = sa.and_(identifiers.c.work == key_of(work), identifiers.c.lease == token)
        values = {"lease": None, "leased_until": None, "error": error, "service": following}
        later = due if following == service else now
        update = sa.update(identifiers).where(mine)
        transaction.execute(update.values(**values, due=later, attempts=identifiers.c.attempts + 1))


class _Row(Struct, frozen=True):
    state: ReferenceState
    pmid: str | None
    record: Reference | None
    denied_by: str
    denials: int


def _rows(transaction: Transaction, works: Iterable[CitedWork]) -> dict[CitedWork, _Row]:
    by_key = {key_of(work): work for work in works}
    columns = [identifiers.c[name] for name in ("work", *_Row.__struct_fields__)]
    found: dict[CitedWork, _Row] = {}
    for some in chunks(sorted(by_key)):
        for key, state, pmid, record, denied_by, denials in transaction.execute(
            sa.select(*columns).where(identifiers.c.work.in_(some))
        ):
            found[by_key[key]] = _Row(state, pmid, _decoded(record), denied_by, denials)
    return found


def _watch(transaction: Transaction, keys: Iterable[str], now: dt.datetime) -> None:
    """Have the sources asked about works that PubMed does not have. Those that it has are watched by PMID."""
    checks.ensure(transaction, [key for key in keys if key.startswith("doi:")], now=now)


_PAIRS = (
    sa.select(identifier_citations.c.article, identifiers.c.pmid)
    .join(identifiers, identifiers.c.work == identifier_citations.c.work)
    .where(one_of(identifiers.c.work, "works"), identifiers.c.pmid.is_not(None))
    .distinct()
)


def _cite_pmids(transaction: Transaction, keys: Sequence[str]) -> None:
    """Add the PMIDs of these works to the citations of the articles that cite the works."""
    rows = [{"article": article, "pmid": pmid} for article, pmid in transaction.execute(_PAIRS, {"works": keys})]
    if rows:
        transaction.execute(_ADD_CITATIONS(transaction), rows)


def _known(transaction: Transaction, keys: Iterable[str]) -> dict[str, Conversion]:
    found: dict[str, Conversion] = {}
    for some in chunks(sorted(keys)):
        rows = transaction.execute(_KNOWN, {"works": some})
        for work, state, pmid, record, denials in rows:
            found[work] = Conversion(state, pmid, _decoded(record), denials)
    return found


def _decoded(record: bytes | None) -> Reference | None:
    return None if record is None else msgspec.json.decode(record, type=Reference)


def parsed(key: str) -> CitedWork | None:
    """Return the work that a key names, or None for a text that is no key."""
    scheme, colon, value = key.partition(":")
    found = next((one for one in SCHEMES if one == scheme), None)
    return CitedWork(found, value) if found and colon else None


def key_of(work: CitedWork) -> str:
    """Return the work as it is stored: "doi:10.1000/x"."""
    return f"{work.scheme}:{work.value.lower() if work.scheme == 'doi' else work.value}"
