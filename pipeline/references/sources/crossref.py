"""Crossref's REST API: works by DOI, many to a request, and what `updated-by` says was done to them.

`updated-by` belongs to the paper, `update-to` to the notice that changed it; read as the former, the latter would make
every retraction notice look retracted. A comma separates filters, so a DOI with a comma is asked for alone.
Source: https://api.crossref.org/swagger-ui/, and Crossref's pages "Metadata Retrieval" and "Retraction Watch data".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from pipeline.http import Http, Response
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, PartialDate
from pipeline.references.json_answers import decoded, failure_of, get, items, read_object, table, text
from pipeline.references.source import Caller, LookedUp, Source, SourceRecord, Verdict, batches, checked
from pipeline.references.titles_in_html import plain_title

_MOST = 100
_CHARACTERS = 6_000  # of the filter in an address
_SPACING = 0.4  # seconds between the requests of one look-up: under the three lists a second of the polite pool
_SELECT = (
    "DOI", "type", "title", "author", "editor", "container-title", "short-container-title", "ISSN", "publisher",
    "issued", "volume", "issue", "page", "article-number", "updated-by", "update-to",
)  # fmt: skip
_NOT_FOUND = b"resource not found"
_INTERVAL = re.compile(r"(\d{1,4})s?")


class Crossref:
    """One service behind one address, such as "https://api.crossref.org/"."""

    def __init__(self, http: Http, base_url: str, caller: Caller) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/works"
        self._caller = caller
        self._who = {"mailto": caller.email} if caller.email else {}

    def look_up(self, works: Sequence[CitedWork]) -> LookedUp:
        asked = checked(SOURCE, works)
        listed = [work for work in asked if "," not in work.value]
        alone = [[work] for work in asked if "," in work.value]
        waiting = list(batches(listed, characters=_CHARACTERS, term=lambda work: f"{_term(work)},"))[::-1] + alone
        records: dict[CitedWork, SourceRecord] = {}
        unknown: set[CitedWork] = set()
        spacing = _SPACING
        while waiting:
            batch = waiting.pop()
            response = self._ask(batch)
            if response.status == 400 and len(batch) > 1:  # one of them cannot be filtered by
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
            else:
                found, absent = _read(response, batch)
                records |= found
                unknown |= absent
            spacing = max(spacing, _stated_spacing(response) or 0.0)
            if waiting:
                self._caller.sleep(spacing)
        return LookedUp(records, frozenset(unknown), spacing)

    def _ask(self, batch: Sequence[CitedWork]) -> Response:
        if len(batch) == 1:
            query = urlencode(self._who)
            return self._get(f"/{quote(batch[0].value, safe='')}{'?' if query else ''}{query}")
        asked = {"filter": ",".join(map(_term, batch)), "rows": str(len(batch))}
        return self._get(f"?{urlencode({**asked, 'select': ','.join(_SELECT), **self._who})}")

    def _get(self, rest: str) -> Response:
        return get(self._http, f"{self._url}{rest}", limits=self._caller.limits)


def _term(work: CitedWork) -> str:
    return f"doi:{work.value}"


def _read(response: Response, batch: Sequence[CitedWork]) -> tuple[dict[CitedWork, SourceRecord], set[CitedWork]]:
    """Return the records of a batch, and the works that Crossref says it does not have."""
    now = dt.datetime.now(dt.UTC)
    if len(batch) == 1 and response.status == 404 and _says_not_found(response.body):
        return {}, set(batch)
    answer = read_object(response, SOURCE.label, now)
    message, kind = table(answer.get("message")), answer.get("message-type")
    if answer.get("status") != "ok" or kind != ("work" if len(batch) == 1 else "work-list"):
        raise failure_of(response, SOURCE.label, now)
    listed = [message] if len(batch) == 1 else items(message.get("items"))
    if len(batch) > 1 and not isinstance(message.get("items"), list):
        raise failure_of(response, SOURCE.label, now)
    by_doi = {str(item.get("DOI", "")).lower(): item for item in listed}
    records = {work: read_work(by_doi[work.value]) for work in batch if work.value in by_doi}
    complete = message.get("total-results") == len(listed) and by_doi.keys() <= {work.value for work in batch}
    absent = {work for work in batch if work not in records} if complete and len(batch) > 1 else set[CitedWork]()
    return records, absent


def _says_not_found(body: bytes) -> bool:
    return _NOT_FOUND in body[:200].lower() and decoded(body) is None


def _stated_spacing(response: Response) -> float | None:
    """Return the seconds between two requests that the headers ask for."""
    limit = response.headers.get("x-rate-limit-limit", "")
    interval = _INTERVAL.fullmatch(response.headers.get("x-rate-limit-interval", "").strip())
    return int(interval[1]) / int(limit) if interval and limit.isdecimal() and int(limit) else None


def read_work(item: Mapping[str, Any]) -> SourceRecord:
    """Return a work of Crossref. Whatever is missing or has another shape is left out."""
    return SourceRecord(
        doi=(text(item.get("DOI")) or "").lower() or None,
        title=plain_title(_first(item.get("title"))),
        authors=tuple(_authors(item.get("author")) or _authors(item.get("editor"))),
        journal=plain_title(_first(item.get("container-title"))),
        journal_abbreviation=plain_title(_first(item.get("short-container-title"))),
        issn=_first(item.get("ISSN")),
        publisher=text(item.get("publisher")),
        date=_date(item.get("issued")),
        volume=text(item.get("volume")),
        issue=text(item.get("issue")),
        pages=text(item.get("page")) or text(item.get("article-number")),
        types=tuple(filter(None, [text(item.get("type"))])),
        verdicts=tuple(_updates(item.get("updated-by"))),
        updates=tuple(_updates(item.get("update-to"))),
    )


def _first(value: object) -> str | None:
    return text(value[0]) if isinstance(value, list) and value else None


def _authors(value: object) -> Iterator[Author]:
    for one in items(value):
        if family := text(one.get("family")):
            yield Author(last=family, fore=text(one.get("given")), suffix=text(one.get("suffix")))
        elif name := text(one.get("name")):
            yield Author(collective=name)


def _updates(value: object) -> Iterator[Verdict]:
    for one in items(value):
        if kind := text(one.get("type")):
            yield Verdict(
                kind=kind,
                notice_doi=(text(one.get("DOI")) or "").lower() or None,
                date=_date(one.get("updated")),
                reported_by=text(one.get("source")),
                record_id=text(one.get("record-id")),
            )


def _date(value: object) -> PartialDate | None:
    """Return a date of one to three numbers: `{"date-parts": [[1998, 2]]}`."""
    parts = table(value).get("date-parts")
    numbers = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], list) else []
    if not numbers or not all(isinstance(one, int) and not isinstance(one, bool) for one in numbers):
        return None
    year, month, day = (*numbers, None, None)[:3]
    if not 1 <= year <= 9999:
        return None
    return PartialDate(
        year=year, month=month if month in range(1, 13) else None, day=day if day in range(1, 32) else None
    )


SOURCE = Source("crossref", "Crossref", "https://api.crossref.org/", frozenset({"doi"}), _MOST, 2, Crossref)
