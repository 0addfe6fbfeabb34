"""The metadata of a feed document, the same in RSS, Atom and JSON Feed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.model.rendition import SUBSCRIPTION, Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.renditions.parts.identity import feed_id, partner_feed_id, single_id
from pipeline.renditions.parts.text import cut
from pipeline.renditions.parts.uri import uri
from pipeline.wording import words_in_any_case


@dataclass(frozen=True)
class Head:
    id: str
    title: str
    description: str
    home: str  # the page that the feed is of
    address: str  # where the document itself is fetched
    language: str
    updated: dt.datetime | None  # of its newest change; None: it never held anything
    author: str
    logo: str | None
    hubs: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()  # relation and address of the feed's other pages
    archive: bool = False  # an archive page, which is not to be polled


def feed_head(
    feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site, extension: str, page: Page = SUBSCRIPTION
) -> Head:
    """Return the head of a feed's page. Withdrawals count as changes. Only public subscription documents name hubs."""
    head = _head(
        site,
        id_=feed_id(site, feed.id) if page.partner is None else partner_feed_id(site, page.partner),
        title=feed.title,
        description=feed.description or feed.title,
        address=_address(feed, site, extension, page),
        language=feed.language or site.language,
        updated=max((moment_of(revision) for revision in revisions), default=None),
    )
    hubs = tuple(map(uri, site.feed_hubs)) if page.number is None and page.partner is None else ()
    links = tuple(_links(feed, site, extension, page))
    return replace(head, hubs=hubs, links=links, archive=page.number is not None)


def _address(feed: Feed, site: Site, extension: str, page: Page) -> str:
    if page.partner is not None:
        return site.partner_feed_url(page.partner, extension)
    if page.number is not None:
        return site.archive_url(feed.id, page.number, extension)
    return site.feed_url(feed.id, extension)


def _links(feed: Feed, site: Site, extension: str, page: Page) -> Iterator[tuple[str, str]]:
    """Return the links of RFC 5005, section 4.

    The newest archive page names its successor before it exists, so that it need not change later.
    """
    if page.previous is not None:
        yield "prev-archive", uri(site.archive_url(feed.id, page.previous, extension))
    if page.number is not None:
        yield "next-archive", uri(site.archive_url(feed.id, page.number + 1, extension))
        yield "current", uri(site.feed_url(feed.id, extension))


def article_head(revision: Revision, site: Site, extension: str) -> Head:
    """Return the head of a document with one article."""
    article = revision.article
    return _single(site, article.id, article.title, article.language, revision.updated, extension)


def withdrawal_head(withdrawal: Withdrawal, site: Site, extension: str) -> Head:
    """Return the head of the document that replaces it."""
    gone = withdrawal
    return _single(site, gone.article_id, withdrawn_title(gone), gone.language, gone.withdrawn, extension)


def moment_of(revision: Revision | Withdrawal) -> dt.datetime:
    return revision.withdrawn if isinstance(revision, Withdrawal) else revision.updated


def withdrawn(revisions: Sequence[Revision | Withdrawal]) -> Iterator[Withdrawal]:
    return (revision for revision in revisions if isinstance(revision, Withdrawal))


def withdrawn_title(withdrawal: Withdrawal, limit: int | None = None) -> str:
    """Return the title of what replaces the article, cut between words where it has more characters than `limit`."""
    title = words_in_any_case(withdrawal.language).say("Withdrawn: {title}", title=withdrawal.title)
    return title if limit is None or len(title) <= limit else cut(title, limit - 1)  # and an ellipsis


def _single(site: Site, article_id: str, title: str, language: str, updated: dt.datetime, extension: str) -> Head:
    return _head(
        site,
        id_=single_id(site, article_id),
        title=site.title,
        description=title,
        address=site.rendition_url(article_id, extension),
        language=language,
        updated=updated,
    )


def _head(
    site: Site, *, id_: str, title: str, description: str, address: str, language: str, updated: dt.datetime | None
) -> Head:
    return Head(
        id=id_,
        title=title,
        description=description,
        home=uri(site.url),
        address=uri(address),
        language=language,
        updated=updated,
        author=site.publisher,
        logo=uri(site.logo) if site.logo else None,
        hubs=tuple(map(uri, site.hubs)),
    )
