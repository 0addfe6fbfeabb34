"""What both styles share: titles, the place in a journal, identifiers."""

from __future__ import annotations

from pipeline.citations.languages import language_names
from pipeline.citations.links import doi_url, pmc_url, pubmed_url
from pipeline.citations.spans import Span, Spans, is_safe_markup, markup_text
from pipeline.model.reference import Reference

_TERMINAL = (".", "?", "!")
_CLOSING = "\"'\u201d\u2019)]"


def sentence(text: str) -> str:
    """Add a full stop unless the text ends in another mark ("Is it safe?")."""
    return text if not text or _ended(text) else f"{text}."


def _ended(text: str) -> bool:
    return text.endswith(_TERMINAL) or text.rstrip(_CLOSING).endswith(("?", "!"))


def title(reference: Reference) -> Span:
    """Return the title, or the vernacular one if PubMed says only "Not Available"."""
    if reference.vernacular_title and reference.title.rstrip(".").lower() == "not available":
        return Span(reference.vernacular_title)
    return Span(title_text(reference), markup=reference.title_html)


def title_text(reference: Reference) -> str:
    """Return the title as text, with the superscripts and subscripts that NLM marks as characters."""
    markup = reference.title_html
    return markup_text(markup) if markup and is_safe_markup(markup) else reference.title


def closed(span: Span) -> Spans:
    """Return the span as a sentence, with its markup."""
    return (span,) if not span.text or _ended(span.text) else (span, Span("."))


def unstopped(span: Span) -> Span:
    """Remove the last full stop, for text that continues the sentence."""
    markup = span.markup.removesuffix(".") if span.markup else None
    return Span(span.text.removesuffix("."), span.href, span.italic, markup)


def foreign_languages(reference: Reference) -> tuple[str, ...]:
    """Return the languages of a paper that is not only in English."""
    names = language_names(reference.languages)
    return () if names == ("English",) else names


def is_book(reference: Reference) -> bool:
    return reference.book_title is not None


def journal(reference: Reference) -> str:
    return reference.journal_abbreviation or reference.journal or ""


def has_place(reference: Reference) -> bool:
    """Return whether the article has a volume, an issue or a page yet."""
    return bool(reference.volume or reference.issue or reference.pages)


def place(date: str, volume: str | None, issue: str | None, pages: str) -> str:
    """Return "2002;347(4):284-7", or less if parts are missing: "2002;(401):230-8", "2002 Jun:1-6", "2002"."""
    numbers = (volume or "") + (f"({issue})" if issue else "")
    before_pages = ";".join(part for part in (date, numbers) if part)
    return ":".join(part for part in (before_pages, pages) if part)


def doi_spans(label: str, doi: str) -> Spans:
    return Span(label), Span(doi, href=doi_url(doi))


def pmid_spans(pmid: str) -> Spans:
    return Span("PMID: "), Span(pmid, href=pubmed_url(pmid))


def pmcid_spans(pmcid: str) -> Spans:
    return Span("PMCID: "), Span(pmcid, href=pmc_url(pmcid))
