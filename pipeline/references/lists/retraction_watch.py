"""Retraction Watch's database, as Crossref publishes it: one CSV a day for all papers.

A missing identifier is empty, "0" or "unavailable". `Reason` is a list of set phrases: "+Error in Data;+Plagiarism;".
Source: https://www.crossref.org/documentation/retrieve-metadata/retraction-watch/ and the file's own README.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from pipeline.errors import TransientError
from pipeline.model.reference import EditorialState, ListedVerdict, SourceVerdict
from pipeline.references.published_list import PublishedList

NAME = "retraction_watch"
_COLUMNS = frozenset(
    {
        "Record ID",
        "OriginalPaperPubMedID",
        "OriginalPaperDOI",
        "RetractionPubMedID",
        "RetractionDOI",
        "RetractionDate",
        "RetractionNature",
        "Reason",
    }
)
_NATURES: Mapping[str, EditorialState] = {
    "retraction": "retracted",
    "expression of concern": "concern",
    "correction": "erratum",
    "reinstatement": "reinstated",
}
_REPLACED = "retract and replace"
_PMID = re.compile(r"0*([1-9]\d{0,9})(?:\.0)?")
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_LONGEST_FIELD = 1_000_000  # characters
_MOST_UNREADABLE = 0.01  # of the rows


def read(file: Path) -> Generator[ListedVerdict]:
    """Yield the rows that name a paper. Raises TransientError for another file, or one with many unreadable rows."""
    csv.field_size_limit(_LONGEST_FIELD)
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        try:
            rows = csv.DictReader(text)
            if absent := _COLUMNS.difference(rows.fieldnames or ()):
                missing = ", ".join(sorted(absent))
                raise TransientError(f"Retraction Watch's list has no {missing}", code="not-data")
            yield from _rows(rows)
        except csv.Error as error:
            raise TransientError(f"Retraction Watch's list is not CSV: {error}", code="not-data") from error


def _rows(rows: csv.DictReader[str]) -> Iterator[ListedVerdict]:
    read_rows = unreadable = 0
    for row in rows:
        read_rows += 1
        if None in row or None in row.values() or not row["Record ID"].strip().isdigit():
            unreadable += 1
        elif found := _verdict(row):
            yield found
    if not read_rows or unreadable > read_rows * _MOST_UNREADABLE:
        raise TransientError(
            f"{unreadable} of {read_rows} rows of Retraction Watch's list are unreadable", code="not-data"
        )


def _verdict(row: Mapping[str, str]) -> ListedVerdict | None:
    """Return None for a row without a paper's identifier, or of a nature that says nothing of its standing."""
    pmid, doi = _pmid(row["OriginalPaperPubMedID"]), _doi(row["OriginalPaperDOI"])
    state = _NATURES.get(row["RetractionNature"].strip().lower())
    if state is None or not (pmid or doi):
        return None
    reasons = tuple(reason for one in row["Reason"].split(";") if (reason := one.strip().lstrip("+").strip()))
    if state == "retracted" and any(reason.lower() == _REPLACED for reason in reasons):
        state = "retracted-republished"
    verdict = SourceVerdict(
        source=NAME,
        state=state,
        date=_date(row["RetractionDate"]),
        notice_pmid=_pmid(row["RetractionPubMedID"]),
        notice_doi=_doi(row["RetractionDOI"]),
        reasons=reasons,
    )
    return ListedVerdict(id=row["Record ID"].strip(), pmid=pmid, doi=doi, verdict=verdict)


def _pmid(value: str) -> str | None:
    match = _PMID.fullmatch(value.strip())
    return match[1] if match else None


def _doi(value: str) -> str | None:
    match = _DOI.fullmatch(value.strip())
    return match[1].lower() if match else None


def _date(value: str) -> str | None:
    if match := _AMERICAN.match(value.strip()):
        return f"{match[3]}-{int(match[1]):02}-{int(match[2]):02}"
    match = _ISO.match(value.strip())
    return match[0] if match else None


LIST = PublishedList(
    NAME,
    "Retraction Watch",
    "https://gitlab.com/crossref/retraction-watch-data/-/raw/main/retraction_watch.csv",
    read,
)
