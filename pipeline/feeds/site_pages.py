"""The site's own pages, in its language: the front page, the list of articles, what is not found; robots.txt, an icon.

Plain HTML without scripts. Titles are in the language of their article, and say so where that is not the site's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from msgspec import Struct

from pipeline.citations import editorial_label
from pipeline.citations.links import pubmed_url
from pipeline.feeds.evidence import addresses
from pipeline.feeds.listing import Listed
from pipeline.feeds.sitemaps import address_of
from pipeline.ledger.evidence.changes import RecordedChange
from pipeline.ledger.feeds.newest import Shown, Topic
from pipeline.model.article import direction_of
from pipeline.model.site import Site
from pipeline.renditions.parts.dates import time_html
from pipeline.renditions.parts.labels import foreign_attributes, sentence_html
from pipeline.renditions.parts.markup import attributes
from pipeline.renditions.parts.templates import templates
from pipeline.renditions.parts.text import clean, escape
from pipeline.renditions.parts.uri import uri
from pipeline.wording import words_in_any_case

_TEMPLATES = Path(__file__).parent / "templates"
_TOPICS = 24  # on the front page
ICON = "image/svg+xml"


class Linked(Struct, frozen=True):
    """An article in a list."""

    title: str
    address: str
    marked: Markup  # attributes of its title, which say its language where that is not the site's
    named: Markup  # … and of the names of its topics, which are isolated anyway
    dated: Markup  # when it was published
    topics: tuple[Topic, ...]


class Changed(Struct, frozen=True):
    """A paper whose editorial status has changed."""

    title: str
    address: str
    what: str
    when: Markup


def linked(site: Site, shown: Shown, name: str) -> Linked | None:
    """Return an article under its present name as a list has it; None: it is another site's, which lists it itself."""
    address = address_of(site, name, shown.canonical)
    if address is None:
        return None
    language = shown.content.language
    own = None if language == site.language else language
    marked, named = attributes(lang=own, dir_=own and direction_of(own)), attributes(lang=own)
    words = words_in_any_case(site.language)
    published = time_html(shown.published, words)
    dated = sentence_html(words, words.translated("Published {date}"), spanned=False, date=published)
    return Linked(
        title=shown.content.title,
        address=uri(address),
        marked=Markup(marked),  # noqa: S704 # escaped, as the others
        named=Markup(named),  # noqa: S704
        dated=Markup(dated),  # noqa: S704
        topics=shown.content.topics,
    )


def changed(site: Site, change: RecordedChange) -> Changed:
    words = words_in_any_case(site.language)
    what = [words.translated(editorial_label(state)) for state in change.gained]
    what += [words.say("No longer: {label}", label=words.translated(editorial_label(state))) for state in change.lost]
    when = Markup(time_html(change.at, words))  # noqa: S704 # escaped
    return Changed(change.record.title, pubmed_url(change.pmid), "; ".join(what), when)


def front_page(
    site: Site, entries: Sequence[Linked], feeds: Sequence[Listed], changes: Sequence[Changed] = ()
) -> bytes:
    """Return the page at `/`: the newest articles with their topics, what became of cited papers, and the feeds."""
    topics = {topic.slug: topic for one in entries for topic in one.topics}
    named, evidence = [*topics.values()][:_TOPICS], addresses(site)
    return _page(site, "front", entries=entries, feeds=feeds, changes=changes, topics=named, evidence=evidence)


def articles_page(site: Site, entries: Sequence[Linked], *, topic: str | None, later: bool, older: str | None) -> bytes:
    """Return a page of the list. `older`: the address of the next page; `later`: this is not the first one.

    A topic has the name that an article gives it. What was asked for is not repeated: the page would say anything.
    """
    named = {each.slug: each.name for one in entries for each in one.topics}
    part = later or topic is not None
    return _page(site, "articles", entries=entries, topic=named.get(topic or ""), part=part, older=older)


def unknown_page(site: Site) -> bytes:
    """Return the page in place of one that is not there."""
    return _page(site, "unknown")


def subscribe_page(site: Site, feeds: Sequence[Listed]) -> bytes:
    """Return the page with every feed in every format, and how to use the addresses."""
    return _page(site, "subscribe", feeds=feeds, opml=f"{site.served}/feeds.opml")


def robots(site: Site) -> bytes:
    """Return robots.txt (RFC 9309): all may be read. What is private asks for a token, and is not named here."""
    return f"User-agent: *\nDisallow:\n\nSitemap: {uri(site.served)}/sitemap.xml\n".encode()


def icon(site: Site) -> bytes:
    """Return a picture of the first letter of the site's name."""
    letter = next((sign for sign in clean(site.title).upper() if sign.isalnum()), "·")
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" '
        'fill="#0b5f66"/><text x="16" y="23" text-anchor="middle" font-family="Georgia, serif" font-size="20" '
        f'font-weight="700" fill="#fff">{escape(letter)}</text></svg>\n'
    ).encode()


def _page(site: Site, template: str, **values: object) -> bytes:
    words = words_in_any_case(site.language)
    ready = {
        "site": site,
        "home": uri(site.served),
        "direction": direction_of(site.language),
        "say": words.say,
        "foreign": Markup(foreign_attributes(words)),  # noqa: S704 # a language tag of ours
    }
    return templates(_TEMPLATES).get_template(f"{template}.html.j2").render(ready | values).encode()
