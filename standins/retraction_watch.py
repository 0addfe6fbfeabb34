"""A stand-in for Retraction Watch's list as Crossref publishes it: one CSV with an ETag, over real HTTP.

with RetractionWatchStandin([Row(pmid="9500320", notice_pmid="20137807")]) as watch: watch.url, watch.misbehave("cut")
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import replace

import msgspec

from standins.misbehaviour import SOURCE_FAULTS, Answer
from standins.serving import Standin

_COLUMNS = (
    "Record ID", "Title", "Subject", "Institution", "Journal", "Publisher", "Country", "Author", "URLS", "ArticleType",
    "RetractionDate", "RetractionDOI", "RetractionPubMedID", "OriginalPaperDate", "OriginalPaperDOI",
    "OriginalPaperPubMedID", "RetractionNature", "Reason", "Paywalled", "Notes",
)  # fmt: skip


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the list; `nature` in the list's own word, `date` as "3/2/2026 0:00"."""

    pmid: str = "0"
    doi: str = ""
    nature: str = "Retraction"
    date: str = "3/2/2026 0:00"
    notice_pmid: str = "0"
    notice_doi: str = "unavailable"
    reason: str = "+Error in Data;+Investigation by Journal/Publisher;"


FAULTS = {
    **SOURCE_FAULTS,
    "other-columns": lambda good: replace(good, body=good.body.replace(b"OriginalPaperPubMedID", b"PaperPMID")),
    "half": lambda good: replace(good, body=good.body[: len(good.body) // 2].rpartition(b"\r\n")[0] + b"\r\n"),
}
"""`half`: half of the list's rows, in a complete answer."""


class RetractionWatchStandin(Standin):
    faults = FAULTS

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        super().__init__()
        self.rows = list(rows)
        self.requests: list[int] = []  # the statuses of the answers

    @property
    def url(self) -> str:
        return f"{self.root}/retraction_watch.csv"

    def _respond(self, method: str, path: str, params: Mapping[str, str], body: bytes, length: int) -> Answer:
        with self._lock:
            content = self._csv()
            etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            good = Answer(200, "text/csv", content, {"ETag": etag})
            answer = self._conduct.apply(good, path)
            self.requests.append(answer.status)
        return answer

    def _csv(self) -> bytes:
        return as_csv(self.rows)


def as_csv(rows: Iterable[Row], *, first: int = 1, header: bool = True) -> bytes:
    """Write rows as the list does. `first`: the id of the first of them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS)
    if header:
        writer.writeheader()
    for number, row in enumerate(rows, start=first):
        writer.writerow(
            {
                **dict.fromkeys(_COLUMNS, ""),
                "Record ID": str(number),
                "Title": 'A title, "quoted",\nover two lines',
                "OriginalPaperPubMedID": row.pmid,
                "OriginalPaperDOI": row.doi,
                "RetractionPubMedID": row.notice_pmid,
                "RetractionDOI": row.notice_doi,
                "RetractionDate": row.date,
                "RetractionNature": row.nature,
                "Reason": row.reason,
            }
        )
    return text.getvalue().encode()
