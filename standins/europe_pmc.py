"""A stand-in for Europe PMC's RESTful search, over real HTTP.

    with EuropePmcStandin(papers_as_works()) as europe_pmc: europe_pmc.url, europe_pmc.misbehave("429")

It understands queries of the forms DOI:"…", EXT_ID:… AND SRC:MED, and PMCID:…, joined by OR. A work without a PMID is a
preprint (PPR).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from standins.misbehaviour import Answer
from standins.works import Notice, Work, WorksStandin, in_json

_TERM = re.compile(r'DOI:"((?:[^"\\]|\\.)*)"|\(EXT_ID:(\d+) AND SRC:MED\)|PMCID:(PMC\d+)')
_MOST_ROWS = 1000


class EuropePmcStandin(WorksStandin):
    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        if path != "/search":
            return Answer(404, "text/html", b"<html><body>Not Found</body></html>")
        asked = list(_TERM.finditer(params.get("query", "")))
        if not asked or params.get("format") != "json":
            return in_json({"version": "6.9", "errCode": 400, "errMsg": "Bad query"})
        found = self._found([(one[1], one[2], one[3]) for one in asked])
        listed = found[: min(int(params.get("pageSize", "25")), _MOST_ROWS)]
        results = [_result(number, work) for number, work in enumerate(listed)]
        return in_json({"version": "6.9", "hitCount": len(found), "resultList": {"result": results}})

    def _found(self, asked: Sequence[tuple[str | None, str | None, str | None]]) -> list[Work]:
        """Return the works with one of these DOIs, PMIDs or PMCIDs."""
        return [work for work in self.works if any(_is(work, *one) for one in asked)]


def _is(work: Work, doi: str | None, pmid: str | None, pmcid: str | None) -> bool:
    if doi is not None:
        return bool(work.doi) and work.doi.lower() == re.sub(r"\\(.)", r"\1", doi).lower()
    return bool((pmid and work.pmid == pmid) or (pmcid and work.pmcid.upper() == pmcid))


def _result(number: int, work: Work) -> dict[str, Any]:
    given = {"pmid": work.pmid, "pmcid": work.pmcid, "doi": work.doi, "title": work.title, "pageInfo": work.pages}
    info = {
        "volume": work.volume,
        "issue": work.issue,
        "journal": {"title": work.journal, "medlineAbbreviation": work.abbreviation},
        **({"yearOfPublication": int(work.year)} if work.year else {}),
    }
    people = [
        {"collectiveName": one.collective}
        if one.collective
        else {"lastName": one.last, "firstName": one.fore, "initials": one.initials}
        for one in work.authors
    ]
    links = [_link(notice, order) for order, notice in enumerate((*work.updated_by, *work.updates), 1)]
    free = [{"availabilityCode": "OA", "documentStyle": "html", "url": url} for url in work.free]
    return {
        "id": work.pmid or f"PPR{number}",
        "source": "MED" if work.pmid else "PPR",
        **{key: value for key, value in given.items() if value},
        "journalInfo": {key: value for key, value in info.items() if value},
        "authorList": {"author": people},
        "pubTypeList": {"pubType": list(work.types)},
        "isOpenAccess": "Y" if work.free else "N",
        **({"commentCorrectionList": {"commentCorrection": links}} if links else {}),
        **({"fullTextUrlList": {"fullTextUrl": free}} if free else {}),
    }


def _link(notice: Notice, order: int) -> dict[str, Any]:
    return {"id": notice.pmid, "source": "MED", "reference": notice.text, "type": notice.kind, "orderIn": order}
