"""What matters in a change of evidence: the editorial states that a paper gained or lost, each distinguished. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import get_args

from msgspec import Struct

from pipeline.citations import editorial_label
from pipeline.model.reference import CitedReference, EditorialState, EvidenceChange, Marks, Reference

States = tuple[EditorialState, ...]
_ORDER: States = get_args(EditorialState)


class EditorialChange(Struct, frozen=True):
    """Editorial states that a paper gained and lost. At least one of the two is not empty."""

    gained: States
    lost: States


class FlaggedPaper(Struct, frozen=True):
    """A cited paper, and the editorial states because of which it is flagged."""

    id: str  # "pmid:9500320", or "doi:…" if PubMed does not have it
    states: States

    def __str__(self) -> str:
        scheme, _, value = self.id.partition(":")
        name = f"PMID {value}" if scheme == "pmid" else self.id
        return f"{name} ({', '.join(map(editorial_label, self.states)).lower()})"


def change_of(change: EvidenceChange) -> EditorialChange | None:
    """Return the editorial change, or None when nothing that matters changed.

    A first answer counts as well, because an article that did not wait for it was published unmarked. In that case,
    however, being a preprint is not news. A record that PubMed leaves out says nothing about the paper's status.
    """
    if change.after is None:
        return None
    if change.before is None:
        first: States = tuple(state for state in _states(change.after) if state != "preprint")
        return EditorialChange(first, ()) if first else None
    before, after = change.before, change.after
    new: States = tuple(state for state in _states(after) if state not in before.editorial)
    lost: States = tuple(state for state in _states(before) if state not in after.editorial)
    return EditorialChange(new, lost) if new or lost else None


def papers_with(references: Sequence[CitedReference], states: Collection[EditorialState]) -> tuple[FlaggedPaper, ...]:
    """Return the papers that have one of these states."""
    flagged = (_flagged(cited, [state for state in _of(cited) if state in states]) for cited in references)
    return tuple(paper for paper in flagged if paper)


def marks(references: Sequence[CitedReference]) -> tuple[object, ...]:
    """Return what every format shows of the status of the cited papers: editorial states and notices."""
    return tuple((cited.work, cited.marks and (cited.marks.editorial, cited.marks.notices)) for cited in references)


def only_marks_differ(before: Sequence[CitedReference], after: Sequence[CitedReference]) -> bool:
    """Return whether the same works are resolved, and the status of some of them differs."""
    states = [(cited.work, cited.state) for cited in before]
    return states == [(cited.work, cited.state) for cited in after] and marks(before) != marks(after)


def _flagged(cited: CitedReference, states: Sequence[EditorialState]) -> FlaggedPaper | None:
    if not states:
        return None
    pmid = cited.reference.pmid if cited.reference else None
    return FlaggedPaper(f"pmid:{pmid}" if pmid else f"{cited.work.scheme}:{cited.work.value}", tuple(states))


def _of(cited: CitedReference) -> Iterator[EditorialState]:
    return iter(_states(cited.marks)) if cited.marks else iter(())


def _states(reference: Reference | Marks) -> States:
    return tuple(state for state in _ORDER if state in reference.editorial)
