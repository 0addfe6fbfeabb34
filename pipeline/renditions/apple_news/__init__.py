"""Apple News Format (developer.apple.com/documentation/applenewsformat): the `article.json` of one article.

The version is the lowest that has what is used here: buttons (1.11) and automatic dark mode (1.14). Apple News deletes
through its API; the tombstone is for those who get the document in another way.
"""

from __future__ import annotations

from typing import Any

from pipeline.model.article import Article, CallToAction
from pipeline.model.moment import rfc3339
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.apple_news import styles as styles
from pipeline.renditions.apple_news.blocks import (
    Component,
    block_components,
    html_component,
    picture,
    section_components,
    shows,
    text_component,
)
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.dates import dates_of
from pipeline.renditions.parts.evidence import attribution, reference_html
from pipeline.renditions.parts.fragments import (
    answer_html,
    byline_html,
    disclaimers,
    licence_html,
    paragraphs_html,
    related_html,
)
from pipeline.renditions.parts.json_bytes import json_bytes
from pipeline.renditions.parts.people import name_text
from pipeline.renditions.parts.uri import address, uri
from pipeline.wording import Words, words_in_any_case, words_of

VERSION = "1.14"
MOST_KEYWORDS = 50  # Apple, Metadata.keywords
_RULE: Component = {"role": "divider", "layout": "rule", "stroke": {"color": "#C7C7CC", "width": 1}}


def render(revision: Revision, site: Site) -> bytes:
    article, words = revision.article, words_of(revision.article.language)
    return _document(
        identifier=article.id,
        title=article.title,
        language=article.language,
        components=[
            *_head(revision),
            *block_components(article.lead, words),
            *section_components(article.sections, words),
            *(part for call in article.calls_to_action for part in _call(call)),
            *_related(article, words),
            *_references(revision, words),
            *_foot(revision, site),
        ],
        metadata=_metadata(revision, site),
    )


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Write a document with the same identifier and the reason in place of the article."""
    heading = words_in_any_case(withdrawal.language).translated("This article has been withdrawn")
    return _document(
        identifier=withdrawal.article_id,
        title=withdrawal.title,
        language=withdrawal.language,
        components=[
            *text_component("title", withdrawal.title, "title", layout="title"),
            *text_component("heading1", heading, "heading1", layout="heading"),
            *html_component("body", paragraphs_html(withdrawal.reason, "reason"), "body"),
        ],
        metadata={
            "canonicalURL": uri(withdrawal.canonical or site.article_url(withdrawal.name)),
            "datePublished": rfc3339(withdrawal.published),
            "dateModified": rfc3339(withdrawal.withdrawn),
            "excerpt": withdrawal.reason,
        },
    )


def _document(
    *, identifier: str, title: str, language: str, components: list[Component], metadata: dict[str, Any]
) -> bytes:
    return json_bytes(
        {
            "version": VERSION,
            "identifier": identifier,
            "language": language,
            "title": title,
            "layout": styles.LAYOUT,
            "documentStyle": styles.DOCUMENT_STYLE,
            "components": components,
            "metadata": {**metadata, "generatorIdentifier": "citewire", "generatorName": "Citewire"},
            "componentTextStyles": styles.TEXT_STYLES,
            "componentStyles": styles.STYLES,
            "componentLayouts": styles.LAYOUTS,
        }
    )


def _metadata(revision: Revision, site: Site) -> dict[str, Any]:
    article, dates = revision.article, dates_of(revision)
    thumbnail = article.image if article.image and shows(article.image) else None
    return {
        "authors": [name_text(author) for author in article.authors],
        "canonicalURL": uri(page_url(article, site)),
        "dateCreated": rfc3339(dates.published),
        "datePublished": rfc3339(dates.published),
        "dateModified": rfc3339(dates.updated),
        "excerpt": article.answer,
        "keywords": [topic.name for topic in article.topics[:MOST_KEYWORDS]],
        "thumbnailURL": uri(thumbnail.src) if thumbnail else None,
    }


def _head(revision: Revision) -> list[Component]:
    """Return the components of the head: title, byline, picture, question, answer."""
    article = revision.article
    return [
        *text_component("title", article.title, "title", layout="title"),
        *html_component("byline", byline_html(revision), "byline"),
        *(picture(article.image) if article.image else ()),
        *text_component("body", article.question or "", "question"),
        *html_component("intro", answer_html(article), "answer"),
    ]


def _call(call: CallToAction) -> list[Component]:
    """Return a button, or a line of text if there is no address."""
    text = text_component("body", call.text or "", "body")
    url = address(call.url)
    if url is None:
        return [*text_component("body", call.label, "label"), *text]
    button = {
        "role": "link_button",
        "text": call.label,
        "URL": url,
        "textStyle": "button",
        "style": "button",
        "layout": "button",
    }
    return [*text, button]


def _related(article: Article, words: Words) -> list[Component]:
    return _headed(words.translated("Related"), html_component("body", related_html(article), "body"))


def _references(revision: Revision, words: Words) -> list[Component]:
    line = attribution(revision.references, words) or ""
    listed = [part for cited in revision.references for part in _reference(cited, words)]
    return _headed(words.translated("References"), [*listed, *text_component("caption", line, "caption")])


def _reference(cited: CitedReference, words: Words) -> list[Component]:
    """Return a reference as a component of its own, because markers link to components; marked ones stand out."""
    marked = bool(cited.marks and cited.marks.editorial)
    html = f"<p>{cited.number}. {reference_html(cited, words, stated=True)}</p>"
    more = {"style": "marked"} if marked else {}
    layout = "panel" if marked else "close"
    return html_component("body", html, "reference", layout=layout, identifier=f"ref-{cited.number}", **more)


def _foot(revision: Revision, site: Site) -> list[Component]:
    article = revision.article
    small_print = "".join(paragraphs_html(text, "disclaimer") for text in disclaimers(article, site))
    return [_RULE, *html_component("body", small_print + licence_html(article), "small")]


def _headed(heading: str, components: list[Component]) -> list[Component]:
    return components and [*text_component("heading1", heading, "heading1", layout="heading"), *components]


FORMAT = Format(
    name="apple-news",
    media_type="application/json",
    extension="apple-news",
    render=render,
    tombstone=tombstone,
)
