"""The evidence statement: for each reference who it is, what was done to it and who says so, and what kind it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.appraisal.statement import overview, statement_of
from pipeline.citations.weight import LABELS, Weight
from pipeline.ledger import Transaction, evidence
from pipeline.ledger.articles import names, revisions
from pipeline.ledger.articles import public as public_articles
from pipeline.ledger.evidence import cited
from pipeline.model.reference import CitedReference
from pipeline.views.fields import ArticleId, Count, Field, Pmid, RevisionNumber, Time
from pipeline.views.references import Reference, reference
from pipeline.views.verdicts import SourceSays, sources_of


@dataclass(frozen=True, slots=True)
class ReferenceEvidence:
    """A reference with its evidence statement."""

    reference: Reference
    sources: tuple[SourceSays, ...]
    weight: Annotated[Weight | None, Field(description="The kind of evidence, from NLM's publication types.")]
    weight_label: str | None
    year: int | None
    superseded_by: Annotated[tuple[Pmid, ...], Field(description="What replaced the paper.")]
    free_full_text: str | None
    meant: Annotated[bool, Field(description="The author cites it in the knowledge that it is retracted.")]


@dataclass(frozen=True, slots=True)
class ArticleEvidence:
    """The evidence statement of an article: of what is live alone."""

    article: ArticleId
    revision: RevisionNumber
    title: str
    references: tuple[ReferenceEvidence, ...]
    total: Count
    watched: Annotated[Count, Field(description="References found in a source, which is asked about them again.")]
    newest_year: int | None
    median_year: int | None
    last_checked: Annotated[Time | None, Field(description="The oldest of PubMed's last answers.")]
    last_reviewed: dt.date | None
    next_review: dt.date | None
    review_overdue: bool


def evidence_of(
    transaction: Transaction, references: Sequence[CitedReference], *, meant: Sequence[str] = ()
) -> list[ReferenceEvidence]:
    """Return the statement of each reference. `meant`: the PMIDs that the author cites although they are retracted."""
    of_source = sources_of(transaction, references)
    return [_evidence(one, sources, meant) for one, sources in zip(references, of_source, strict=True)]


def _evidence(one: CitedReference, sources: tuple[SourceSays, ...], meant: Sequence[str]) -> ReferenceEvidence:
    known, shown = statement_of(one), reference(one)
    return ReferenceEvidence(
        reference=shown,
        sources=sources,
        weight=known.weight,
        weight_label=LABELS[known.weight] if known.weight else None,
        year=known.year,
        superseded_by=known.superseded_by,
        free_full_text=known.free_full_text,
        meant=shown.pmid in meant,
    )


def article_evidence(transaction: Transaction, name: str, *, today: dt.date) -> ArticleEvidence | None:
    """Return the statement of what is live under this name, or None if nothing is."""
    article_id = names.article_shown_as(transaction, name)
    shown = public_articles.find(transaction, article_id)
    if shown is None or shown.state == "withdrawn":
        return None
    article = revisions.get(transaction, article_id, shown.revision).article
    references = evidence.references_of(transaction, article)
    all_of_it = overview(references)
    pmids = [one.reference.pmid for one in references if one.reference and one.reference.pmid]
    fetched = [times.fetched for times in cited.times(transaction, pmids).values() if times.fetched]
    return ArticleEvidence(
        article=article_id,
        revision=shown.revision,
        title=article.title,
        references=tuple(evidence_of(transaction, references, meant=article.cites_retracted)),
        total=all_of_it.total,
        watched=all_of_it.watched,
        newest_year=all_of_it.newest_year,
        median_year=all_of_it.median_year,
        last_checked=min(fetched, default=None),
        last_reviewed=article.reviewed,
        next_review=article.next_review,
        review_overdue=article.next_review is not None and article.next_review < today,
    )
