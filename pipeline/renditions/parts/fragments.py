"""The parts around an article's body as HTML, each empty if the article has none.

Classes: `question`, `answer`, `calls-to-action`, `related`, `byline`, `disclaimer`, `attribution`, `licence`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pipeline.model.article import Article, CallToAction, Person
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import dates_of, next_review_message, time_html
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.labels import foreign_attributes, sentence_html
from pipeline.renditions.parts.markup import inlines_html, link_html
from pipeline.renditions.parts.people import people_html
from pipeline.renditions.parts.text import escape, paragraphs
from pipeline.wording import Words, message, words_of


def question_html(article: Article) -> str:
    return f'<p class="question"><em>{escape(article.question)}</em></p>' if article.question else ""


def answer_html(article: Article, *, page: str = "") -> str:
    """Return the answer with its emphasis, links and markers. `page`: the address that markers link to."""
    if article.marked_answer:
        return f'<p class="answer">{inlines_html(article.marked_answer, page=page)}</p>'
    return paragraphs_html(article.answer, "answer")


def paragraphs_html(text: str, name: str) -> str:
    """Return plain text as paragraphs of one class."""
    return "".join(f'<p class="{name}">{escape(part)}</p>' for part in paragraphs(text))


def calls_to_action_html(article: Article) -> str:
    items = "".join(f"<li>{_call_html(call)}</li>" for call in article.calls_to_action)
    return f'<ul class="calls-to-action">{items}</ul>' if items else ""


def _call_html(call: CallToAction) -> str:
    label = f"<strong>{link_html(call.url, escape(call.label))}</strong>"
    return f"{label}<br>{escape(call.text)}" if call.text else label


def related_html(article: Article) -> str:
    items = "".join(f"<li>{link_html(link.url, escape(link.title))}</li>" for link in article.related)
    return f'<ul class="related">{items}</ul>' if items else ""


def byline_html(revision: Revision) -> str:
    """Return a paragraph each for who wrote it, who reviewed it, and when."""
    article, words = revision.article, words_of(revision.article.language)
    lines = [
        authors_html(article, words),
        reviewers_html(article, words),
        _published_html(revision, words),
        reviewed_html(article, words),
        next_review_html(revision, words),
    ]
    return "".join(f'<p class="byline">{line}</p>' for line in lines if line)


def authors_html(article: Article, words: Words, *, spanned: bool | None = None) -> str:
    return _people_html(message("Written by {people}"), article.authors, words, spanned)


def reviewers_html(article: Article, words: Words, *, spanned: bool | None = None) -> str:
    return _people_html(message("Medically reviewed by {people}"), article.reviewers, words, spanned)


def reviewed_html(article: Article, words: Words, *, spanned: bool | None = None) -> str:
    return dated_html(message("Last reviewed {date}"), article.reviewed, words, spanned=spanned)


def next_review_html(revision: Revision, words: Words, *, spanned: bool | None = None) -> str:
    return dated_html(next_review_message(revision), revision.article.next_review, words, spanned=spanned)


def dated_html(text: str, date: dt.date | None, words: Words, *, spanned: bool | None = None) -> str:
    """Return a message about a `{date}`, or "" if there is none."""
    if date is None:
        return ""
    return sentence_html(words, words.translated(text), spanned=spanned, date=time_html(date, words))


def _people_html(text: str, people: Sequence[Person], words: Words, spanned: bool | None) -> str:
    if not people:
        return ""
    return sentence_html(words, words.translated(text), spanned=spanned, people=people_html(people))


def _published_html(revision: Revision, words: Words) -> str:
    dates = dates_of(revision)
    published = time_html(dates.published, words)
    if dates.modified == dates.published:
        return sentence_html(words, words.translated("Published {date}"), date=published)
    updated = time_html(dates.modified, words)
    text = words.translated("Published {published}. Updated {updated}")
    return sentence_html(words, text, published=published, updated=updated)


def disclaimers(article: Article, site: Site) -> tuple[str, ...]:
    """Return the article's own disclaimer and the site's as plain text, once if they are the same."""
    texts = dict.fromkeys((article.disclaimer or "", site.disclaimer))
    return tuple(text for text in texts if text.strip())


def disclaimers_html(article: Article, site: Site) -> str:
    return "".join(paragraphs_html(text, "disclaimer") for text in disclaimers(article, site))


def attribution_html(revision: Revision) -> str:
    words = words_of(revision.article.language)
    line = attribution(revision.references, words)
    return f'<p class="attribution"{foreign_attributes(words)}><small>{escape(line)}</small></p>' if line else ""


def licence_html(article: Article) -> str:
    """Return the licence in words, or a link if it is an address."""
    if not article.licence:
        return ""
    words = words_of(article.language)
    licence = link_html(article.licence, escape(article.licence))
    said = sentence_html(words, words.translated("Licence: {licence}"), licence=licence)
    return f'<p class="licence"><small>{said}</small></p>'
