"""A paper's editorial status in words for readers."""

from __future__ import annotations

from typing import get_args

from pipeline.model.reference import EditorialState, Marks, Notice, Reference
from pipeline.wording import ENGLISH, Words, message

_LABELS: dict[EditorialState, str] = {
    "retracted": message("Retracted"),
    "withdrawn": message("Withdrawn"),
    "concern": message("Expression of concern"),
    "erratum": message("Erratum"),
    "corrected-republished": message("Corrected and republished"),
    "retracted-republished": message("Retracted and republished"),
    "reinstated": message("Reinstated"),
    "updated": message("Updated"),
    "preprint": message("Preprint"),
}
_REPLACED: frozenset[EditorialState] = frozenset({"updated", "corrected-republished", "retracted-republished"})


def editorial_label(state: EditorialState) -> str:
    """Return a state's label: "Retracted", "Expression of concern", …"""
    return _LABELS[state]


def editorial_labels(reference: Reference | Marks, words: Words = ENGLISH) -> tuple[str, ...]:
    """Return the labels of a reference, such as "Retracted", each once, the gravest first."""
    return tuple(words.translated(_LABELS[state]) for state in _states(reference))


def superseded_by(reference: Reference) -> tuple[str, ...]:
    """Return the PMIDs of what took the paper's place: its republication, or a newer version."""
    later = [one.pmid for one in reference.notices if one.state in _REPLACED and one.pmid]
    return tuple(dict.fromkeys(later))


def editorial_notice(reference: Reference | Marks, words: Words = ENGLISH) -> str | None:
    """Return a line that says what happened to the paper and where that is published, or None if nothing did.

    "Retracted: Lancet. 2010 Feb 6;375(9713):445. PMID: 20137807."
    """
    return " ".join(_sentence(state, reference, words) for state in _states(reference)) or None


def _states(reference: Reference | Marks) -> list[EditorialState]:
    return [state for state in get_args(EditorialState) if state in reference.editorial]


def _sentence(state: EditorialState, reference: Reference | Marks, words: Words) -> str:
    notices = [text for notice in reference.notices if notice.state == state and (text := _notice_text(notice))]
    where = "; ".join(dict.fromkeys(notices))
    label = words.translated(_LABELS[state])
    return (
        words.say("{label}: {value}.", label=label, value=where) if where else words.say("{sentence}.", sentence=label)
    )


def _notice_text(notice: Notice) -> str:
    source = (notice.source or "").strip().rstrip(".")
    return ". ".join(part for part in (source, f"PMID: {notice.pmid}" if notice.pmid else "") if part)
