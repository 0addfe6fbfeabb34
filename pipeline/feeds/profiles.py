"""What partners' ingestion requires of a feed beyond RSS. Every broken rule is reported.

An entry that breaks a rule is left out, because a partner may refuse a whole feed for one entry. A feed that breaks a
rule itself is still built, because otherwise all of its entries would be lost. The rules summarise the partners' own
pages, which change without notice, so a finding names the rule for an operator to compare.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.renditions.rss.partner_marks import MSN_AGE, MSN_TITLE, date_taken_back, title_taken_back

_SMARTNEWS_BYTES = 1_000_000
_SMARTNEWS_DESCRIPTION = 30
_FLIPBOARD_EXCERPT = 300
_FLIPBOARD_WIDTH = 500  # pixels
_FLIPBOARD_ITEMS = 20


class Finding(Struct, frozen=True, omit_defaults=True):
    """A broken rule. Without an article, the feed itself breaks it."""

    rule: str
    detail: str
    article: str | None = None


def entry_findings(feed: Feed, revision: Revision, site: Site, now: dt.datetime) -> list[Finding]:
    """Return why the partner would refuse the entry, or an empty list. `now` is the time at which the feed is built."""
    check = _ENTRY.get(feed.profile or "")
    if check is None:
        return []
    return [Finding(rule, detail, revision.article.id) for rule, detail in check(feed, revision, site, now)]


def withdrawal_findings(feed: Feed, withdrawal: Withdrawal, site: Site, now: dt.datetime) -> list[Finding]:
    """Return why the partner would refuse the item that reports a withdrawal, or an empty list."""
    if feed.profile not in ("msn", "smartnews"):
        return []
    broken = [*_language(feed.profile, feed, withdrawal.language, site)]
    if feed.profile == "msn":
        broken += _msn_title(title_taken_back(feed, withdrawal))
        broken += _msn_date(date_taken_back(feed, withdrawal), now)
    return [Finding(rule, detail, withdrawal.article_id) for rule, detail in broken]


def feed_findings(feed: Feed, entries: Sequence[Revision], site: Site) -> list[Finding]:
    """Return what the partner would object to in the feed as a whole."""
    check = _FEED.get(feed.profile or "")
    return [] if check is None else [Finding(rule, detail) for rule, detail in check(feed, entries, site)]


def document_findings(feed: Feed, body: bytes) -> list[Finding]:
    """Return what the partner would object to in the built document."""
    if feed.profile == "smartnews" and len(body) > _SMARTNEWS_BYTES:
        detail = f"the document has {len(body):,} bytes, at most {_SMARTNEWS_BYTES:,} are taken: set a smaller size"
        return [Finding("smartnews-size", detail)]
    return []


_Findings = Iterator[tuple[str, str]]


def _msn(feed: Feed, revision: Revision, site: Site, now: dt.datetime) -> _Findings:
    yield from _msn_title(revision.article.title)
    yield from _language("msn", feed, revision.article.language, site)
    yield from _msn_date(_published(revision), now)


def _msn_title(title: str) -> _Findings:
    least, most = MSN_TITLE
    if not least < len(title) <= most:
        yield "msn-title", f"the title has {len(title)} characters, not {least + 1} to {most}"


def _msn_date(published: dt.datetime, now: dt.datetime) -> _Findings:
    if published > now:
        yield "msn-date", f"it is dated {published.date()}, which is still to come"
    elif now - published > MSN_AGE:
        yield "msn-date", f"it is dated {published.date()}, more than {MSN_AGE.days} days ago"


def _flipboard(feed: Feed, revision: Revision, site: Site, now: dt.datetime) -> _Findings:
    article = revision.article
    if len(article.answer) < _FLIPBOARD_EXCERPT:
        yield "flipboard-excerpt", f"the answer has {len(article.answer)} characters, fewer than {_FLIPBOARD_EXCERPT}"
    if article.image is None:
        yield "flipboard-image", "there is no image"
    elif (article.image.width or 0) < _FLIPBOARD_WIDTH:
        known = f"is {article.image.width} pixels wide" if article.image.width else "says no width"
        yield "flipboard-image", f"the image {known}; at least {_FLIPBOARD_WIDTH} are asked for"
    yield from _language("flipboard", feed, article.language, site)


def _smartnews(feed: Feed, revision: Revision, site: Site, now: dt.datetime) -> _Findings:
    if _published(revision) > now:
        yield "smartnews-date", f"it is dated {_published(revision).date()}, which is still to come"
    yield from _language("smartnews", feed, revision.article.language, site)


def _smartnews_feed(feed: Feed, entries: Sequence[Revision], site: Site) -> _Findings:
    if not feed.description or len(feed.description) > _SMARTNEWS_DESCRIPTION:
        yield "smartnews-description", f"the feed needs a description of at most {_SMARTNEWS_DESCRIPTION} characters"
    if not site.logo:
        yield "smartnews-logo", "the site needs a logo"


def _flipboard_feed(feed: Feed, entries: Sequence[Revision], site: Site) -> _Findings:
    if len(entries) < _FLIPBOARD_ITEMS:
        yield "flipboard-items", f"the feed holds {len(entries)} entries, fewer than {_FLIPBOARD_ITEMS}"


def _language(partner: str, feed: Feed, spoken: str, site: Site) -> _Findings:
    """Require that the feed has a single language, the one it declares."""
    language = feed.language or site.language
    if _primary(language) != _primary(spoken):
        yield f"{partner}-language", f"it is in {spoken!r}, the feed in {language!r}"


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


def _published(revision: Revision) -> dt.datetime:
    return min(revision.article.published or revision.published, revision.updated)


_ENTRY: Mapping[str, Callable[[Feed, Revision, Site, dt.datetime], _Findings]] = {
    "msn": _msn,
    "smartnews": _smartnews,
    "flipboard": _flipboard,
}
_FEED: Mapping[str, Callable[[Feed, Sequence[Revision], Site], _Findings]] = {
    "smartnews": _smartnews_feed,
    "flipboard": _flipboard_feed,
}
