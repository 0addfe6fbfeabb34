"""Which services are asked for the record of a DOI, a PMCID or a book, one after the other, and what each answers.

NCBI's converter is quick but knows PubMed Central alone, ESearch knows all of PubMed, and the sources beside PubMed
know what it does not have. A work is unknown only when each of them has said so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference
from pipeline.references.from_source import reference_of
from pipeline.references.pubmed.finding import MOST_WORKS
from pipeline.stages.context import Context

CONVERTER, SEARCH = "idconv", "esearch"


@dataclass(frozen=True)
class Answer:
    """What a service said of some works. Those in none of the first three were not answered."""

    pmids: Mapping[CitedWork, str] = field(default_factory=dict)  # PubMed has them
    records: Mapping[CitedWork, Reference] = field(default_factory=dict)  # PubMed does not, but this service does
    unknown: frozenset[CitedWork] = frozenset()
    of_pubmed: Mapping[str, Reference] = field(default_factory=dict)  # PubMed's records that came with the answer
    rate_limit: int | None = None  # requests a second, of NCBI
    spacing: float | None = None  # seconds between two requests, of another source


def services(context: Context) -> tuple[str, ...]:
    """Return the services in the order in which a work is asked for."""
    ncbi = (CONVERTER if context.converter else None, SEARCH if context.finder else None)
    return (*filter(None, ncbi), *context.sources) or (CONVERTER,)


def most_works(context: Context, service: str) -> int:
    """Return how many works a service takes at once."""
    own = {CONVERTER: context.policy.pubmed_batch, SEARCH: MOST_WORKS}
    most = own[service] if service in own else context.sources[service].source.most
    return min(most, context.policy.pubmed_batch)


def ask(context: Context, service: str, works: Sequence[CitedWork]) -> Answer:
    """Ask a service. Raises TransientError if it does not answer. What it cannot be asked for, it does not have."""
    if service == CONVERTER:
        return _convert(context, works)
    if service == SEARCH:
        return _search(context, works)
    source = context.sources[service]
    taken = [work for work in works if source.source.takes(work)]
    answer = source.client.look_up(taken)
    pmids = {work: record.pmid for work, record in answer.records.items() if record.pmid}
    shown = {work: reference_of(record) for work, record in answer.records.items() if not record.pmid}
    records = {work: reference for work, reference in shown.items() if reference is not None}
    untitled = shown.keys() - records.keys()
    unknown = answer.unknown | untitled | (set(works) - set(taken))
    return Answer(pmids, records, frozenset(unknown), spacing=answer.spacing)


def _convert(context: Context, works: Sequence[CitedWork]) -> Answer:
    if context.converter is None:
        return Answer(unknown=frozenset(works))
    books = frozenset(work for work in works if work.scheme == "nbk")
    found = context.converter.convert([work for work in works if work not in books])
    return Answer(found.pmids, unknown=found.unknown | books, rate_limit=found.rate_limit)


def _search(context: Context, works: Sequence[CitedWork]) -> Answer:
    if context.finder is None:
        return Answer(unknown=frozenset(works))
    found = context.finder.find(works)
    pmids = {work: record.pmid for work, record in found.records.items() if record.pmid}
    records = {record.pmid: record for record in found.records.values() if record.pmid}
    return Answer(pmids, unknown=found.unknown, of_pubmed=records, rate_limit=found.rate_limit)
