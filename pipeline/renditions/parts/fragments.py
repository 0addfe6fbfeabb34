"""The parts around an article's body as HTML, each empty if the article has none.

Classes: `question`, `answer`, `calls-to-action`, `related`, `byline`, `disclaimer`, `attribution`, `licence`.
"""

from __future__ import annotations

from pipeline.model.article import Article, CallToAction
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import dates_of, next_review_label, time_html
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.markup import inlines_html, link_html
from pipeline.renditions.parts.people import people_html
from pipeline.renditions.parts.text import escape, paragraphs


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
    article, dates = revision.article, dates_of(revision)
    published = f"Published {time_html(dates.published, article.language)}"
    if dates.modified != dates.published:
        published += f". Updated {time_html(dates.modified, article.language)}"
    lines = [
        f"Written by {people_html(article.authors)}" if article.authors else "",
        f"Medically reviewed by {people_html(article.reviewers)}" if article.reviewers else "",
        published,
        f"Last reviewed {time_html(dates.reviewed, article.language)}" if dates.reviewed else "",
        f"{next_review_label(revision)} {time_html(article.next_review, article.language)}"
        if article.next_review
        else "",
    ]
    return "".join(f'<p class="byline">{line}</p>' for line in lines if line)


def disclaimers(article: Article, site: Site) -> tuple[str, ...]:
    """Return the article's own disclaimer and the site's as plain text, once if they are the same."""
    texts = dict.fromkeys((article.disclaimer or "", site.disclaimer))
    return tuple(text for text in texts if text.strip())


def disclaimers_html(article: Article, site: Site) -> str:
    return "".join(paragraphs_html(text, "disclaimer") for text in disclaimers(article, site))


def attribution_html(revision: Revision) -> str:
    line = attribution(revision.references)
    return f'<p class="attribution"><small>{line}</small></p>' if line else ""


def licence_html(article: Article) -> str:
    """Return the licence in words, or a link if it is an address."""
    if not article.licence:
        return ""
    return f'<p class="licence"><small>Licence: {link_html(article.licence, escape(article.licence))}</small></p>'
