"""The evidence gate: whether a channel may have an article, given what the article cites. Pure.

The unknown never counts as good: a pending reference is not resolved, and is checked again when its answer arrives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct

from pipeline.model.policy import Gate
from pipeline.model.reference import CitedReference
from pipeline.stages.enrich.editorial import papers_with


class Refusal(Struct, frozen=True):
    """The reason in one sentence, for the operator and the partner, with the ids of the references at fault."""

    reason: str
    references: tuple[str, ...]


def refusal(gate: Gate, references: Sequence[CitedReference], *, on: dt.date) -> Refusal | None:
    """Return why the article may not pass, or None. `on` is the day from which years are counted back."""
    rules = (_status(gate, references), _identity(gate, references), _resolved(gate, references))
    found = [one for one in (*rules, _age(gate, references, on)) if one]
    if not found:
        return None
    at_fault = dict.fromkeys(reference for one in found for reference in one.references)
    return Refusal("; ".join(one.reason for one in found), tuple(at_fault))


def _status(gate: Gate, references: Sequence[CitedReference]) -> Refusal | None:
    papers = papers_with(references, gate.refuse)
    if not papers:
        return _pending(gate, references)
    return Refusal(f"it cites {', '.join(map(str, papers))}", tuple(paper.id for paper in papers))


def _pending(gate: Gate, references: Sequence[CitedReference]) -> Refusal | None:
    pending = [cited for cited in references if cited.state == "pending"]
    if not (gate.refuse and gate.refuse_pending and pending):
        return None
    return Refusal(f"the status of {', '.join(map(_id, pending))} is not known yet", _ids(pending))


def _identity(gate: Gate, references: Sequence[CitedReference]) -> Refusal | None:
    others = [cited for cited in references if cited.identity == "mismatch"] if gate.match else []
    if not others:
        return None
    named = ", ".join(f"{_id(cited)} ({', '.join(cited.differs) or 'its identifiers'})" for cited in others)
    return Refusal(f"its words do not describe {named}", _ids(others))


def _resolved(gate: Gate, references: Sequence[CitedReference]) -> Refusal | None:
    resolved = sum(cited.state == "resolved" for cited in references)
    if resolved >= gate.min_resolved:
        return None
    others = [cited for cited in references if cited.state != "resolved"]
    named = f": {', '.join(f'{_id(cited)} ({cited.state})' for cited in others)}" if others else ""
    return Refusal(f"{resolved} of its references are resolved, {gate.min_resolved} are asked for{named}", _ids(others))


def _age(gate: Gate, references: Sequence[CitedReference], on: dt.date) -> Refusal | None:
    if gate.newest_within_years is None:
        return None
    dated = [(year, cited) for cited in references if (year := _year(cited)) is not None]
    newest = max((year for year, _ in dated), default=None)
    if newest is not None and newest >= on.year - gate.newest_within_years:
        return None
    asked = f"one within {gate.newest_within_years} years is asked for"
    if newest is None:
        return Refusal(f"none of its references has a date, {asked}", _ids(references))
    at_fault = [cited for year, cited in dated if year == newest]
    named = ", ".join(_id(cited) for cited in at_fault)
    return Refusal(f"its newest reference is of {newest} ({named}), {asked}", _ids(at_fault))


def _year(cited: CitedReference) -> int | None:
    """Return the year of the newest date, which may be of a revision; None if there is none in numbers."""
    if cited.reference is None:
        return None
    dates = (cited.reference.date, cited.reference.electronic_date, cited.reference.revised)
    return max((date.year for date in dates if date and date.year), default=None)


def _ids(references: Sequence[CitedReference]) -> tuple[str, ...]:
    return tuple(_id(cited) for cited in references)


def _id(cited: CitedReference) -> str:
    return f"{cited.work.scheme}:{cited.work.value}"
