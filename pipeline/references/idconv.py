"""The PMC ID Converter: DOIs and PMCIDs → PMIDs, over HTTP.

It covers only PubMed Central: a DOI that it has no PMID for may still have one in PubMed.
Source: NCBI, "PMC ID Converter API" (https://pmc.ncbi.nlm.nih.gov/tools/id-converter-api/).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, Limits, Response
from pipeline.model.article import CitedWork
from pipeline.references.json_answers import decoded
from pipeline.references.pubmed.answers import failure_of

MOST_IDS = 200  # in one request
_MOST_CHARACTERS = 3_000  # of the ids in a request's URL
_SPACING = 1.02  # seconds between the requests of one conversion, whose permit allows one per second
_SPLITTING = 40.0  # seconds after which the remaining ids are returned unanswered
_LIMITS = Limits(connect=5.0, read=10.0, total=20.0, max_bytes=2_000_000)


@dataclass(frozen=True)
class Converted:
    """The PMIDs found, and the works (`unknown`) that the converter has none for.

    Works in neither were not answered. `rate_limit` is in requests per second, if the converter stated one.
    """

    pmids: Mapping[CitedWork, str]
    unknown: frozenset[CitedWork]
    rate_limit: int | None = None


@dataclass(frozen=True)
class Conversion:
    """One response, keyed by lower-case id: the PMIDs, and the ids that have none."""

    pmids: Mapping[str, str]
    without: frozenset[str] = frozenset()


class IdConverter:
    """One service behind one address, `base_url` in full (".../tools/idconv/api/v1/articles/")."""

    def __init__(
        self,
        http: Http,
        *,
        base_url: str,
        tool: str,
        email: str | None,
        limits: Limits = _LIMITS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = http
        self._url = base_url
        self._who = {"tool": tool, "email": email}
        self._limits = limits
        self._sleep = sleep

    def convert(self, works: Sequence[CitedWork]) -> Converted:
        """Convert at most 200 DOIs and PMCIDs; more works, or other schemes, raise ValueError.

        Raises TransientError, as `Eutils.fetch` does. A DOI with a comma cannot be queried and counts as unknown.
        DOIs and PMCIDs are sent in separate requests, a second apart.
        """
        asked = list(dict.fromkeys(works))
        if len(asked) > MOST_IDS or any(work.scheme not in ("doi", "pmcid") for work in asked):
            raise ValueError(f"at most {MOST_IDS} DOIs and PMCIDs can be converted at once")
        pmids: dict[CitedWork, str] = {}
        unknown = {work for work in asked if "," in work.value}
        batches, until = list(_batches([work for work in asked if work not in unknown])), time.monotonic() + _SPLITTING
        while batches:
            batch = batches.pop()
            found = self._ask(batch)
            if found is not None:
                pmids |= {work: found.pmids[_id(work)] for work in batch if _id(work) in found.pmids}
                unknown |= {work for work in batch if _id(work) in found.without}
            elif len(batch) == 1:
                unknown.add(batch[0])
            else:
                middle = len(batch) // 2
                batches += [batch[middle:], batch[:middle]]
            if batches and time.monotonic() > until:
                break
            if batches:
                self._sleep(_SPACING)
        return Converted(pmids, frozenset(unknown - set(pmids)))

    def _ask(self, batch: Sequence[CitedWork]) -> Conversion | None:
        """Send one request; return None if the converter rejects one of the ids as malformed."""
        form = {"ids": ",".join(work.value for work in batch), "idtype": batch[0].scheme, "format": "json", **self._who}
        query = urlencode({name: value for name, value in form.items() if value}, safe=",/")
        try:
            response = self._http.request("GET", f"{self._url}?{query}", limits=self._limits)
        except PermanentError as error:
            raise TransientError(error.message, code=error.code, status=error.status) from error
        return read_conversion(response, dt.datetime.now(dt.UTC))


def _batches(works: Sequence[CitedWork]) -> Iterator[list[CitedWork]]:
    """Group works by scheme, as the converter requires, in batches short enough for a URL."""
    for scheme in ("doi", "pmcid"):
        batch: list[CitedWork] = []
        for work in (work for work in works if work.scheme == scheme):
            if batch and sum(len(one.value) + 1 for one in (*batch, work)) > _MOST_CHARACTERS:
                yield batch
                batch = []
            batch.append(work)
        if batch:
            yield batch


def read_conversion(response: Response, now: dt.datetime) -> Conversion | None:
    """Read PMIDs by requested id, or by all of a record's ids if it does not say which was requested.

    Returns None if the converter rejected the request for one of its ids (400, `{"status": "error"}`, naming the id).
    Raises TransientError, with the codes of `answers.read_efetch`, for any other response that is not an answer.
    """
    answer = decoded(response.body) or {}
    records = answer.get("records")
    if response.status == 400 and answer.get("status") == "error" and " id" in f" {answer.get('message', '')}".lower():
        return None
    if response.status != 200 or answer.get("status") != "ok" or not isinstance(records, list):
        raise failure_of(response, now)
    found: dict[str, str] = {}
    without: set[str] = set()
    for record in records:
        if not isinstance(record, dict):
            continue
        pmid = "" if record.get("status") == "error" else str(record.get("pmid", ""))
        asked = (record["requested-id"],) if record.get("requested-id") else map(record.get, ("doi", "pmcid"))
        ids = {str(one).lower() for one in asked if one}
        if pmid.isascii() and pmid.isdigit():
            found |= dict.fromkeys(ids, pmid)
        else:
            without |= ids
    return Conversion(found, frozenset(without - set(found)))


def _id(work: CitedWork) -> str:
    return work.value.lower()
