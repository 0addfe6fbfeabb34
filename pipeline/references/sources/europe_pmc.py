"""Europe PMC's RESTful search: works by DOI, PMID or PMCID, with their editorial links and free full text.

It knows all of PubMed, and preprints that PubMed does not have. A comment on a paper is nothing done to it.
Source: https://europepmc.org/RestfulWebService.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from pipeline.http import Http, Response
from pipeline.model.article import CitedWork
from pipeline.model.reference import Author, PartialDate
from pipeline.references.json_answers import failure_of, get, items, read_object, table, text
from pipeline.references.source import Caller, LookedUp, Source, SourceRecord, Verdict, batches, checked
from pipeline.references.titles_in_html import plain_title

_MOST = 100
_CHARACTERS = 5_000  # of the query in an address
_SPACING = 0.2  # seconds between the requests of one look-up
_OR = " OR "
_ROWS = 4  # results asked for each work: a DOI may belong to a preprint and its copy in PubMed
_OF_ANOTHER = re.compile(r"(?:retraction|partial retraction|expression of concern|erratum|correction) (?:of|for)", re.I)
_DONE_TO_IT = re.compile(r"(?!comment|cites|dataset).* in", re.I)
_ISO_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")
_FREE = frozenset({"OA", "F"})  # open access, free


class EuropePmc:
    """One service behind one address, such as "https://www.ebi.ac.uk/europepmc/webservices/rest/"."""

    def __init__(self, http: Http, base_url: str, caller: Caller) -> None:
        self._http = http
        self._url = f"{base_url.rstrip('/')}/search"
        self._caller = caller
        self._who = {"email": caller.email} if caller.email else {}

    def look_up(self, works: Sequence[CitedWork]) -> LookedUp:
        asked = checked(SOURCE, works)
        records: dict[CitedWork, SourceRecord] = {}
        unknown: set[CitedWork] = set()
        for number, batch in enumerate(batches(asked, characters=_CHARACTERS, term=lambda work: _OR + _term(work))):
            if number:
                self._caller.sleep(_SPACING)
            found, absent = _read(self._ask(batch), batch)
            records |= found
            unknown |= absent
        return LookedUp(records, frozenset(unknown), _SPACING)

    def _ask(self, batch: Sequence[CitedWork]) -> Response:
        asked = {
            "query": _OR.join(map(_term, batch)),
            "resultType": "core",
            "format": "json",
            "pageSize": str(_ROWS * len(batch)),
        }
        return get(self._http, f"{self._url}?{urlencode({**asked, **self._who})}", limits=self._caller.limits)


def _term(work: CitedWork) -> str:
    match work.scheme:
        case "pmid":
            return f"(EXT_ID:{work.value} AND SRC:MED)"
        case "pmcid":
            return f"PMCID:{work.value}"
        case _:
            quoted = work.value.replace("\\", "\\\\").replace('"', '\\"')
            return f'DOI:"{quoted}"'


def _read(response: Response, batch: Sequence[CitedWork]) -> tuple[dict[CitedWork, SourceRecord], set[CitedWork]]:
    """Return the records of a batch, and the works that Europe PMC says it does not have."""
    now = dt.datetime.now(dt.UTC)
    answer = read_object(response, SOURCE.label, now)
    listed, hits = table(answer.get("resultList")).get("result"), answer.get("hitCount")
    if not isinstance(listed, list) or not isinstance(hits, int):
        raise failure_of(response, SOURCE.label, now)
    by_id: dict[CitedWork, Mapping[str, Any]] = {}
    for result in sorted(items(listed), key=lambda one: one.get("source") != "MED"):
        for work in _ids(result):
            by_id.setdefault(work, result)
    records = {work: read_result(by_id[work]) for work in batch if work in by_id}
    complete = hits == len(listed)
    return records, {work for work in batch if work not in records} if complete else set()


def _ids(result: Mapping[str, Any]) -> Iterator[CitedWork]:
    """Yield a result's own identifiers."""
    if doi := text(result.get("doi")):
        yield CitedWork("doi", doi.lower())
    if pmid := text(result.get("pmid")):
        yield CitedWork("pmid", pmid)
    if pmcid := text(result.get("pmcid")):
        yield CitedWork("pmcid", pmcid.upper())


def read_result(result: Mapping[str, Any]) -> SourceRecord:
    """Return a result of Europe PMC. Whatever is missing or has another shape is left out."""
    info = table(result.get("journalInfo"))
    journal = table(info.get("journal"))
    book = table(result.get("bookOrReportDetails"))
    links = list(_links(result))
    return SourceRecord(
        pmid=text(result.get("pmid")),
        pmcid=text(result.get("pmcid")),
        doi=(text(result.get("doi")) or "").lower() or None,
        title=plain_title(text(result.get("title"))),
        authors=tuple(_authors(result)),
        journal=plain_title(text(journal.get("title"))),
        journal_abbreviation=text(journal.get("medlineAbbreviation")),
        issn=text(journal.get("issn")) or text(journal.get("essn")),
        publisher=text(book.get("publisher")),
        date=_date(info, result),
        volume=text(info.get("volume")),
        issue=text(info.get("issue")),
        pages=text(result.get("pageInfo")),
        types=_texts(table(result.get("pubTypeList")).get("pubType")),
        verdicts=tuple([link for link in links if _DONE_TO_IT.fullmatch(link.kind)]),
        updates=tuple([link for link in links if _OF_ANOTHER.fullmatch(link.kind)]),
        open_access={"Y": True, "N": False}.get(str(result.get("isOpenAccess"))),
        full_text=tuple(_full_text(result)),
    )


def _texts(value: object) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    return tuple([found for one in listed if (found := text(one))])


def _authors(result: Mapping[str, Any]) -> Iterator[Author]:
    for one in items(table(result.get("authorList")).get("author")):
        if last := text(one.get("lastName")):
            yield Author(last=last, fore=text(one.get("firstName")), initials=text(one.get("initials")))
        elif group := text(one.get("collectiveName")) or text(one.get("fullName")):
            yield Author(collective=group)


def _links(result: Mapping[str, Any]) -> Iterator[Verdict]:
    for one in items(table(result.get("commentCorrectionList")).get("commentCorrection")):
        if kind := text(one.get("type")):
            pmid = text(one.get("id")) if one.get("source") == "MED" else None
            yield Verdict(kind=kind, notice_pmid=pmid, text=text(one.get("reference")))


def _date(info: Mapping[str, Any], result: Mapping[str, Any]) -> PartialDate | None:
    year, month = info.get("yearOfPublication"), info.get("monthOfPublication")
    if isinstance(year, int) and 1 <= year <= 9999:
        return PartialDate(year=year, month=month if isinstance(month, int) and month in range(1, 13) else None)
    given = text(result.get("firstPublicationDate")) or text(result.get("pubYear")) or ""
    found = _ISO_DATE.fullmatch(given)
    if found is None:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    return PartialDate(year=year, month=month, day=day)


def _full_text(result: Mapping[str, Any]) -> Iterator[str]:
    for one in items(table(result.get("fullTextUrlList")).get("fullTextUrl")):
        address = text(one.get("url"))
        if one.get("availabilityCode") in _FREE and address and address.startswith(("https://", "http://")):
            yield address


SOURCE = Source(
    "europe_pmc",
    "Europe PMC",
    "https://www.ebi.ac.uk/europepmc/webservices/rest/",
    frozenset({"doi", "pmid", "pmcid"}),
    _MOST,
    1,
    EuropePmc,
)
