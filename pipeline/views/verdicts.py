"""What each source says was done to a paper, and as of when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.appraisal import standing
from pipeline.ledger import Transaction
from pipeline.ledger.evidence import checks, cited, ncbi_rate_limit, verdicts
from pipeline.model.reference import CitedReference, EditorialState, SourceVerdict
from pipeline.views.fields import Field, Pmid, Time


@dataclass(frozen=True, slots=True)
class SourceVerdictShown:
    """One thing that a source says was done to the paper."""

    state: EditorialState
    date: Annotated[str | None, Field(description="Of the notice, as precise as it is known.", examples=["2026-03-02"])]
    notice_pmid: Pmid | None
    notice_doi: str | None
    reasons: tuple[str, ...]
    reported_by: str | None


@dataclass(frozen=True, slots=True)
class SourceSays:
    """What one source says of a paper, as of its last answer. An empty `says` with a time: nothing was done to it."""

    source: Annotated[str, Field(examples=["retraction_watch"])]
    label: Annotated[str, Field(examples=["Retraction Watch"])]
    says: tuple[EditorialState, ...]
    asked: Annotated[Time | None, Field(description="Its last answer about it. Null: none yet, or it lacks it.")]
    failing: Annotated[Time | None, Field(description="Since when the source has not answered.")]
    verdicts: tuple[SourceVerdictShown, ...]


def sources_of(transaction: Transaction, references: Sequence[CitedReference]) -> list[tuple[SourceSays, ...]]:
    """Return what each source says of each reference."""
    papers = [_paper(one) for one in references]
    states = verdicts.states(transaction)
    asked = checks.asked(transaction, [work for paper in papers for work in paper.works])
    times = cited.times(transaction, [paper.pmid for paper in papers if paper.pmid])
    failing = ncbi_rate_limit.failing_since(transaction, "pubmed")
    return [_sources(one, paper, states, asked, times, failing) for one, paper in zip(references, papers, strict=True)]


def _paper(one: CitedReference) -> verdicts.Paper:
    given = {work.scheme: work.value for work in (*one.also[::-1], one.work)}
    record = one.reference
    pmid = (record.pmid if record else None) or given.get("pmid")
    doi = (record.doi if record else None) or given.get("doi")
    return verdicts.Paper(pmid, doi.lower() if doi else None)


def _sources(
    one: CitedReference,
    paper: verdicts.Paper,
    states: Mapping[str, verdicts.SourceState],
    asked: Mapping[str, Mapping[str, dt.datetime | None]],
    times: Mapping[str, cited.Times],
    pubmed_failing: dt.datetime | None,
) -> tuple[SourceSays, ...]:
    if not paper.works:
        return ()
    last: dict[str, tuple[dt.datetime | None, dt.datetime | None]] = {}
    if paper.pmid:
        known = times.get(paper.pmid)
        last[standing.PUBMED] = (known.fetched if known else None, pubmed_failing)
    answers = [asked.get(work, {}) for work in paper.works]  # the first that a source gave counts, as for its verdicts
    for name, state in states.items():
        at = next((one[name] for one in answers if one.get(name)), None) if state.by_paper else state.answered
        last[name] = (at, state.failing)
    return tuple(
        _source(name, [each for each in one.verdicts if each.source == name], *times) for name, times in last.items()
    )


def _source(
    name: str, of_source: Sequence[SourceVerdict], asked: dt.datetime | None, failing: dt.datetime | None
) -> SourceSays:
    return SourceSays(
        source=name,
        label=standing.label(name),
        says=standing.states_of(of_source),
        asked=asked,
        failing=failing,
        verdicts=tuple(
            SourceVerdictShown(
                state=one.state,
                date=one.date,
                notice_pmid=one.notice_pmid,
                notice_doi=one.notice_doi,
                reasons=one.reasons,
                reported_by=one.reported_by,
            )
            for one in of_source
        ),
    )
