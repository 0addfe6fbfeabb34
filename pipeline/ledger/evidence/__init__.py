"""References by PMID: PubMed's answers, what still has to be requested, and which articles cite them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from pipeline.appraisal.cited import appraised
from pipeline.appraisal.standing import merged
from pipeline.ledger import claims
from pipeline.ledger.database import Instant, Transaction, chunks
from pipeline.ledger.evidence import checks, denials, identifiers, merging, rechecks, verdicts
from pipeline.ledger.evidence.denials import Rules
from pipeline.ledger.evidence.verdicts import Paper
from pipeline.ledger.kept import add_missing, one_of
from pipeline.ledger.tables import citations, identifier_citations, references
from pipeline.ledger.tables import identifiers as identifier_rows
from pipeline.model.article import Article, CitedAs, CitedWork
from pipeline.model.reference import CitedReference, EvidenceChange, Reference, ReferenceState
from pipeline.model.rendition import digest_of

_THESE = one_of(references.c.pmid, "pmids")
_FORGET_CITATIONS = sa.delete(citations).where(citations.c.article == sa.bindparam("of_article"))
_ADD_CITATIONS = add_missing(citations)
_ADD_REFERENCES = add_missing(references)


def cite(
    transaction: Transaction, article_id: str, works: Iterable[CitedWork], *, now: dt.datetime, new: bool = False
) -> bool:
    """Store what the article cites (a `new` one has cited nothing so far); return whether any of it is unanswered.

    References that were never seen before are scheduled to be requested.
    """
    if not new:
        transaction.execute(_FORGET_CITATIONS, {"of_article": article_id})
        identifiers.forget(transaction, article_id)
    return bool(cite_all(transaction, {article_id: tuple(works)}, now=now))


def cite_all(transaction: Transaction, cited: Mapping[str, Collection[CitedWork]], *, now: dt.datetime) -> set[str]:
    """Store what articles cite that have cited nothing so far; return those with something that is unanswered.

    References that were never seen before are scheduled to be requested.
    """
    converted = identifiers.cite(transaction, cited, now=now)
    pmids = {
        article_id: {work.value for work in works if work.scheme == "pmid"}
        | {one.pmid for one in converted[article_id] if one.pmid}
        for article_id, works in cited.items()
    }
    followed = merging.followed(transaction, {pmid for some in pmids.values() for pmid in some})
    for some in pmids.values():
        some.update([followed[pmid] for pmid in some if pmid in followed])
    rows = [{"article": article_id, "pmid": pmid} for article_id, some in pmids.items() for pmid in sorted(some)]
    if rows:
        transaction.execute(_ADD_CITATIONS(transaction), rows)  # see identifiers.converted
    unanswered = request(transaction, {row["pmid"] for row in rows}, now=now)
    return {
        article_id
        for article_id, some in pmids.items()
        if some & unanswered or any(one.unanswered for one in converted[article_id])
    }


_REQUESTED = sa.select(references.c.pmid, references.c.state, references.c.due, references.c.denials).where(_THESE)


def request(transaction: Transaction, pmids: Collection[str], *, now: dt.datetime) -> set[str]:
    """Schedule requests for PMIDs that are unknown or were not cited for a while; return those that are unanswered."""
    known: list[Any] = []
    for some in chunks(sorted(pmids)):
        known += transaction.execute(_REQUESTED, {"pmids": some})
    unheard = set(pmids) - {row.pmid for row in known}
    if unheard:
        new = [{"pmid": pmid, "state": "pending", "due": now, "attempts": 0} for pmid in sorted(unheard)]
        transaction.execute(_ADD_REFERENCES(transaction), new)
    rechecks.resume(transaction, [row.pmid for row in known if row.due is None], now=now)
    checks.ensure(transaction, [f"pmid:{pmid}" for pmid in pmids], now=now)
    return unheard | {row.pmid for row in known if row.state == "pending" and not row.denials}


def _waiting(cited: sa.Table, known: sa.Table, same: sa.ColumnElement[bool]) -> sa.Select[Any]:
    unheard = sa.and_(same, known.c.state == "pending", known.c.denials == 0)
    return sa.select(cited.c.article).join(known, unheard).where(one_of(cited.c.article, "article_ids")).distinct()


_WAITING = (
    _waiting(citations, references, references.c.pmid == citations.c.pmid),
    _waiting(identifier_citations, identifier_rows, identifier_rows.c.work == identifier_citations.c.work),
)


def waiting(transaction: Transaction, article_ids: Collection[str]) -> set[str]:
    """Return those of the articles that cite something that has no answer yet."""
    found: set[str] = set()
    for some in chunks(sorted(article_ids)):
        for query in _WAITING:
            found.update(transaction.scalars(query, {"article_ids": some}))
    return found


def references_of(transaction: Transaction, article: Article) -> tuple[CitedReference, ...]:
    """Return what is currently known of each work that an article cites, with its author's words."""
    (found,) = references_of_all(transaction, [article])
    return found


