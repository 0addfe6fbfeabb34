"""The PMC ID Converter: DOIs and PMCIDs → PMIDs, over HTTP.

It knows only what is in PubMed Central: that it has no PMID for a DOI does not say that PubMed has none.
Source: NCBI, "PMC ID Converter API" (https://pmc.ncbi.nlm.nih.gov/tools/id-converter-api/).
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http, Limits, Response
from pipeline.model.article import CitedWork
from pipeline.references.answers import failure_of

MOST_IDS = 200  # in one request
_MOST_CHARACTERS = 3_000  # of the ids in an address, which is asked for by GET
_SPACING = 0.34  # seconds between requests
_LIMITS = Limits(connect=5.0, read=10.0, total=20.0, max_bytes=2_000_000)


@dataclass(frozen=True)
class Converted:
    """`pmids`: those that have one. `unknown`: the converter answered, and knows none."""

    pmids: Mapping[CitedWork, str]
    unknown: frozenset[CitedWork]


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
        """At most 200 works of the schemes `doi` and `pmcid`; more, and other schemes, raise ValueError.

        Raises TransientError, as `Eutils.fetch`. A DOI with a comma cannot be asked for, and is unknown.
        """
        asked = list(dict.fromkeys(works))
        if len(asked) > MOST_IDS or any(work.scheme not in ("doi", "pmcid") for work in asked):
            raise ValueError(f"at most {MOST_IDS} DOIs and PMCIDs can be converted at once")
        pmids: dict[CitedWork, str] = {}
        batches = list(_batches([work for work in asked if "," not in work.value]))
        while batches:
            batch = batches.pop()
            found = self._ask(batch)
            if found is None and len(batch) > 1:
                middle = len(batch) // 2
                batches += [batch[middle:], batch[:middle]]
            pmids |= {work: found[work.value.lower()] for work in batch if found and work.value.lower() in found}
            if batches:
                self._sleep(_SPACING)
        return Converted(pmids, frozenset(asked) - set(pmids))

    def _ask(self, batch: Sequence[CitedWork]) -> dict[str, str] | None:
        """PMIDs by the lower-case id asked for; None where the converter holds an id among these to be none."""
        form = {"ids": ",".join(work.value for work in batch), "idtype": batch[0].scheme, "format": "json", **self._who}
        query = urlencode({name: value for name, value in form.items() if value}, safe=",/")
        try:
            response = self._http.request("GET", f"{self._url}?{query}", limits=self._limits)
        except PermanentError as error:
            raise TransientError(error.message, code=error.code, status=error.status) from error
        return read_conversion(response, dt.datetime.now(dt.UTC))


def _batches(works: Sequence[CitedWork]) -> Iterator[list[CitedWork]]:
    """Of one scheme each, as the converter wants it, and short enough for an address."""
    for scheme in ("doi", "pmcid"):
        batch: list[CitedWork] = []
        for work in (work for work in works if work.scheme == scheme):
            if batch and sum(len(one.value) + 1 for one in (*batch, work)) > _MOST_CHARACTERS:
                yield batch
                batch = []
            batch.append(work)
        if batch:
            yield batch


def read_conversion(response: Response, now: dt.datetime) -> dict[str, str] | None:
    """PMIDs by the id asked for and by every other id of the same record, in lower case.

    None: the converter refused the request for an id in it (400, `{"status": "error"}`, naming an id).
    Raises TransientError (the codes of `answers.read_efetch`) for what is no answer.
    """
    answer = _decoded(response.body)
    records = answer.get("records")
    if response.status == 400 and answer.get("status") == "error" and " id" in f" {answer.get('message', '')}".lower():
        return None
    if response.status != 200 or answer.get("status") != "ok" or not isinstance(records, list):
        raise failure_of(response, now)
    found: dict[str, str] = {}
    for record in records:
        pmid = str(record.get("pmid", "")) if isinstance(record, dict) and record.get("status") != "error" else ""
        if pmid.isascii() and pmid.isdigit():
            ids = (record.get(name) for name in ("requested-id", "doi", "pmcid"))
            found |= {str(one).lower(): pmid for one in ids if one}
    return found


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
