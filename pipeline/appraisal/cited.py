"""Appraise one citation: is the record the work that the author meant, and what was done to it? Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from pipeline.appraisal.identity import compare
from pipeline.appraisal.standing import merged, notices_of, of_pubmed, settled, states_of
from pipeline.model.reference import CitedReference, Marks, Reference, SourceVerdict


def appraised(cited: CitedReference, verdicts: Sequence[SourceVerdict]) -> CitedReference:
    """Return the citation with other sources' verdicts on its work, and with its record only if that is the work.

    If the words have only a detail wrong, such as the year, the work is recognised: its record is not shown, but what
    was done to it is.
    """
    if cited.reference is None:
        if cited.state == "mismatch":
            return structs.replace(cited, identity="mismatch")
        if not verdicts:
            return cited
        unshown = Marks(states_of(verdicts), notices_of(settled(verdicts)))
        return structs.replace(cited, verdicts=tuple(verdicts), unshown=unshown if unshown.editorial else None)
    if cited.reference.pmid:
        verdicts = (*of_pubmed(cited.reference), *verdicts)
    record = merged(cited.reference, verdicts)
    found = compare(cited.words, record)
    if found.identity != "mismatch":
        return structs.replace(cited, reference=record, verdicts=tuple(verdicts), identity=found.identity)
    return structs.replace(
        cited,
        state="mismatch",
        reference=None,
        verdicts=tuple(verdicts) if found.same_work else (),
        identity="mismatch",
        differs=found.differs,
        unshown=_marks(record) if found.same_work else None,
    )


def _marks(record: Reference) -> Marks | None:
    return Marks(record.editorial, record.notices) if record.editorial else None
