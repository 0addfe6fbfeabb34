"""Cited references, and how their editorial status changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pipeline.citations import citation_csl, citation_text
from pipeline.ledger import Transaction, evidence
from pipeline.ledger.evidence import changes, cited
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, Identity, IdentityField, ReferenceState
from pipeline.model.reference import Reference as Record
from pipeline.views.fields import ArticleId, Field, Pmid, Time, WorkId
from pipeline.views.verdicts import SourceSays, sources_of


@dataclass(frozen=True, slots=True)
class Reference:
    """A cited work, with its editorial status."""

    pmid: Pmid | None
    doi: Annotated[str | None, Field(examples=["10.1016/s0140-6736(97)11096-0"])]
    id: WorkId
    state: ReferenceState
    editorial: tuple[EditorialState, ...]
    citation: Annotated[str, Field(description="The citation as text, in AMA style; else the author's words.")]
    words: Annotated[str | None, Field(description="What the author wrote, if the work is cited in words.")]
    identity: Annotated[Identity, Field(description="Whether the record is the work that the words describe.")]
    differs: Annotated[tuple[IdentityField, ...], Field(description="In what the words contradict the record.")]
    url: str | None


@dataclass(frozen=True, slots=True)
class Says:
    """What one source says was done to the paper, as of its last answer."""

    source: Annotated[str, Field(examples=["retraction_watch"])]
    says: tuple[EditorialState, ...]
    asked: Annotated[Time | None, Field(description="Its last answer about it. Null: none yet, or it lacks it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedReference(Reference):
    """A cited work with what each source says of it."""

    sources: tuple[Says, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """The publication that changed a paper's editorial status."""

    state: EditorialState
    source: Annotated[str | None, Field(examples=["Lancet. 2010 Feb 6;375(9713):445"])]
    pmid: Pmid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReference(Reference):
    """A cited paper with what each source says of it, and the live articles that cite it."""

    sources: tuple[SourceSays, ...]
    notices: tuple[Notice, ...]
    csl: Annotated[dict[str, Any] | None, Field(description="The paper as one item of CSL-JSON.")]
    fetched: Annotated[Time | None, Field(description="When PubMed answered last.")]
    changed: Annotated[Time | None, Field(description="When PubMed last said something new.")]
    articles: tuple[ArticleId, ...]


@dataclass(frozen=True, slots=True)
class EvidenceChange:
    """A change of a cited paper's editorial status."""

    id: int
    pmid: Pmid
    at: Time
    gained: tuple[EditorialState, ...]
    lost: tuple[EditorialState, ...]
    editorial: tuple[EditorialState, ...]
    notices: tuple[Notice, ...]
    citation: str
    articles: Annotated[tuple[ArticleId, ...], Field(description="The live articles that cited the paper then.")]

    @property
    def before(self) -> tuple[EditorialState, ...]:
        """The states that it had until then."""
        return (*(one for one in self.editorial if one not in self.gained), *self.lost)


def reference(one: CitedReference) -> Reference:
    known = one.reference
    return Reference(
        pmid=_given(one, "pmid") or (known.pmid if known else None),
        doi=_given(one, "doi") or (known.doi if known else None),
        id=f"{one.work.scheme}:{one.work.value}",
        state=one.state,
        editorial=one.marks.editorial if one.marks else (),
        citation=citation_text(one),
        words=one.words,
        identity=one.identity,
        differs=one.differs,
        url=one.work.url,
    )


def watched(one: CitedReference, sources: Sequence[Says]) -> WatchedReference:
    shown = reference(one)
    fields = {field.name: getattr(shown, field.name) for field in dataclasses.fields(shown)}
    return WatchedReference(**fields, sources=tuple(sources))


def _given(one: CitedReference, scheme: str) -> str | None:
    """Return the identifier that the author gave."""
    return next((work.value for work in (one.work, *one.also) if work.scheme == scheme), None)


def known_references(transaction: Transaction, pmids: Sequence[str]) -> list[KnownReference]:
    """Return what is known of each PMID. Those that no article ever cited have no times."""
    return known_works(transaction, [CitedWork(scheme="pmid", value=pmid) for pmid in pmids])


def known_works(transaction: Transaction, works: Sequence[CitedWork]) -> list[KnownReference]:
    """Return what is known of each work. What has no PMID has no times: they are PubMed's."""
    pmids = [work.value for work in works if work.scheme == "pmid"]
    others = [work for work in works if work.scheme != "pmid"]
    times = cited.times(transaction, pmids)
    citing = {CitedWork("pmid", pmid): ids for pmid, ids in cited.live_articles(transaction, pmids).items()}
    citing |= cited.live_articles_citing(transaction, others) if others else {}
    found = evidence.references_for(transaction, works)
    return [
        _known(one, sources, times.get(one.work.value), citing.get(one.work, ()))
        for one, sources in zip(found, sources_of(transaction, found), strict=True)
    ]


def known_reference(transaction: Transaction, pmid: str) -> KnownReference | None:
    """Return what is known of a PMID, or None if no live article cites it."""
    (known,) = known_references(transaction, [pmid])
    return known if known.articles else None


def known_record(transaction: Transaction, pmid: str) -> Record | None:
    """Return the record of a PMID with what all sources say of it, or None if no live article cites it."""
    if not cited.live_articles(transaction, [pmid]).get(pmid):
        return None
    (one,) = evidence.references_for(transaction, [CitedWork(scheme="pmid", value=pmid)])
    return one.reference


def evidence_changes(transaction: Transaction, *, limit: int, pmid: str | None = None) -> list[EvidenceChange]:
    """Return changes of editorial status, newest first; those of one paper if `pmid` is given."""
    return [_change(one) for one in changes.newest(transaction, limit=limit, pmid=pmid)]


def _known(
    one: CitedReference, sources: tuple[SourceSays, ...], times: cited.Times | None, articles: Sequence[str]
) -> KnownReference:
    record = one.reference
    shown = reference(one)
    return KnownReference(
        **{field.name: getattr(shown, field.name) for field in dataclasses.fields(shown)},
        sources=sources,
        notices=_notices(record),
        csl=citation_csl(record) if record else None,
        fetched=times.fetched if times else None,
        changed=times.changed if times else None,
        articles=tuple(articles),
    )


def _change(one: changes.RecordedChange) -> EvidenceChange:
    return EvidenceChange(
        id=one.id,
        pmid=one.pmid,
        at=one.at,
        gained=one.gained,
        lost=one.lost,
        editorial=one.record.editorial,
        notices=_notices(one.record),
        citation=citation_text(CitedReference(1, CitedWork(scheme="pmid", value=one.pmid), "resolved", one.record)),
        articles=one.articles,
    )


def _notices(record: Record | None) -> tuple[Notice, ...]:
    return tuple(Notice(one.state, one.source, one.pmid) for one in (record.notices if record else ()))
