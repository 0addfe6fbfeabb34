"""What matters of a change of evidence: a paper's editorial states, gained or lost; each its own, never mixed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import get_args

from msgspec import Struct

from pipeline.citations import editorial_label
from pipeline.model.reference import CitedReference, EditorialState, EvidenceChange, Reference

States = tuple[EditorialState, ...]
_ORDER: States = get_args(EditorialState)


class EditorialChange(Struct, frozen=True):
    """At least one of the two is not empty."""

    gained: States
    lost: States


class FlaggedPaper(Struct, frozen=True):
    """A cited paper, and those of its editorial states that are held against it."""

    pmid: str
    states: States

    def __str__(self) -> str:
        return f"PMID {self.pmid} ({', '.join(map(editorial_label, self.states)).lower()})"


def change_of(change: EvidenceChange) -> EditorialChange | None:
    """None where nothing that matters changed.

    A first answer counts as well: an article that did not wait for it went out unmarked. That the paper is a preprint
    is then no news: it is what was cited. That PubMed leaves a record out says nothing of its standing.
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


def newly_flagged(
    before: Sequence[CitedReference], after: Sequence[CitedReference], states: Collection[EditorialState]
) -> tuple[FlaggedPaper, ...]:
    """Papers that `before` showed without one of these states, and that have it in `after`.

    What `before` did not cite is not among them: the author who cites a retracted paper knows what they cite.
    """
    shown = {cited.work: frozenset(_of(cited)) for cited in before}
    faults = (
        _flagged(cited, [state for state in _of(cited) if state in states and state not in shown[cited.work]])
        for cited in after
        if cited.work in shown
    )
    return tuple(fault for fault in faults if fault)


def papers_with(
    references: Sequence[CitedReference],
    states: Collection[EditorialState],
    pmids: Collection[str] | None = None,
) -> tuple[FlaggedPaper, ...]:
    """The papers (of these PMIDs, where any are given) that have one of these states."""
    faults = (_flagged(cited, [state for state in _of(cited) if state in states]) for cited in references)
    return tuple(fault for fault in faults if fault and (pmids is None or fault.pmid in pmids))


def marks(references: Sequence[CitedReference]) -> tuple[object, ...]:
    """What every format shows of the standing of what is cited: states, editorial states, notices."""
    return tuple(
        (cited.work, cited.state, cited.reference and (cited.reference.editorial, cited.reference.notices))
        for cited in references
    )


def only_marks_differ(before: Sequence[CitedReference], after: Sequence[CitedReference]) -> bool:
    """Whether the same works were resolved, and some of them have another standing now."""
    states = [(cited.work, cited.state) for cited in before]
    return states == [(cited.work, cited.state) for cited in after] and marks(before) != marks(after)


def _flagged(cited: CitedReference, states: Sequence[EditorialState]) -> FlaggedPaper | None:
    return FlaggedPaper(cited.reference.pmid, tuple(states)) if cited.reference and states else None


def _of(cited: CitedReference) -> Iterator[EditorialState]:
    return iter(_states(cited.reference)) if cited.reference else iter(())


def _states(reference: Reference) -> States:
    return tuple(state for state in _ORDER if state in reference.editorial)
