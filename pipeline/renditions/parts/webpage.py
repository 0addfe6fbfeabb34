"""What the article's AMP page and its plain page share: the templates and their values.

Templates contain the layout and the page's own words. They get everything of the article as escaped HTML, or as text
that they escape.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from pipeline.model.article import Section
from pipeline.model.moment import rfc3339
from pipeline.model.reference import CitedReference, EditorialState
from pipeline.model.revision import Revision
from pipeline.model.site import Feed, Site
from pipeline.renditions.parts import fragments
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.dates import Dates, dates_of
from pipeline.renditions.parts.evidence import references_html
from pipeline.renditions.parts.labels import foreign_attributes, sentence_html
from pipeline.renditions.parts.linked_data import linked_data_script, page_node
from pipeline.renditions.parts.markup import (
    ImageWriter,
    blocks_html,
    figure_html,
    marked_html,
    section_id,
    sections_html,
)
from pipeline.renditions.parts.templates import templates
from pipeline.renditions.parts.text import clean, cut, escape
from pipeline.renditions.parts.uri import uri
from pipeline.wording import Words, message, words_of

_TEMPLATES = Path(__file__).parents[1] / "templates"
_LONG = 3  # sections from which an article has a list of contents
_MANY = 20  # entries from which that list leaves out the inner sections
_DESCRIPTION = 200  # characters of the answer that search engines and previews show


@dataclass(frozen=True)
class Entry:
    """An entry of the table of contents."""

    heading: str
    href: str
    inner: tuple[Entry, ...] = ()


def web_page(template: str, revision: Revision, site: Site, *, image: ImageWriter, **own: str) -> bytes:
    """Return a page by a template. `own` is markup that only this kind of page has."""
    article, dates = revision.article, dates_of(revision)
    address = uri(page_url(article, site))
    words = words_of(article.language)
    parts = _parts(revision, site, image, words)
    ready = {**parts, **_byline(revision, dates, words), **_alerts(revision.references, words), **own}
    page = (
        templates(_TEMPLATES)
        .get_template(template)
        .render(
            article=article,
            site=site,
            address=address,
            amp_address=uri(site.rendition_url(article.name, "amp")),
            feeds=_feeds(revision, site),
            description=cut(article.answer, _DESCRIPTION - 1),
            published=rfc3339(dates.published),
            updated=rfc3339(dates.updated),
            contents=_contents(article.sections),
            shares=_shares(address, article.title, words),
            say=words.translated,
            foreign=Markup(foreign_attributes(words)),  # noqa: S704  # a language tag of ours
            **{name: Markup(html) for name, html in ready.items()},  # noqa: S704  # escaped where it was written
        )
    )
    return page.encode()


def _parts(revision: Revision, site: Site, image: ImageWriter, words: Words) -> dict[str, str]:
    """Return the parts of the article as escaped HTML, each empty if the article has none."""
    article = revision.article
    return {
        "linked_data": linked_data_script(page_node(revision, site)),
        "stylesheet": _stylesheet(),
        "title": marked_html(article.title, article.marked_title),
        "answer": fragments.answer_html(article),
        "lead_image": figure_html(article.image, image=image) if article.image else "",
        "body": _scrolling(
            blocks_html(article.lead, image=image, words=words)
            + sections_html(article.sections, level=2, image=image, words=words),
            words,
        ),
        "calls_to_action": fragments.calls_to_action_html(article),
        "references": references_html(revision.references, words, stated=True),
        "attribution": fragments.attribution_html(revision),
        "related": fragments.related_html(article),
        "disclaimers": fragments.disclaimers_html(article, site),
        "licence": fragments.licence_html(article),
    }


def _byline(revision: Revision, dates: Dates, words: Words) -> dict[str, str]:
    """Return who and when, each empty if it is unknown or repeats another."""
    article = revision.article
    changed = dates.modified.date() != dates.published.date()
    return {
        "authors": fragments.authors_html(article, words, spanned=True),
        "reviewers": fragments.reviewers_html(article, words, spanned=True),
        "reviewed": fragments.reviewed_html(article, words, spanned=True),
        "next_review": fragments.next_review_html(revision, words, spanned=True),
        "modified": fragments.dated_html(
            message("Updated {date}"), dates.modified if changed else None, words, spanned=True
        ),
        "published_on": fragments.dated_html(message("Published {date}"), dates.published, words, spanned=True),
    }


def _alerts(references: Sequence[CitedReference], words: Words) -> dict[str, str]:
    """Return what must be said before anything else: that cited studies were retracted, or are in doubt."""
    retracted, concerns = _numbers(references, "retracted"), _numbers(references, "concern")
    return {
        "retracted": _alert(
            retracted,
            words,
            words.translated_plural(
                "A study that this article cites has been retracted: reference {numbers}.",
                "Studies that this article cites have been retracted: references {numbers}.",
                len(retracted),
            ),
        ),
        "concerns": _alert(
            concerns,
            words,
            words.translated_plural(
                "Its journal has voiced concern about a study that this article cites: reference {numbers}.",
                "Their journals have voiced concern about studies that this article cites: references {numbers}.",
                len(concerns),
            ),
        ),
    }


def _alert(numbers: Sequence[int], words: Words, text: str) -> str:
    if not numbers:
        return ""
    links = ", ".join(f'<a href="#ref-{number}">{number}</a>' for number in numbers)
    text = text.replace(" {numbers}", "\n{numbers}")  # as before it was translated: the same bytes in English
    return f"<p{foreign_attributes(words)}>{sentence_html(words, text, spanned=False, numbers=links)}</p>"


@cache
def _stylesheet() -> str:
    """Return the style sheet without its comments."""
    css = (_TEMPLATES / "article.css").read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/\s*", "", css, flags=re.DOTALL)


def _feeds(revision: Revision, site: Site) -> list[Feed]:
    """Return the feeds of the site that this article is in."""
    topics = {topic.slug for topic in revision.article.topics}
    return [feed for feed in site.feeds if feed.holds(topics, revision.article.language)]


def _numbers(references: Sequence[CitedReference], state: EditorialState) -> list[int]:
    """Return the numbers of the cited works in this state."""
    return [cited.number for cited in references if cited.marks and state in cited.marks.editorial]


def _contents(sections: Sequence[Section]) -> tuple[Entry, ...]:
    """Return two levels of headings, or one if two are too many, or nothing for a short article."""
    if len(sections) < _LONG:
        return ()
    deep = sum(1 + len(section.sections) for section in sections) <= _MANY
    return tuple(
        Entry(section.heading, f"#{section_id(section.anchor)}", _inner(section) if deep else ())
        for section in sections
    )


def _inner(section: Section) -> tuple[Entry, ...]:
    return tuple(Entry(inner.heading, f"#{section_id(inner.anchor)}") for inner in section.sections)


def _scrolling(html: str, words: Words) -> str:
    """Wrap tables so that those wider than the page scroll by themselves, also by keyboard.

    Every other `<` of the article's text is escaped, so the tags that are found are those that `markup` wrote.
    """
    label = escape(words.translated("Table"))
    around = f'<div class="scroll" role="region" aria-label="{label}" tabindex="0"><table>'
    return html.replace("<table>", around).replace("</table>", "</table></div>")


def _shares(address: str, title: str, words: Words) -> list[tuple[str, str]]:
    """Return plain links, without third-party scripts or anything that would identify the reader to others."""
    link, about = quote(address, safe=""), quote(clean(title), safe="")
    return [
        (words.translated("Email"), f"mailto:?subject={about}&body={link}"),
        ("WhatsApp", f"https://wa.me/?text={about}%20{link}"),
        ("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={link}"),
        ("X", f"https://twitter.com/intent/tweet?url={link}&text={about}"),
    ]
