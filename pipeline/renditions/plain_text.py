"""Plain text: the whole article for terminals, mail and programs that take no markup. UTF-8, never wrapped."""

from __future__ import annotations

from pipeline.model.own_marks import ADDRESS_LABEL, rule
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.content_text import content_text
from pipeline.renditions.parts.head import withdrawn_title
from pipeline.renditions.parts.text import clean
from pipeline.renditions.parts.withdrawn_entry import withdrawn_text


def render(revision: Revision, site: Site) -> bytes:
    article = revision.article
    return _document(article.title, content_text(revision, site), address=page_url(article, site))


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Say that the article was withdrawn, when and why, and nothing of what it said."""
    return _document(
        withdrawn_title(withdrawal),
        withdrawn_text(withdrawal),
        withdrawal.reason,
        address=withdrawal.canonical or site.article_url(withdrawal.name),
    )


def _document(title: str, *paragraphs: str, address: str) -> bytes:
    """Return the text. By the rule and the last line Citewire recognises its own text (`own_marks`)."""
    title = clean(title)
    return clean("\n\n".join([f"{title}\n{rule(title)}", *paragraphs, ADDRESS_LABEL + address]) + "\n").encode()


FORMAT = Format(
    name="plain-text",
    media_type="text/plain",
    extension="txt",
    render=render,
    tombstone=tombstone,
)
