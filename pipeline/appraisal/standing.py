"""A paper's editorial status from everything that PubMed and other sources say of it. Pure.

Within one source the newest of a retraction and a reinstatement counts. Across sources nothing is taken back: if one of
them says "retracted", the paper is shown as retracted, with the source that says so, and the ones that do not yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from msgspec import structs

from pipeline.model.reference import TAKEN_BACK, EditorialState, Notice, Reference, SourceVerdict

PUBMED = "pubmed"
LABELS = {
    PUBMED: "NLM",
    "retraction_watch": "Retraction Watch",
    "crossref": "Crossref",
    "europe_pmc": "Europe PMC",
}
_ORDER: tuple[EditorialState, ...] = get_args(EditorialState)
_WHERE_IT_MATTERS: frozenset[EditorialState] = TAKEN_BACK | {"concern", "reinstated"}


def label(source: str) -> str:
    """Return a source's name for readers. One that another package adds is shown by its setting's name."""
    return LABELS.get(source, source.replace("_", " ").capitalize())


def of_pubmed(record: Reference) -> tuple[SourceVerdict, ...]:
    """Return what PubMed's record says was done to the paper."""
    with_notice = [
        SourceVerdict(source=PUBMED, state=one.state, notice_pmid=one.pmid, notice_doi=one.doi, text=one.source)
        for one in record.notices
    ]
    noted = {one.state for one in with_notice}
    bare = [SourceVerdict(source=PUBMED, state=state) for state in record.editorial if state not in noted]
    return (*with_notice, *bare)


def settled(verdicts: Iterable[SourceVerdict]) -> tuple[SourceVerdict, ...]:
    """Return the verdicts that count, each source's newest word on whether the paper was taken back."""
    every = tuple(dict.fromkeys(verdicts))
    return tuple(one for one in every if not _superseded(one, every))


def _superseded(one: SourceVerdict, every: Sequence[SourceVerdict]) -> bool:
    others = [other for other in every if other.source == one.source]
    if one.state in TAKEN_BACK:
        return any(other.state == "reinstated" and _day(other) >= _day(one) for other in others)
    if one.state == "reinstated":
        return any(other.state in TAKEN_BACK and _day(other) > _day(one) for other in others)
    return False


def _day(one: SourceVerdict) -> str:
    return one.date or ""


def states_of(verdicts: Iterable[SourceVerdict]) -> tuple[EditorialState, ...]:
    """Return each state that a settled verdict names, once, in the order of EditorialState."""
    found = {one.state for one in settled(verdicts)}
    return tuple(state for state in _ORDER if state in found)


def merged(record: Reference, verdicts: Sequence[SourceVerdict]) -> Reference:
    """Return PubMed's record with the states and notices that other sources add to it."""
    extra = [one for one in settled(verdicts) if one.state not in record.editorial]
    if not extra:
        return record
    states = {*record.editorial, *(one.state for one in extra)}
    return structs.replace(
        record,
        editorial=tuple(state for state in _ORDER if state in states),
        notices=(*record.notices, *notices_of(extra, silent=(PUBMED,) if record.pmid else ())),
    )


def notices_of(verdicts: Iterable[SourceVerdict], *, silent: Sequence[str] = ()) -> tuple[Notice, ...]:
    """Return a notice for each state, naming the sources that say so and those (`silent`) that do not yet.

    "Retraction Watch, 2026-03-02; not yet by NLM"
    """
    by_state: dict[EditorialState, list[SourceVerdict]] = {}
    for one in sorted(verdicts, key=lambda one: (_ORDER.index(one.state), one.source, _day(one))):
        by_state.setdefault(one.state, []).append(one)
    return tuple(_notice(state, by_source, silent) for state, by_source in by_state.items())


def _notice(state: EditorialState, by_source: Sequence[SourceVerdict], silent: Sequence[str]) -> Notice:
    sources = dict.fromkeys(", ".join(filter(None, (label(one.source), one.date))) for one in by_source)
    words = " and ".join(sources)
    if silent and state in _WHERE_IT_MATTERS:
        words += f"; not yet by {' or '.join(map(label, silent))}"
    pmid = next((one.notice_pmid for one in by_source if one.notice_pmid), None)
    return Notice(state, words, pmid, next((one.notice_doi for one in by_source if one.notice_doi), None))
