"""Cited papers for operators: the list, and one with all that is known of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger import Transaction
from pipeline.ledger.evidence import cited, listing, mismatches, verdicts
from pipeline.ledger.evidence.listing import Standing
from pipeline.views import recall
from pipeline.views.fields import ArticleId, Field, Pmid, Time
from pipeline.views.references import (
    EvidenceChange,
    KnownReference,
    evidence_changes,
    known_references,
    known_works,
)

LONGEST_CURSOR = 600  # characters: a DOI has 512 at most
MOST = 50  # changes of one paper, and articles in which it is mismatched


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """Papers that articles cite which are not withdrawn, by PMID in text order, then works without a PMID.

    Of the latter, `retracted`, `concern` and `corrected` find none: what is known of one is read when it is shown.
    """

    references: tuple[KnownReference, ...]
    next: Annotated[str | None, Field(description="The `after` of the next page; null if this is the last one.")]


@dataclass(frozen=True, slots=True)
class SourceTurn:
    """When a source is asked again about a paper, and why it did not answer last."""

    source: Annotated[str, Field(examples=["pubmed"])]
    again: Annotated[Time | None, Field(description="Null: no time is set.")]
    error: str | None


@dataclass(frozen=True, slots=True)
class MismatchIn:
    """An article whose words describe another work than this paper."""

    article: ArticleId
    number: Annotated[int, Field(ge=1, description="Of the reference.")]
    differs: Annotated[str, Field(examples=["title, author"])]
    since: Time
    suggested: Annotated[Pmid | None, Field(description="The paper that was probably meant.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeReference(KnownReference):
    """A cited paper with everything that operators ask about it."""

    turns: tuple[SourceTurn, ...]
    mismatched: Annotated[tuple[MismatchIn, ...], Field(description=f"At most {MOST}.")]
    changes: Annotated[tuple[EvidenceChange, ...], Field(description=f"The newest {MOST} at most.")]
    recalled: Annotated[bool, Field(description="There is a certificate of its recall.")]


def references(transaction: Transaction, standing: Standing | None, *, after: str = "", limit: int) -> ReferenceList:
    """Return a page of the list of references. `standing`: None is all of them."""
    found = listing.page(transaction, standing, after=after, limit=limit)
    return ReferenceList(tuple(known_works(transaction, found.works)) if found.works else (), found.next)


def whole_reference(transaction: Transaction, pmid: str) -> WholeReference | None:
    """Return what is known of a paper, or None if no article ever cited it."""
    if not cited.times(transaction, [pmid]):
        return None
    (known,) = known_references(transaction, [pmid])
    fields = {field.name: getattr(known, field.name) for field in dataclasses.fields(known)}
    works = [f"pmid:{pmid}", *([f"doi:{known.doi}"] if known.doi else [])]
    return WholeReference(
        **fields,
        turns=_turns(transaction, pmid, known),
        mismatched=tuple(
            MismatchIn(one.article, one.number, one.differs, one.since, one.suggested)
            for one in mismatches.of_live_articles(transaction, works=works, limit=MOST)
        ),
        changes=tuple(evidence_changes(transaction, limit=MOST, pmid=pmid)),
        recalled=recall.is_recalled(transaction, pmid),
    )


def _turns(transaction: Transaction, pmid: str, known: KnownReference) -> tuple[SourceTurn, ...]:
    lists: Sequence[str] = [name for name, one in verdicts.states(transaction).items() if not one.by_paper]
    found = listing.turns(transaction, pmid, known.doi, lists)
    order = [one.source for one in known.sources]
    return tuple(SourceTurn(name, found[name].due, found[name].error) for name in order if name in found)
