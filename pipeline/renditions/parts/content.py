"""The whole article as one piece of HTML, for feeds and other people's pages."""

from __future__ import annotations

from pipeline.model.article import Article
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts import fragments
from pipeline.renditions.parts.evidence import references_html
from pipeline.renditions.parts.kept import Kept
from pipeline.renditions.parts.labels import label_html
from pipeline.renditions.parts.markup import (
    attributes,
    blocks_html,
    figure_html,
    foreign_id,
    heading_html,
    sections_html,
)
from pipeline.renditions.parts.uri import uri
from pipeline.wording import words_of

_lately: Kept[str] = Kept(8_000_000, size=len)  # characters: some hundred articles


def content_html(revision: Revision, site: Site) -> str:
    """Return all of an article but its title, in a `div` with its language and direction. The answer comes first.

    In-text markers link to the article's own address, because a feed's links must be absolute. Several formats and
    each build of a feed contain the same HTML, so what was written lately is kept.
    """
    return _lately.of(revision, lambda: _written(revision, site), site)


def _written(revision: Revision, site: Site) -> str:
    article, words = revision.article, words_of(revision.article.language)
    page = uri(page_url(article, site))
    parts = (
        fragments.question_html(article),
        fragments.answer_html(article, page=page),
        figure_html(article.image) if article.image else "",
        blocks_html(article.lead, page=page, words=words),
        sections_html(article.sections, page=page, ids=foreign_id, words=words),
        fragments.calls_to_action_html(article),
        _headed(label_html(words, words.translated("Related")), fragments.related_html(article)),
        _headed(label_html(words, words.translated("References")), references_html(revision.references, words)),
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


def _headed(heading: str, html: str) -> str:
    return heading_html(heading, 2) + html if html else ""
