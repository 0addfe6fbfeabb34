"""The whole article as one piece of HTML, for feeds and other people's pages."""

from __future__ import annotations

from pipeline.model.article import Article
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts import fragments
from pipeline.renditions.parts.evidence import references_html
from pipeline.renditions.parts.markup import (
    ImageWriter,
    attributes,
    blocks_html,
    figure_html,
    foreign_id,
    heading_html,
    image_html,
    sections_html,
)
from pipeline.renditions.parts.uri import uri


def content_html(
    revision: Revision, site: Site, *, image: ImageWriter = image_html, heading_level: int = 2, page: str | None = None
) -> str:
    """Return all of an article but its title, in a `div` with its language and direction. The answer comes first.

    `page`: the address that in-text markers link to, with `#ref-{n}`. By default the article's own, because a feed's
    links must be absolute; empty if the HTML is a page by itself.
    """
    article = revision.article
    page = uri(page_url(article, site)) if page is None else page
    parts = (
        fragments.question_html(article),
        fragments.answer_html(article, page=page),
        figure_html(article.image, image=image) if article.image else "",
        blocks_html(article.lead, image=image, page=page),
        sections_html(article.sections, level=heading_level, image=image, page=page, ids=foreign_id),
        fragments.calls_to_action_html(article),
        _headed("Related", fragments.related_html(article), heading_level),
        _headed("References", references_html(revision.references), heading_level),
        fragments.attribution_html(revision),
        fragments.byline_html(revision),
        fragments.disclaimers_html(article, site),
        fragments.licence_html(article),
    )
    return f"<div{attributes(lang=article.language, dir_=article.direction)}>{''.join(parts)}</div>"


def page_url(article: Article, site: Site) -> str:
    """Return the article's address for people: the canonical one."""
    return article.canonical or site.article_url(article.name)


def former_url(withdrawal: Withdrawal, site: Site) -> str:
    """Return the address that the withdrawn article had for people, as a URI."""
    return uri(withdrawal.canonical or site.article_url(withdrawal.name))


def _headed(heading: str, html: str, level: int) -> str:
    return heading_html(heading, level) + html if html else ""