def references_of_all(transaction: Transaction, articles: Iterable[Article]) -> list[tuple[CitedReference, ...]]:
    """Do as `references_of` for each, with as many queries as for one."""
    return _references(transaction, [_entries(article.references, article.cited_as) for article in articles])


def references_for(
    transaction: Transaction, works: Iterable[CitedWork], cited_as: Sequence[CitedAs] = ()
) -> tuple[CitedReference, ...]:
    """Return what is currently known of each work, in order. `cited_as` has how each is cited, or is empty."""
    (found,) = _references(transaction, [_entries(tuple(works), cited_as)])
    return found


_Entry = tuple[CitedWork, CitedAs]


def _entries(works: tuple[CitedWork, ...], cited_as: Sequence[CitedAs]) -> list[_Entry]:
    return list(zip(works, cited_as or (CitedAs(),) * len(works), strict=True))


def _references(transaction: Transaction, lists: Sequence[Sequence[_Entry]]) -> list[tuple[CitedReference, ...]]:
    """Return the references of several lists of works."""
    every = {one for entries in lists for work, entry in entries for one in (work, *entry.also)}
    converted = identifiers.known(transaction, every)
    pmids = {work.value for work in every if work.scheme == "pmid"}
    pmids |= {one.pmid for one in converted.values() if one.pmid}
    known = _followed(transaction, pmids)
    found = {work: _found(work, converted.get(work), known) for work in every}
    shown = [[_shown(number, *entry, found) for number, entry in enumerate(entries, 1)] for entries in lists]
    papers = {paper for references in shown for cited in references if (paper := _paper(cited))}
    by_paper = verdicts.of_papers(transaction, papers)
    return [
        tuple(appraised(cited, by_paper.get(_paper(cited) or Paper(), ())) for cited in references)
        for references in shown
    ]


def _paper(cited: CitedReference) -> Paper | None:
    given = {work.scheme: work.value for work in (*cited.also[::-1], cited.work)}
    record = cited.reference
    doi = (record.doi if record else None) or given.get("doi")
    pmid = (record.pmid if record else None) or given.get("pmid")
    return Paper(pmid, doi.lower() if doi else None) if pmid or doi else None


def _found(work: CitedWork, converted: identifiers.Conversion | None, known: Mapping[str, _Record]) -> _Record:
    """Return what is known of a work by one identifier."""
    if work.scheme != "pmid":
        if converted is None:
            return "unwatched", None
        if converted.pmid is None:
            return converted.state, converted.record
    state, reference = known.get((converted and converted.pmid) or work.value, ("pending", None))
    if reference is None or work.scheme == "pmid" or _is(work, reference):  # a PMID may have been merged into another
        return state, reference
    return "unknown", None


def _shown(number: int, work: CitedWork, entry: CitedAs, found: Mapping[CitedWork, _Record]) -> CitedReference:
    """Return the reference by the first of its identifiers that leads to a record.

    Without words, an identifier that belongs to another record than that says that one of the two is wrong.
    """
    ids = (work, *entry.also)
    states = [found[one] for one in ids]
    state, reference = next((one for one in states if one[1] is not None), _unresolved([state for state, _ in states]))
    same = all(_is(one, reference) or found[one][1] is reference for one in ids) if reference else True
    if reference is not None and entry.words is None and not same:
        state, reference = "mismatch", None
    return CitedReference(number, work, state, reference, entry.words, entry.also)


def _unresolved(states: Sequence[ReferenceState]) -> _Record:
    """Return the state of a work without a record: it is unknown only if nothing is left to be answered."""
    return next((state for state in ("pending", "gone", "unknown") if state in states), "unwatched"), None


def _is(work: CitedWork, reference: Reference) -> bool:
    """Return whether the record belongs to the cited work, which one with a different DOI or PMCID does not."""
    match work.scheme:
        case "doi":
            return reference.doi in (None, work.value.lower())
        case "pmcid":
            return reference.pmcid in (None, work.value)
        case "nbk":
            return reference.bookshelf in (None, work.value)
        case "pmid":
            return reference.pmid in (None, work.value)
    return True


