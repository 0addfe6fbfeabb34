"""The whole article as plain text: `content` for readers without HTML."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.citations import citation_text, editorial_labels
from pipeline.flattening import blocks_text, inlines_text, sections_text
from pipeline.model.article import CallToAction, Person
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import dates_of, next_review_text
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.fragments import disclaimers
from pipeline.renditions.parts.people import person_text
from pipeline.wording import ENGLISH, Words, words_of


def content_text(revision: Revision, site: Site) -> str:
    """Return all of an article but its title. Paragraphs are separated by an empty line; the answer comes first."""
    article, words = revision.article, words_of(revision.article.language)
    parts = (
        article.question,
        inlines_text(article.marked_answer, words=words) or article.answer,
        blocks_text([article.image] if article.image else [], words),
        blocks_text(article.lead, words),
        sections_text(article.sections, words),
        "\n\n".join(map(_call_text, article.calls_to_action)),
        _headed(words.translated("Related"), [f"- {link.title}\n  {link.url}" for link in article.related]),
        _headed(words.translated("References"), [reference_text(cited, words) for cited in revision.references]),
        attribution(revision.references, words),
        "\n".join(byline_texts(revision, words)),
        *disclaimers(article, site),
        words.say("Licence: {licence}", licence=article.licence) if article.licence else None,
    )
    return "\n\n".join(part for part in parts if part)


def byline_texts(revision: Revision, words: Words) -> tuple[str, ...]:
    """Return a line each for who wrote it, who reviewed it, and when."""
    article = revision.article
    lines = (
        words.say("Written by {people}", people=_people_text(article.authors)) if article.authors else "",
        words.say("Medically reviewed by {people}", people=_people_text(article.reviewers))
        if article.reviewers
        else "",
        _published_text(revision, words),
        words.say("Last reviewed {date}", date=words.date(article.reviewed)) if article.reviewed else "",
        next_review_text(revision, words),
    )
    return tuple(line for line in lines if line)


def _people_text(people: Sequence[Person]) -> str:
    return "; ".join(map(person_text, people))


def _published_text(revision: Revision, words: Words) -> str:
    dates = dates_of(revision)
    published = words.date(dates.published)
    if dates.modified == dates.published:
        return words.say("Published {date}", date=published)
    updated = words.date(dates.modified)
    return words.say("Published {published}. Updated {updated}", published=published, updated=updated)


def standing_text(cited: CitedReference, words: Words = ENGLISH) -> str:
    """Return `Retracted. Expression of concern. `, or "" for a paper in good standing."""
    labels = editorial_labels(cited.marks, words) if cited.marks else ()
    return "".join(f"{words.say('{sentence}.', sentence=label)} " for label in labels)


def reference_text(cited: CitedReference, words: Words = ENGLISH) -> str:
    """Return `3. Retracted. Wakefield AJ, …`."""
    citation = words.isolated(citation_text(cited))
    return f"{cited.number}. {standing_text(cited, words)}{citation}"


def _call_text(call: CallToAction) -> str:
    return "\n".join(part for part in (call.label, call.text, call.url) if part)


def _headed(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, *lines]) if lines else ""
