"""The evidence statement: what is known of a reference, and of all references of an article. Pure.

Every format shows it in its own way; `views.statements` gives it whole, with the times of the sources' answers.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct

from pipeline.citations.editorial import superseded_by
from pipeline.citations.links import pmc_url
from pipeline.citations.weight import LABELS, Weight, weight_of
from pipeline.model.reference import CitedReference, Reference
from pipeline.wording import ENGLISH, Words


class ReferenceStatement(Struct, frozen=True):
    """What is known of one reference, apart from its citation."""

    weight: Weight | None
    year: int | None
    superseded_by: tuple[str, ...]  # PMIDs of what replaced it
    free_full_text: str | None


class Overview(Struct, frozen=True):
    """What is known of an article's references together."""

    total: int
    watched: int
    newest_year: int | None
    median_year: int | None


def statement_of(cited: CitedReference) -> ReferenceStatement:
    """Return the statement of a reference; of one without a record, nothing but what its author gave."""
    record = cited.reference
    if record is None:
        return ReferenceStatement(None, None, (), None)
    return ReferenceStatement(
        weight=weight_of(record.types),
        year=year_of(record),
        superseded_by=superseded_by(record),
        free_full_text=pmc_url(record.pmcid) if record.pmcid else None,
    )


def evidence_words(cited: CitedReference, words: Words = ENGLISH) -> str | None:
    """Return the kind of evidence and whether it can be read freely, in words: "Systematic review. Free full text"."""
    stated = statement_of(cited)
    kind = words.translated(LABELS[stated.weight]) if stated.weight else None
    free = words.translated("Free full text") if stated.free_full_text else None
    return words.say("{first}. {second}", first=kind, second=free) if kind and free else kind or free


def is_watched(cited: CitedReference) -> bool:
    """Return whether a source has the work, which is asked about it again."""
    return cited.state == "resolved"


def overview(references: Sequence[CitedReference]) -> Overview:
    years = [year for cited in references if cited.reference and (year := year_of(cited.reference))]
    return Overview(
        total=len(references),
        watched=sum(map(is_watched, references)),
        newest_year=max(years, default=None),
        median_year=int(statistics.median_low(years)) if years else None,
    )


def overview_words(references: Sequence[CitedReference], words: Words = ENGLISH) -> str | None:
    """Return "5 references, 3 watched; newest 2024, median 2016", or None if there are none."""
    known = overview(references)
    if not known.total:
        return None
    counts = words.say_plural(
        "{total} reference, {watched} watched",
        "{total} references, {watched} watched",
        known.total,
        total=str(known.total),
        watched=str(known.watched),
    )
    if known.newest_year is None:
        return counts
    newest, median = str(known.newest_year), str(known.median_year)
    return words.say("{counts}; newest {newest}, median {median}", counts=counts, newest=newest, median=median)


def year_of(record: Reference) -> int | None:
    """Return the year of the newer date."""
    dates = (record.date, record.electronic_date, record.revised)
    return max((date.year for date in dates if date and date.year), default=None)