_CITING = sa.select(citations.c.article).where(one_of(citations.c.pmid, "pmids"))


def citing(transaction: Transaction, pmids: Collection[str]) -> list[str]:
    """Return the articles that cite any of these."""
    found: set[str] = set()
    for some in chunks(sorted(pmids)):
        found.update(transaction.scalars(_CITING, {"pmids": some}))
    return sorted(found)


def fetched(transaction: Transaction, pmid: str) -> dt.datetime | None:
    """Return when PubMed last answered for this PMID."""
    return transaction.scalar(sa.select(references.c.fetched).where(references.c.pmid == pmid))


# --- the work of enriching ----------------------------------------------------------------------------------------


_DUE_SINCE = (
    sa.select(references.c.due)
    .where(references.c.priority == rechecks.WAITED_FOR, claims.is_due_then(references))
    .order_by("due")
    .limit(sa.bindparam("most", type_=sa.Integer()))
)


def due_since(transaction: Transaction, *, now: dt.datetime, limit: int) -> list[dt.datetime]:
    """Return the due times of the first `limit` PMIDs that articles wait for, longest due first."""
    return list(transaction.scalars(_DUE_SINCE, {**claims.at(now), "most": limit}))


def identified(
    transaction: Transaction,
    by: identifiers.ServiceAnswer,
    pmids: Mapping[CitedWork, str],
    records: Mapping[CitedWork, Reference],
    unknown: Collection[CitedWork],
) -> list[CitedWork]:
    """Store what a service said of DOIs, PMCIDs and books, and return the works about which it says something new.

    The PMIDs that it found are cited and requested like any other. One that PubMed has given up is not found.
    """
    given_up = merging.gone(transaction, pmids.values())
    unknown = {*unknown, *(work for work, pmid in pmids.items() if pmid in given_up)}
    pmids = {work: pmid for work, pmid in pmids.items() if pmid not in given_up}
    news = identifiers.answered(transaction, by, pmids, records, unknown)
    request(transaction, set(pmids.values()), now=by.now)
    return news


def answered(
    transaction: Transaction,
    resolved: Mapping[str, Reference],
    unknown: Collection[str],
    *,
    denied: Rules,
    next_look: dt.datetime | None,
) -> list[EvidenceChange]:
    """Store PubMed's answer, and return what it changes.

    What it does not know counts by the rules in `denied`; what was known of it before is kept. At `next_look` PubMed is
    asked whether a record is still current.
    """
    changes = _resolved(transaction, resolved, now=denied.now, next_look=next_look)
    settled = denials.settle(transaction, unknown, denied)
    merging.look_for(transaction, settled.gone, now=denied.now)
    return changes + [EvidenceChange(pmid, None, None) for pmid in settled.news]


def _resolved(
    transaction: Transaction, resolved: Mapping[str, Reference], *, now: dt.datetime, next_look: dt.datetime | None
) -> list[EvidenceChange]:
    """Store PubMed's records, and return what they change. One with the same bytes as before changes nothing."""
    bodies = {pmid: msgspec.json.encode(reference) for pmid, reference in resolved.items()}
    digests = {pmid: digest_of(body) for pmid, body in bodies.items()}
    before = _states(transaction, resolved)
    moved = [pmid for pmid, digest in digests.items() if before.get(pmid) != ("resolved", digest)]
    records = _known(transaction, moved)
    shown = _merged(transaction, {pmid: resolved[pmid] for pmid in moved})
    former = _merged(transaction, {pmid: known for pmid in moved if (known := records.get(pmid, _NONE)[1])})
    changes = [EvidenceChange(pmid, former.get(pmid), shown[pmid]) for pmid in moved]
    changes = [one for one in changes if one.before != one.after or before[one.pmid][0] == "gone"]
    _still(transaction, [pmid for pmid in resolved if pmid not in records], fetched=now, due=next_look)
    anew = {change.pmid for change in changes}
    rows = [
        {
            "key": pmid,
            "new_record": bodies[pmid],
            "new_digest": digests[pmid],
            "new_editorial": " ".join(shown[pmid].editorial),
            "new_doi": resolved[pmid].doi,
            "new_changed": now if pmid in anew else None,
        }
        for pmid in sorted(records)  # the order in which every process locks them
    ]
    _rewrite(transaction, rows, fetched=now, due=next_look)
    first = [f"pmid:{pmid}" for pmid in moved if resolved[pmid].doi and records.get(pmid, _NONE)[1] is None]
    checks.named(transaction, first, now=now)
    return changes


