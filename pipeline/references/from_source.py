"""Turn what Crossref or Europe PMC knows of a work that PubMed does not have into a `Reference`."""

from __future__ import annotations

from pipeline.model.reference import Reference
from pipeline.references.source import SourceRecord

_PREPRINTS = frozenset({"preprint", "posted-content"})


def reference_of(record: SourceRecord) -> Reference | None:
    """Return the reference, or None if the record has no title: then there is nothing to show a reader."""
    if record.title is None:
        return None
    is_preprint = any(kind.lower() in _PREPRINTS for kind in record.types)
    return Reference(
        pmid=None,
        title=record.title,
        authors=record.authors,
        journal=record.journal,
        journal_abbreviation=record.journal_abbreviation,
        issn=record.issn,
        publisher=record.publisher,
        date=record.date,
        volume=record.volume,
        issue=record.issue,
        pages=record.pages,
        doi=record.doi,
        pmcid=record.pmcid,
        types=record.types,
        editorial=("preprint",) if is_preprint else (),
    )
