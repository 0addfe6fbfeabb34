"""A stand-in for Crossref's REST API (/works), over real HTTP.

    with CrossrefStandin(papers_as_works()) as crossref: crossref.url, crossref.misbehave("503"), crossref.requests

Like Crossref it splits `filter` at its commas, so that a DOI with a comma breaks it, and puts `updated-by` on the paper
and `update-to` on the notice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from standins.misbehaviour import Answer
from standins.works import Notice, Work, WorksStandin, in_json

_RATE = {"x-rate-limit-limit": "10", "x-rate-limit-interval": "1s", "x-api-pool": "polite"}
_MOST_ROWS = 1000


class CrossrefStandin(WorksStandin):
    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        if path == "/works":
            return self._listed(params)
        if path.startswith("/works/"):
            return self._one(unquote(path.removeprefix("/works/")))
        return Answer(404, "text/plain", b"Resource not found.")

    def _one(self, doi: str) -> Answer:
        work = self._with(doi)
        if work is None:
            return Answer(404, "text/plain", b"Resource not found.")
        answer = {"status": "ok", "message-type": "work", "message-version": "1.0.0", "message": _item(work)}
        return in_json(answer, headers=_RATE)

    def _listed(self, params: Mapping[str, str]) -> Answer:
        filters = params.get("filter", "").split(",")
        if not all(one.startswith("doi:10.") for one in filters):
            mistake = {"type": "filter-not-available", "value": filters[-1], "message": "Filter is not available"}
            return in_json({"status": "failed", "message-type": "validation-failure", "message": [mistake]}, status=400)
        found = [work for one in filters if (work := self._with(one.removeprefix("doi:")))]
        listed = found[: min(int(params.get("rows", "20")), _MOST_ROWS)]
        keys = params["select"].split(",") if "select" in params else None
        message = {"total-results": len(found), "items": [_selected(_item(work), keys) for work in listed[::-1]]}
        return in_json({"status": "ok", "message-type": "work-list", "message": message}, headers=_RATE)

    def _with(self, doi: str) -> Work | None:
        return next((work for work in self.works if work.doi and work.doi.lower() == doi.lower()), None)


def _item(work: Work) -> dict[str, Any]:
    people = [
        {"name": one.collective} if one.collective else {"family": one.last, "given": one.fore or one.initials}
        for one in work.authors
    ]
    return {
        "DOI": work.doi,
        "type": (work.types or ("journal-article",))[0],
        "title": [work.title] if work.title else [],
        "author": people,
        "container-title": [work.journal] if work.journal else [],
        "short-container-title": [work.abbreviation] if work.abbreviation else [],
        "issued": {"date-parts": [[int(work.year) if work.year else None]]},
        **{
            key: value for key, value in (("volume", work.volume), ("issue", work.issue), ("page", work.pages)) if value
        },
        **({"updated-by": list(map(_update, work.updated_by))} if work.updated_by else {}),
        **({"update-to": list(map(_update, work.updates))} if work.updates else {}),
    }


def _update(notice: Notice) -> dict[str, Any]:
    date = {"updated": {"date-parts": [[int(part) for part in notice.date.split("-")]]}} if notice.date else {}
    return {"DOI": notice.doi, "type": notice.kind, "label": notice.kind, "source": notice.reported_by, **date}


def _selected(item: dict[str, Any], keys: Sequence[str] | None) -> dict[str, Any]:
    return item if keys is None else {key: value for key, value in item.items() if key in keys}
