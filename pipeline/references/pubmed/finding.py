"""Find the PMIDs of DOIs and PMCIDs in all of PubMed: ESearch, many to a request, then the records that it lists.

ESearch splits identifiers into words and says nothing about which term found which paper, so a record counts only if
its own identifier is the one asked for.
Source: NCBI, "The E-utilities In-Depth" (NBK25499), ESearch; PubMed Help, "Search field tags" ([doi], [aid]).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, Limits
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference
from pipeline.references.json_answers import decoded
from pipeline.references.pubmed.answers import failure_of
from pipeline.references.pubmed.eutils import MOST_IDS, Fetched

MOST_WORKS = 100  # in one search
_MOST_RESULTS = 1000
_SPACING = 1.02  # seconds between the requests of one search, whose permit allows one per second
_LIMITS = Limits(connect=5.0, read=10.0, total=30.0, max_bytes=2_000_000)


@dataclass(frozen=True)
class Found:
    """PubMed's records of the works it has, and the works (`unknown`) that it has not. Others were not answered."""

    records: Mapping[CitedWork, Reference]
    unknown: frozenset[CitedWork]
    rate_limit: int | None = None


class Fetcher(Protocol):
    def fetch(self, pmids: Sequence[str]) -> Fetched: ...


class Finder:
    """ESearch at one address (".../entrez/eutils/"), and `fetcher` for the records of what it lists."""

    def __init__(
        self,
        http: Http,
        fetcher: Fetcher,
        *,
        base_url: str,
        tool: str,
        email: str | None,
        api_key: str | None,
        limits: Limits = _LIMITS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = http
        self._fetcher = fetcher
        self._url = f"{base_url.rstrip('/')}/esearch.fcgi"
        self._who = {"tool": tool, "email": email, "api_key": api_key}
        self._limits = limits
        self._sleep = sleep

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
            self._sleep(_SPACING)
            fetched = self._fetcher.fetch(batch)
            found |= {work: record for record in fetched.resolved.values() for work in _ids(record)}
            unread |= len(fetched.resolved) + len(fetched.unknown) < len(batch)
            rate_limit = fetched.rate_limit or rate_limit
        records = {work: found[work] for work in asked if work in found}
        return Found(records, frozenset() if unread else frozenset(asked) - records.keys(), rate_limit)

    def _search(self, terms: Sequence[str]) -> list[str] | None:
        """Return the PMIDs of a search for any of the terms, or None if there are too many to list."""
        if not terms:
            return []
        form = {"db": "pubmed", "retmode": "json", "retmax": str(_MOST_RESULTS), "term": " OR ".join(terms)}
        body = urlencode({name: value for name, value in {**form, **self._who}.items() if value})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            response = self._http.request("POST", self._url, headers=headers, body=body.encode(), limits=self._limits)
        except PermanentError as error:
            raise TransientError(error.message, code=error.code, status=error.status) from error
        result = _result(response.body) if response.status == 200 else None
        if result is None:
            raise failure_of(response, dt.datetime.now(dt.UTC))
        pmids, count = result
        return pmids if count <= len(pmids) else None


def _result(body: bytes) -> tuple[list[str], int] | None:
    """Return the listed PMIDs and how many there are in all, or None if the body is not an answer."""
    answer: Any = (decoded(body) or {}).get("esearchresult")
    if not isinstance(answer, dict) or "ERROR" in answer or not isinstance(answer.get("idlist"), list):
        return None
    count = str(answer.get("count", ""))
    pmids = [pmid for pmid in answer["idlist"] if isinstance(pmid, str) and pmid.isascii() and pmid.isdigit()]
    return (pmids, int(count)) if count.isascii() and count.isdigit() and len(count) < 10 else None


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
