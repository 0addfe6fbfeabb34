"""Find the PMIDs of DOIs and PMCIDs in all of PubMed: ESearch, many to a request, then the records that it lists.

ESearch splits identifiers into words and says nothing about which term found which paper, so a record counts only if
its own identifier is the one asked for.
Source: NCBI, "The E-utilities In-Depth" (NBK25499), ESearch; PubMed Help, "Search field tags" ([doi], [aid]).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pipeline.http import Limits
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference
from pipeline.references.pubmed.eutils import MOST_IDS, Fetched
from pipeline.references.pubmed.service import Service

MOST_WORKS = 100  # in one search
_MOST_RESULTS = 1000
_LIMITS = Limits(connect=5.0, read=10.0, total=30.0, max_bytes=2_000_000)


@dataclass(frozen=True)
class Found:
    """PubMed's records of the works it has, and the works (`unknown`) that it has not. Others were not answered."""

    records: Mapping[CitedWork, Reference]
    unknown: frozenset[CitedWork]
    rate_limit: int | None = None


class Fetcher(Protocol):
    def fetch(self, pmids: Sequence[str]) -> Fetched: ...


@dataclass(frozen=True)
class Finder:
    """ESearch of `service`, and `fetcher` for the records of what it lists."""

    service: Service
    fetcher: Fetcher
    limits: Limits = _LIMITS

    def find(self, works: Sequence[CitedWork]) -> Found:
        """Look up at most 100 DOIs, PMCIDs and books; more works, or other schemes, raise ValueError.

        Raises TransientError, as `Eutils.fetch` does. A work that no search can express counts as unknown.
        """
        asked = list(dict.fromkeys(works))
        if len(asked) > MOST_WORKS or any(work.scheme not in ("doi", "pmcid", "nbk") for work in asked):
            raise ValueError(f"at most {MOST_WORKS} DOIs and PMCIDs can be found at once")
        pmids = self._search([term for work in asked if (term := _term(work))])
        if pmids is None:  # the list was cut: what is missing from it may exist
            return Found({}, frozenset())
        found: dict[CitedWork, Reference] = {}
        unread, rate_limit = False, None
        for batch in _in_batches(pmids):
            self.service.pause()
            fetched = self.fetcher.fetch(batch)
            found |= {work: record for record in fetched.resolved.values() for work in _ids(record)}
            unread |= len(fetched.resolved) + len(fetched.unknown) < len(batch)
            rate_limit = fetched.rate_limit or rate_limit
        records = {work: found[work] for work in asked if work in found}
        return Found(records, frozenset() if unread else frozenset(asked) - records.keys(), rate_limit)

    def _search(self, terms: Sequence[str]) -> list[str] | None:
        """Return the PMIDs of a search for any of the terms, or None if there are too many to list."""
        if not terms:
            return []
        pmids, count = self.service.search(" OR ".join(terms), self.limits, most=_MOST_RESULTS)
        return pmids if count <= len(pmids) else None


def _term(work: CitedWork) -> str | None:
    """Return the search for a work. Quotation marks cannot be escaped: they are left out, as ESearch ignores them."""
    value = work.value.replace('"', " ").strip()
    if not value:
        return None
    return f'"{value}"[doi] OR "{value}"[aid]' if work.scheme == "doi" else f"{value}[aid]"


def _ids(record: Reference) -> Iterator[CitedWork]:
    if record.doi:
        yield CitedWork("doi", record.doi)
    if record.pmcid:
        yield CitedWork("pmcid", record.pmcid)
    if record.bookshelf:
        yield CitedWork("nbk", record.bookshelf)


def _in_batches(pmids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(pmids), MOST_IDS):
        yield pmids[start : start + MOST_IDS]
