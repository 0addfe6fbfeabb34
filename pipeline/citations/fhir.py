"""A reference as a FHIR R5 Citation, for systems that manage clinical knowledge. Pure.

Source: https://hl7.org/fhir/R5/citation.html, and the code systems that it binds.
"""

from __future__ import annotations

from typing import Any

from pipeline.citations.editorial import editorial_labels, editorial_notice, superseded_by
from pipeline.citations.links import doi_url, pmc_url, pubmed_url
from pipeline.citations.parts import title_text
from pipeline.model.reference import TAKEN_BACK, Author, PartialDate, Reference

Json = dict[str, Any]

_STATUS = "http://hl7.org/fhir/cited-artifact-status-type"
_CLASSIFICATION = "http://hl7.org/fhir/cited-artifact-classification-type"


def citation_fhir(reference: Reference, *, address: str, publisher: str) -> Json:
    """Return the Citation. `address`: where it is found."""
    notice = editorial_notice(reference)
    return _filled(
        {
            "resourceType": "Citation",
            "url": address,
            "status": "active",
            "title": title_text(reference),
            "publisher": publisher,
            "currentState": [_code(_STATUS, _state(reference))],
            "note": [{"text": notice}] if notice else None,
            "citedArtifact": _filled(
                {
                    "identifier": _identifiers(reference),
                    "currentState": [_code(_STATUS, _state(reference))],
                    "title": [{"text": title_text(reference)}],
                    "relatesTo": [_replaced_with(pmid) for pmid in superseded_by(reference)],
                    "publicationForm": [_publication(reference)],
                    "webLocation": [{"url": url} for url in _addresses(reference)],
                    "classification": _classification(reference),
                    "contributorship": _contributorship(reference),
                    "note": [{"text": label} for label in editorial_labels(reference)],
                }
            ),
        }
    )


def _state(reference: Reference) -> str:
    if "withdrawn" in reference.editorial and "retracted" not in reference.editorial:
        return "withdrawn"
    if not TAKEN_BACK.isdisjoint(reference.editorial):
        return "retracted"
    return "submitted" if "preprint" in reference.editorial else "published-final-form"


def _identifiers(reference: Reference) -> list[Json]:
    pairs = (
        ("https://pubmed.ncbi.nlm.nih.gov", reference.pmid),
        ("https://doi.org", reference.doi),
        ("https://pmc.ncbi.nlm.nih.gov", reference.pmcid),
    )
    return [{"system": system, "value": value} for system, value in pairs if value]


def _replaced_with(pmid: str) -> Json:
    return {"type": "replaced-with", "citation": f"PMID: {pmid}", "resource": pubmed_url(pmid)}


def _publication(reference: Reference) -> Json:
    date = reference.date or reference.electronic_date or PartialDate()
    container = reference.journal or reference.journal_abbreviation or reference.book_title
    issn = [{"system": "urn:issn", "value": reference.issn}] if reference.issn else None
    return _filled(
        {
            "publishedIn": _filled({"title": container, "identifier": issn}) if container else None,
            "volume": reference.volume,
            "issue": reference.issue,
            "articleDate": date.iso,
            "publicationDateText": date.text,
            "publicationDateSeason": date.season,
            "pageString": reference.pages,
        }
    )


def _addresses(reference: Reference) -> list[str]:
    return [
        *([pubmed_url(reference.pmid)] if reference.pmid else []),
        *([doi_url(reference.doi)] if reference.doi else []),
        *([pmc_url(reference.pmcid)] if reference.pmcid else []),
    ]


def _classification(reference: Reference) -> list[Json]:
    if not reference.types:
        return []
    kind = {"coding": [{"system": _CLASSIFICATION, "code": "publication-type"}]}
    return [{"type": kind, "classifier": [{"text": name} for name in reference.types]}]


def _contributorship(reference: Reference) -> Json | None:
    if not reference.authors:
        return None
    entries = [{"contributor": {"display": _name(author)}} for author in reference.authors]
    return {"complete": reference.authors_complete, "entry": entries}


def _name(author: Author) -> str:
    if author.collective:
        return author.collective
    return " ".join(filter(None, (author.fore or author.initials, author.last, author.suffix))) or "unknown"


def _code(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _filled(values: Json) -> Json:
    """Return the members that have a value: FHIR allows neither null nor empty lists."""
    return {name: value for name, value in values.items() if value not in (None, [], {}, "")}
