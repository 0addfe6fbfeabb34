"""References and what changes of them, as people and programs are shown them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.citations import citation_csl, citation_text
from pipeline.ledger import Transaction, evidence
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.ledger.evidence import cited
from pipeline.ledger.evidence.changes import Noted
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference
from pipeline.views.shape import Shape, moment


def reference(one: CitedReference) -> Shape:
    known = one.reference
    return {
        "pmid": one.work.value if one.work.scheme == "pmid" else known.pmid if known else None,
        "id": f"{one.work.scheme}:{one.work.value}",
        "state": one.state,
        "editorial": list(known.editorial) if known else [],
        "citation": citation_text(one),
        "url": one.work.url,
    }


def known(transaction: Transaction, pmids: Sequence[str]) -> list[Shape]:
    """What is known of each PMID, and which live articles cite it; the latter only of one that nobody ever cited."""
    times, by = cited.times(transaction, pmids), cited.live_articles(transaction, pmids)
    shapes = []
    for one in evidence.show(transaction, [CitedWork(scheme="pmid", value=pmid) for pmid in pmids]):
        pmid, record = one.work.value, one.reference
        heard = times.get(pmid)
        shapes.append(
            reference(one)
            | {
                "notices": [
                    {"state": notice.state, "source": notice.source, "pmid": notice.pmid}
                    for notice in (record.notices if record else ())
                ],
                "csl": citation_csl(record) if record else None,
                "fetched": moment(heard.fetched if heard else None),
                "changed": moment(heard.changed if heard else None),
                "articles": by.get(pmid, []),
            }
        )
    return shapes


def known_reference(transaction: Transaction, pmid: str) -> Shape | None:
    """As `known`; None of a PMID that no article ever cited."""
    if not cited.times(transaction, [pmid]):
        return None
    (shape,) = known(transaction, [pmid])
    return shape


def evidence_change(one: Noted) -> Shape:
    return {
        "id": one.id,
        "pmid": one.pmid,
        "at": moment(one.at),
        "gained": list(one.gained),
        "lost": list(one.lost),
        "editorial": list(one.record.editorial),
        "notices": [
            {"state": notice.state, "source": notice.source, "pmid": notice.pmid} for notice in one.record.notices
        ],
        "citation": citation_text(_as_cited(one)),
        "articles": list(one.articles),
    }


def evidence_changed(transaction: Transaction, *, limit: int, pmid: str | None = None) -> list[Shape]:
    """Newest first."""
    return [evidence_change(one) for one in evidence_changes.newest(transaction, limit=limit, pmid=pmid)]


def _as_cited(one: Noted) -> CitedReference:
    return CitedReference(1, CitedWork(scheme="pmid", value=one.pmid), "resolved", one.record)
