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
from pipeline.renditions.parts.dates import Dates, dates_of, next_review_label, time_html
from pipeline.renditions.parts.evidence import references_html
from pipeline.renditions.parts.linked_data import linked_data_script, page_node
from pipeline.renditions.parts.markup import (
    ImageWriter,
    blocks_html,
    figure_html,
    marked_html,
    section_id,
    sections_html,
)
from pipeline.renditions.parts.people import people_html
from pipeline.renditions.parts.templates import templates
from pipeline.renditions.parts.text import clean, cut
from pipeline.renditions.parts.uri import uri

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
    ready = {**_parts(revision, site, image), **_byline(revision, dates), **own}
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
            retracted=_numbers(revision.references, "retracted"),
            concerns=_numbers(revision.references, "concern"),
            contents=_contents(article.sections),
            shares=_shares(address, article.title),
            **{name: Markup(html) for name, html in ready.items()},  # noqa: S704  # escaped where it was written
        )
    )
    return page.encode()


def _parts(revision: Revision, site: Site, image: ImageWriter) -> dict[str, str]:
    """Return the parts of the article as escaped HTML, each empty if the article has none."""
    article = revision.article
    return {
        "linked_data": linked_data_script(page_node(revision, site)),
        "stylesheet": _stylesheet(),
        "title": marked_html(article.title, article.marked_title),
        "answer": fragments.answer_html(article),
        "lead_image": figure_html(article.image, image=image) if article.image else "",
        "body": _scrolling(
            blocks_html(article.lead, image=image) + sections_html(article.sections, level=2, image=image)
        ),
        "calls_to_action": fragments.calls_to_action_html(article),
        "references": references_html(revision.references, stated=True),
        "attribution": fragments.attribution_html(revision),
        "related": fragments.related_html(article),
        "disclaimers": fragments.disclaimers_html(article, site),
        "licence": fragments.licence_html(article),
    }


def _byline(revision: Revision, dates: Dates) -> dict[str, str]:
    """Return who and when, each empty if it is unknown or repeats another."""
    article = revision.article
    changed = dates.modified.date() != dates.published.date()
    return {
        "authors": people_html(article.authors),
        "reviewers": people_html(article.reviewers),
        "reviewed_on": time_html(dates.reviewed, article.language) if dates.reviewed else "",
        "next_review_label": next_review_label(revision),
        "next_review": time_html(article.next_review, article.language) if article.next_review else "",
        "modified_on": time_html(dates.modified, article.language) if changed else "",
        "published_on": time_html(dates.published, article.language),
    }


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


def _scrolling(html: str) -> str:
    """Wrap tables so that those wider than the page scroll by themselves, also by keyboard.

    Every other `<` of the article's text is escaped, so the tags that are found are those that `markup` wrote.
    """
    around = '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>'
    return html.replace("<table>", around).replace("</table>", "</table></div>")


def _shares(address: str, title: str) -> list[tuple[str, str]]:
    """Return plain links, without third-party scripts or anything that would identify the reader to others."""
    link, words = quote(address, safe=""), quote(clean(title), safe="")
    return [
        ("Email", f"mailto:?subject={words}&body={link}"),
        ("WhatsApp", f"https://wa.me/?text={words}%20{link}"),
        ("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={link}"),
        ("X", f"https://twitter.com/intent/tweet?url={link}&text={words}"),
    ]
