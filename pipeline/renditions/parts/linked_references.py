"""A reference as a schema.org node: the work, its address and its editorial status."""

from __future__ import annotations

from typing import Any

from pipeline.citations import citation_text, editorial_labels, editorial_notice, title_text
from pipeline.citations.links import doi_url, pmc_url, record_url
from pipeline.model.reference import Author, CitedReference, Reference
from pipeline.renditions.parts.uri import uri

_LABELS = {"pmid": "PMID", "pmcid": "PMCID", "doi": "DOI"}


def citation_node(cited: CitedReference) -> dict[str, Any]:
    """Return the node of a cited work. The writer drops its None and empty values."""
    if cited.reference is None:
        return _unresolved_node(cited)
    reference = cited.reference
    date = reference.date or reference.electronic_date
    return {
        "@type": "MedicalScholarlyArticle",
        "name": title_text(reference),
        "author": [_author(author) for author in reference.authors],
        "datePublished": date.iso if date else None,
        "isPartOf": _container(reference),
        "pagination": reference.pages,
        "description": citation_text(cited),
        "creativeWorkStatus": _only(editorial_labels(reference)),
        "correction": editorial_notice(reference),
        "publicationType": list(reference.types),
        "isAccessibleForFree": True if reference.pmcid else None,
        "identifier": _identifiers(reference),
        "url": record_url(reference),
        "sameAs": [
            doi_url(reference.doi) if reference.doi else None,
            pmc_url(reference.pmcid) if reference.pmcid else None,
        ],
    }


def _unresolved_node(cited: CitedReference) -> dict[str, Any]:
    """Return a work without a record. Its standing is left out unless a source states it: not knowing is no praise."""
    work, marks = cited.work, cited.marks
    label = _LABELS.get(work.scheme) if cited.state != "mismatch" else None
    return {
        "@type": "ScholarlyArticle" if label else "CreativeWork",
        "name": f"{label} {work.value}" if label else cited.words or work.value,
        "description": citation_text(cited),
        "creativeWorkStatus": _only(editorial_labels(marks)) if marks else None,
        "correction": editorial_notice(marks) if marks else None,
        "identifier": _identifier(label, work.value) if label else None,
        "url": uri(work.url) if work.url and cited.state != "mismatch" else None,
    }


def _identifiers(reference: Reference) -> list[dict[str, str]]:
    pairs = (("PMID", reference.pmid), ("PMCID", reference.pmcid), ("DOI", reference.doi))
    return [_identifier(label, value) for label, value in pairs if value]


def _identifier(label: str, value: str) -> dict[str, str]:
    return {"@type": "PropertyValue", "propertyID": label, "value": value}


def _author(author: Author) -> dict[str, Any]:
    if author.collective:
        return {"@type": "Organization", "name": author.collective}
    parts = (author.fore or author.initials, author.last, author.suffix)
    orcid = f"https://orcid.org/{author.orcid}" if author.orcid else None
    return {"@type": "Person", "name": " ".join(part for part in parts if part), "sameAs": orcid}


def _container(reference: Reference) -> dict[str, Any] | None:
    """Return the book, or the journal with the volume and issue."""
    if reference.book_title:
        return {"@type": "Book", "name": reference.book_title, "publisher": _publisher(reference)}
    if not reference.journal and not reference.journal_abbreviation:
        return None
    container: dict[str, Any] = {
        "@type": "Periodical",
        "name": reference.journal or reference.journal_abbreviation,
        "issn": reference.issn,
    }
    if reference.volume:
        container = {"@type": "PublicationVolume", "volumeNumber": reference.volume, "isPartOf": container}
    if reference.issue:
        container = {"@type": "PublicationIssue", "issueNumber": reference.issue, "isPartOf": container}
    return container


def _publisher(reference: Reference) -> dict[str, Any] | None:
    return {"@type": "Organization", "name": reference.publisher} if reference.publisher else None


def _only(labels: tuple[str, ...]) -> list[str] | str:
    return labels[0] if len(labels) == 1 else list(labels)
