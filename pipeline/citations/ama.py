"""AMA Manual of Style, 11th edition (chapter 3): the form in which most medical readers know a citation.

    McPhee SJ, Winker MA, Rabow MW, et al. Title. J Abbrev. 2014;312(17):1772-1778. doi:10.1001/… PMID: 123

Over six authors the first three and et al (3.7); full page ranges; no full stop after a DOI (3.15), so that it
can be copied whole. The PMID and PMCID follow it.
"""

from __future__ import annotations

import re

from pipeline.citations.dates import ama_date, year
from pipeline.citations.names import author_list, editors
from pipeline.citations.pages import full_pages
from pipeline.citations.parts import (
    closed,
    doi_spans,
    foreign_languages,
    has_place,
    is_book,
    journal,
    place,
    pmcid_spans,
    pmid_spans,
    sentence,
    title,
    unstopped,
)
from pipeline.citations.spans import Span, Spans, spaced
from pipeline.model.reference import Reference


def ama(reference: Reference) -> Spans:
    source = (_book(reference),) if is_book(reference) else (_title(reference), _journal(reference))
    return spaced(
        (
            (Span(sentence(author_list(reference, most=6, shown=3))),),
            *source,
            doi_spans("doi:", reference.doi) if reference.doi else (),
            pmid_spans(reference.pmid) if reference.pmid else (),
            pmcid_spans(reference.pmcid) if reference.pmcid else (),
        )
    )


def _title(reference: Reference) -> Spans:
    """Return the title, followed by the language in brackets if the paper has no English text (3.9.2)."""
    languages = foreign_languages(reference)
    if not languages or "English" in languages:
        return closed(title(reference))
    return unstopped(title(reference)), Span(f" [in {' and '.join(languages)}].")


def _journal(reference: Reference) -> Spans:
    name: Spans = (Span(journal(reference), italic=True), Span(". ")) if journal(reference) else ()
    return *name, Span(sentence(_when_and_where(reference)))


def _when_and_where(reference: Reference) -> str:
    if not has_place(reference):
        online = ama_date(reference.electronic_date or reference.date)
        posted = "Preprint posted online" if "preprint" in reference.editorial else "Published online"
        return f"{posted} {online}" if online else ""
    numbered = bool(reference.volume or reference.issue)
    date = year(reference.date) if numbered else ama_date(reference.date)
    volume, issue = _supplement(reference.volume, reference.issue)
    return place(date or year(reference.electronic_date), volume, issue, full_pages(reference.pages or ""))


def _supplement(volume: str | None, issue: str | None) -> tuple[str | None, str | None]:
    """Write volume "42 Suppl 2" as 42(suppl 2), and issue "12 Suppl 7" as 12 suppl 7 (3.11)."""
    if volume and not issue and (found := re.fullmatch(r"(\S+) (Suppl.*)", volume)):
        volume, issue = found[1], found[2]
    return volume, issue.replace("Suppl", "suppl") if issue else None


def _book(reference: Reference) -> Spans:
    """Return a book or chapter. A book's title is in italics; a chapter's is not, and is followed by "In:" (3.12).

    There is no place of publication. A living document has the date of its last revision (3.15.3).
    """
    book = unstopped(Span(reference.book_title or "", italic=True))
    imprint = "; ".join(part for part in (reference.publisher, year(reference.date)) if part)
    whole = reference.title == reference.book_title
    return spaced(
        (
            () if whole else (*closed(title(reference)), Span(" In:")),
            (Span(editors(reference, most=6, shown=3, role=", ed.", roles=", eds.")),),
            (book, Span(".")),
            (Span(sentence(imprint + (f":{full_pages(reference.pages)}" if reference.pages else ""))),),
            (Span(f"Updated {ama_date(reference.revised)}."),) if reference.revised else (),
        )
    )