def changed_by(transaction: Transaction, pmids: Collection[str], store: Callable[[], None]) -> list[EvidenceChange]:
    """Run `store`, and return what it changes about these papers, as all sources together describe them."""
    records = {pmid: record for pmid, (_, record) in _known(transaction, pmids).items() if record}
    before = _merged(transaction, records)
    store()
    after = _merged(transaction, records)
    changes = [EvidenceChange(pmid, before[pmid], after[pmid]) for pmid in sorted(records)]
    changes = [change for change in changes if change.before != change.after]
    for change in changes:
        states = " ".join(after[change.pmid].editorial)
        transaction.execute(sa.update(references).where(references.c.pmid == change.pmid).values(editorial=states))
    return changes


def _merged(transaction: Transaction, records: Mapping[str, Reference]) -> dict[str, Reference]:
    """Return PubMed's records with what other sources say."""
    papers = {pmid: Paper(pmid, record.doi) for pmid, record in records.items()}
    by_paper = verdicts.of_papers(transaction, papers.values())
    return {pmid: merged(record, by_paper.get(papers[pmid], ())) for pmid, record in records.items()}


_DONE = rechecks.DONE | {"denials": 0, "denied": None, "merged_into": None}


def _still(transaction: Transaction, pmids: Collection[str], **times: dt.datetime | None) -> None:
    """Record that PubMed repeated its earlier answer."""
    for some in chunks(sorted(pmids)):
        same = sa.update(references).where(references.c.pmid.in_(some))
        transaction.execute(same.values(**_DONE, **times, priority=rechecks.NIGHTLY))


def _rewrite(transaction: Transaction, rows: list[dict[str, Any]], **times: dt.datetime | None) -> None:
    if rows:
        changed = sa.func.coalesce(sa.bindparam("new_changed", type_=Instant()), references.c.changed, type_=Instant())
        written: dict[str, Any] = {
            name: sa.bindparam(f"new_{name}") for name in ("record", "digest", "editorial", "doi")
        }
        values = {**_DONE, **times, **written, "changed": changed, "state": "resolved", "priority": rechecks.NIGHTLY}
        transaction.execute(sa.update(references).where(references.c.pmid == sa.bindparam("key")).values(values), rows)


def put_off(transaction: Transaction, pmids: Collection[str], *, token: str, due: dt.datetime, error: str) -> None:
    """Record that PubMed did not answer for these. What is known of them is kept."""
    for some in chunks(sorted(pmids)):
        mine = sa.and_(references.c.pmid.in_(some), references.c.lease == token)
        transaction.execute(
            sa.update(references)
            .where(mine)
            .values(lease=None, leased_until=None, due=due, error=error, attempts=references.c.attempts + 1)
        )


_Record = tuple[ReferenceState, Reference | None]
_NONE: _Record = ("pending", None)


_RECORDS = sa.select(references.c.pmid, references.c.state, references.c.record).where(_THESE)


def _known(transaction: Transaction, pmids: Collection[str]) -> dict[str, _Record]:
    known: dict[str, _Record] = {}
    for some in chunks(sorted(pmids)):
        for pmid, state, record in transaction.execute(_RECORDS, {"pmids": some}):
            known[pmid] = (state, None if record is None else msgspec.json.decode(record, type=Reference))
    return known


def _followed(transaction: Transaction, pmids: Collection[str]) -> dict[str, _Record]:
    """Return what is known of PMIDs; of one that was merged into another, what is known of that one."""
    known = _known(transaction, pmids)
    merged = merging.followed(transaction, [pmid for pmid, (state, _) in known.items() if state == "gone"])
    current = _known(transaction, set(merged.values()))
    return known | {pmid: current[into] for pmid, into in merged.items() if current.get(into, _NONE)[0] == "resolved"}


_STATES = sa.select(references.c.pmid, references.c.state, references.c.digest).where(_THESE)


def _states(transaction: Transaction, pmids: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Return the state and the digest of each record, without reading the record."""
    states: dict[str, tuple[str, str | None]] = {}
    for some in chunks(sorted(pmids)):
        for pmid, state, digest in transaction.execute(_STATES, {"pmids": some}):
            states[pmid] = (state, digest)
    return states


def counts(transaction: Transaction) -> dict[str, int]:
    """Count the references in each state."""
    rows = transaction.execute(sa.select(references.c.state, sa.func.count()).group_by(references.c.state))
    return dict(rows.all())
