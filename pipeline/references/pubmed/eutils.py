"""Fetch references by PMID from the E-utilities, over HTTP.

Source: NCBI, "A General Introduction to the E-utilities" (NBK25497) and "The E-utilities In-Depth" (NBK25499).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Limits, Response
from pipeline.model.reference import Reference
from pipeline.references.pubmed.answers import BrokenRecords, read_efetch
from pipeline.references.pubmed.hardened import MAX_BYTES
from pipeline.references.pubmed.service import Service

MOST_IDS = 200  # in one request
_COUNTED = 0.2  # seconds after sending within which NCBI has counted a request, however long the response takes
_SPLITTING = 40.0  # seconds after which a batch that had to be split is returned partly answered
_LIMITS = Limits(connect=5.0, read=10.0, total=30.0, max_bytes=MAX_BYTES)


@dataclass(frozen=True)
class Fetched:
    """What PubMed answered. A PMID in neither `resolved` nor `unknown` got no answer and has to be requested again.

    `broken`: those of them whose record, even when requested alone, came as malformed XML, with the error. Requesting
    them again at once would give the same result.
    `rate_limit`: requests per second that NCBI allows us, if it said so (`X-RateLimit-Limit`).
    `counted`: the time by which NCBI had certainly counted the last request.
    """

    resolved: Mapping[str, Reference]
    unknown: frozenset[str]
    rate_limit: int | None = None
    counted: dt.datetime | None = None
    broken: Mapping[str, TransientError] = field(default_factory=dict)


@dataclass(frozen=True)
class _Answer:
    """The answer to one request.

    Without records, they are `broken`, or none of the ids is valid, or several records are too much for one response.
    """

    records: Mapping[str, Reference] | None
    rate_limit: int | None = None
    counted: dt.datetime | None = None
    broken: BrokenRecords | None = None


class Eutils:
    """EFetch of a service. Safe to share between threads, as its `http` is.

    The caller keeps to NCBI's rate limit between fetches; within one there is at most one request per second.
    """

    def __init__(
        self,
        service: Service,
        *,
        limits: Limits = _LIMITS,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._service = service
        self._limits = limits
        self._clock = clock

    def fetch(self, pmids: Sequence[str]) -> Fetched:
        """Fetch at most 200 PMIDs in one POST; more raise ValueError.

        What cannot be a PMID counts as unknown without being requested.

        Raises TransientError, with `retry_after` in seconds if NCBI gave one, for every response that is not an answer:
        nothing was learnt about any of the PMIDs. A response that includes a record that was not requested was meant
        for another request, so the PMIDs missing from it do not count as unknown. If NCBI refuses all ids because of
        some, or sends more than can be accepted, the batch is halved until the rest is answered; so is a batch whose
        response was complete but malformed twice.
        """
        asked = list(dict.fromkeys(pmids))
        if len(asked) > MOST_IDS:
            raise ValueError(f"{len(asked)} PMIDs are more than {MOST_IDS} in one request")
        possible = [pmid for pmid in asked if _may_be_a_pmid(pmid)]
        resolved: dict[str, Reference] = {}
        unknown = set(asked) - set(possible)
        broken: dict[str, TransientError] = {}
        rate_limit, counted = None, None
        for batch, answer in self._answers(possible):
            rate_limit, counted = answer.rate_limit, answer.counted
            if answer.broken:
                broken |= dict.fromkeys(batch, answer.broken)
                continue
            records = answer.records or {}
            resolved |= {pmid: records[pmid] for pmid in batch if pmid in records}
            if records.keys() <= set(batch):
                unknown |= set(batch) - set(records)
        if len(possible) > 1 and broken and not resolved and unknown.isdisjoint(possible):
            raise next(iter(broken.values()))  # no single record is the cause
        return Fetched(resolved, frozenset(unknown), rate_limit, counted, broken)

    def _answers(self, pmids: list[str]) -> Iterator[tuple[list[str], _Answer]]:
        """Yield the batch, or the parts that it had to be split into, with the answers.

        A broken batch is requested once more before it is split, because the cause may have been temporary. Its parts
        are split at once.
        """
        suspect: set[str] = set()
        batches, until = [pmids] if pmids else [], time.monotonic() + _SPLITTING
        while batches:
            batch = batches.pop()
            answer = self._ask(batch)
            if answer.broken and not suspect.issuperset(batch):
                suspect.update(batch)
                batches.append(batch)
            elif answer.records is not None or len(batch) == 1:
                suspect.difference_update(batch)
                yield batch, answer
            else:
                middle = len(batch) // 2
                batches += [batch[middle:], batch[:middle]]
            if batches and time.monotonic() > until:
                return
            if batches:
                self._service.pause()

    def _ask(self, pmids: Sequence[str]) -> _Answer:
        sent = self._clock()
        try:
            response = self._post(pmids)
        except PermanentError as error:
            if error.code == "response-too-large" and len(pmids) > 1:
                return _Answer(None)
            # Visible to those who can fix it (an address, a network that may not be reached); the PMIDs stay pending.
            raise TransientError(error.message, code=error.code, status=error.status) from error
        now = self._clock()
        limit = response.headers.get("X-RateLimit-Limit", "")
        counted = min(now, sent + dt.timedelta(seconds=_COUNTED))
        rate_limit = int(limit) if limit.isdecimal() else None
        try:
            records = read_efetch(response, now)
        except BrokenRecords as error:
            return _Answer(None, rate_limit, counted, error)
        if records and records.keys().isdisjoint(pmids):
            raise TransientError("NCBI gave no answer: its records are of other papers", code="not-data")
        return _Answer(records, rate_limit, counted)

    def _post(self, pmids: Sequence[str]) -> Response:
        form = {"db": "pubmed", "retmode": "xml", "id": ",".join(pmids)}
        return self._service.post("efetch.fcgi", form, self._limits, accept="application/xml, text/xml")


def _may_be_a_pmid(pmid: str) -> bool:
    """Return whether a text could be a PMID: a number from 1, without leading zeros, of eight digits at present."""
    return pmid.isascii() and pmid.isdigit() and len(pmid) <= 10 and pmid[0] != "0"
