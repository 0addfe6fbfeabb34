"""The figures of an article's evidence as a schema.org node: a data set about the page, with its address."""

from __future__ import annotations

from typing import Any

from pipeline.appraisal.statement import overview
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import next_review_text
from pipeline.renditions.parts.uri import uri
from pipeline.wording import ENGLISH


def evidence_node(revision: Revision, site: Site) -> dict[str, Any] | None:
    """Return the node, or None for an article without references and without a day of its next review.

    When the sources last answered is not said here, because it changes every night; the statement at `url` says it.
    """
    article, known = revision.article, overview(revision.references)
    figures = {
        "References": known.total or None,
        "References watched": known.watched if known.total else None,
        "Newest year": known.newest_year,
        "Median year": known.median_year,
        "Next review": article.next_review.isoformat() if article.next_review else None,
    }
    measured = [
        {"@type": "PropertyValue", "name": name, "value": value} for name, value in figures.items() if value is not None
    ]
    if not measured:
        return None
    return {
        "@type": "Dataset",
        "name": "Evidence of this article",
        "url": uri(site.rendition_url(article.name, "evidence.json")),
        "variableMeasured": measured,
    }


def overdue_text(revision: Revision) -> str | None:
    """Return "Review overdue since 12 March 2026", if the revision says so; for machines, and therefore in English."""
    return next_review_text(revision, ENGLISH) if revision.overdue else None
