"""Vancouver: the ICMJE's sample references, as the National Library of Medicine keeps them.

    Halpern SD, Ubel PA. Title. N Engl J Med. 2002 Jul 25;347(4):284-7. doi: 10.1056/… PMID: 123; PMCID: PMC1.

Over six authors the first six and et al; shortened page ranges; a translated title in brackets, with the language at
the end. Source: "Samples of Formatted References for Authors of Journal Articles", NLM.
"""

from __future__ import annotations

from pipeline.citations.dates import vancouver_date, year
from pipeline.citations.names import author_list, editors
from pipeline.citations.pages import short_pages
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


def vancouver(reference: Reference) -> Spans:
    source = (_book(reference),) if is_book(reference) else (_title(reference), _journal(reference))
    return spaced(
        (
            (Span(sentence(author_list(reference, most=6, shown=6))),),
            *source,
            (Span(sentence(", ".join(foreign_languages(reference)))),),
            (*doi_spans("doi: ", reference.doi), Span(".")) if reference.doi else (),
            _numbers(reference),
        )
    )


def _title(reference: Reference) -> Spans:
    if not reference.translated:
        return closed(title(reference))
    return Span("["), unstopped(title(reference)), Span("].")


def _journal(reference: Reference) -> Spans:
    name = journal(reference)
    if "preprint" in reference.editorial and name:
        name += " [Preprint]"
    date = vancouver_date(reference.date) or vancouver_date(reference.electronic_date)
    if not has_place(reference) and reference.electronic_date and "preprint" not in reference.editorial:
        date = f"{vancouver_date(reference.electronic_date)} [Epub ahead of print]"
    where = place(date, reference.volume, reference.issue, short_pages(reference.pages or ""))
    return (Span(" ".join(sentence(part) for part in (name, where) if part)),)


def _book(reference: Reference) -> Spans:
    publisher = ": ".join(part for part in (reference.place, reference.publisher) if part)
    imprint = "; ".join(part for part in (publisher, year(reference.date)) if part)
    revised = f" [updated {vancouver_date(reference.revised)}]" if reference.revised else ""
    whole = reference.title == reference.book_title
    return spaced(
        (
            () if whole else (*closed(title(reference)), Span(" In:")),
            (Span(editors(reference, most=6, shown=6, role=", editor.", roles=", editors.")),),
            (Span(sentence(reference.book_title or "")),),
            (Span(sentence(f"{imprint}{revised}")),),
            (Span(sentence(reference.chapter)),) if reference.chapter and not whole else (),
            (Span(f"p. {short_pages(reference.pages)}."),) if reference.pages else (),
        )
    )


def _numbers(reference: Reference) -> Spans:
    known = [
        pmid_spans(reference.pmid) if reference.pmid else (),
        pmcid_spans(reference.pmcid) if reference.pmcid else (),
    ]
    numbers = [spans for spans in known if spans]
    joined: Spans = tuple(span for spans in numbers for span in (Span("; "), *spans))[1:]
    return (*joined, Span(".")) if joined else ()
