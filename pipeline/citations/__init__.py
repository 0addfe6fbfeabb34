"""Citations: references, formatted. Pure.

AMA 11 and Vancouver (ICMJE) as plain text and as HTML that need not be sanitised again; CSL-JSON; a paper's
editorial status in words. The text and the HTML of a citation have the same words, including the PMID.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from pipeline.citations.ama import ama
from pipeline.citations.csl import citation_csl
from pipeline.citations.editorial import editorial_label, editorial_labels, editorial_notice
from pipeline.citations.fhir import citation_fhir
from pipeline.citations.parts import title_text
from pipeline.citations.spans import Span, Spans, as_html, as_text
from pipeline.citations.vancouver import vancouver
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference

__all__ = [
    "Style",
    "citation_csl",
    "citation_fhir",
    "citation_html",
    "citation_text",
    "editorial_label",
    "editorial_labels",
    "editorial_notice",
    "title_text",
]

Style = Literal["ama", "vancouver"]

_LATELY = 1_000  # citations that are kept, because every format and each build of a feed has the same


@lru_cache(_LATELY)
def citation_text(cited: CitedReference, *, style: Style = "ama") -> str:
    """Return one line of plain text: the whole citation, or the id and link of an unresolved work."""
    return as_text(_spans(cited, style))


@lru_cache(_LATELY)
def citation_html(cited: CitedReference, *, style: Style = "ama") -> str:
    """Return the same as escaped inline HTML: only a, i, b, u, sub and sup, with absolute links."""
    return as_html(_spans(cited, style))


def _spans(cited: CitedReference, style: Style) -> Spans:
    if cited.reference is None:
        return _as_cited(cited)
    return ama(cited.reference) if style == "ama" else vancouver(cited.reference)


def _as_cited(cited: CitedReference) -> Spans:
    """Return the author's words, then the identifier, unless it is among them."""
    work, words = cited.work, cited.words
    if cited.state == "mismatch" and words:
        return (Span(words),)  # its identifier leads to another work
    if words is None or work.scheme == "text":
        return (Span(words or work.value),) if work.url is None else _link(work)
    found = re.search(rf"(?<!\d){re.escape(work.value)}(?!\w)", words, re.IGNORECASE)
    if found is None or work.url is None:
        return Span(f"{words} "), *_link(work)
    return Span(words[: found.start()]), Span(found[0], href=work.url), Span(words[found.end() :])


def _link(work: CitedWork) -> Spans:
    labels = {"pmid": f"PMID: {work.value}. ", "pmcid": f"PMCID: {work.value}. ", "doi": f"doi:{work.value} "}
    return Span(labels.get(work.scheme, "")), Span(work.url or "", href=work.url)
