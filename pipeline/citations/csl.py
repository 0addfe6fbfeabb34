"""A reference as CSL-JSON, for partners who format citations themselves.

Source: the CSL 1.0.2 data schema (csl-data.json) and the variables of the CSL specification, appendix IV.
"""

from __future__ import annotations

from typing import Any

from pipeline.citations.editorial import superseded_by
from pipeline.citations.languages import language_tag
from pipeline.citations.links import pmc_url, record_url
from pipeline.citations.names import initials
from pipeline.citations.pages import full_pages
from pipeline.citations.parts import title_text
from pipeline.citations.weight import weight_of
from pipeline.model.reference import Author, PartialDate, Reference

_SEASONS = {"spring": 1, "summer": 2, "autumn": 3, "fall": 3, "winter": 4}


def citation_csl(reference: Reference) -> dict[str, Any]:
    """Return an item of a CSL-JSON array. `custom` has what is known of it as evidence, in the model's words."""
    item: dict[str, Any] = {
        "id": f"pmid:{reference.pmid}" if reference.pmid else f"doi:{reference.doi}",
        "type": _type(reference),
        "genre": "preprint" if "preprint" in reference.editorial else None,
        "title": title_text(reference).removesuffix("."),
        "original-title": reference.vernacular_title,
        "author": [_name(author) for author in reference.authors],
        "editor": [_name(editor) for editor in reference.editors],
        "container-title": None if _is_whole_book(reference) else reference.book_title or reference.journal,
        "container-title-short": reference.journal_abbreviation,
        "publisher": reference.publisher,
        "publisher-place": reference.place,
        "chapter-number": reference.chapter,
        "issued": _date(reference.date or reference.electronic_date),
        "volume": reference.volume,
        "issue": reference.issue,
        "page": full_pages(reference.pages or ""),
        "ISSN": reference.issn,
        "DOI": reference.doi,
        "PMID": reference.pmid,
        "PMCID": reference.pmcid,
        "URL": record_url(reference),
        "language": language_tag(reference.languages),
        "status": "retracted" if reference.retracted else None,
        "custom": _evidence(reference),
    }
    return {key: value for key, value in item.items() if value}


def _evidence(reference: Reference) -> dict[str, Any]:
    known: dict[str, Any] = {
        "editorial": list(reference.editorial),
        "weight": weight_of(reference.types),
        "superseded-by": list(superseded_by(reference)),
        "free-full-text": pmc_url(reference.pmcid) if reference.pmcid else None,
    }
    return {name: value for name, value in known.items() if value}


def _is_whole_book(reference: Reference) -> bool:
    return reference.book_title is not None and reference.title == reference.book_title


def _type(reference: Reference) -> str:
    if reference.book_title is not None:
        return "book" if _is_whole_book(reference) else "chapter"
    return "article" if "preprint" in reference.editorial else "article-journal"


def _name(author: Author) -> dict[str, str]:
    if author.collective or not (author.fore or author.initials):
        return {"literal": author.collective or author.last or ""}
    name = {"family": author.last, "given": author.fore or initials(author), "suffix": author.suffix}
    return {key: value for key, value in name.items() if value}


def _date(date: PartialDate | None) -> dict[str, Any] | None:
    if date is None:
        return None
    issued: dict[str, Any] = {}
    if date.year:
        parts = [date.year, *([date.month, *([date.day] if date.day else [])] if date.month else [])]
        issued["date-parts"] = [parts]
    if date.season:
        issued["season"] = _SEASONS.get(date.season.lower(), date.season)
    if date.text:
        issued["literal"] = date.text
    return issued
