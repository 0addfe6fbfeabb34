"""The feed of evidence changes, as Atom and as JSON Feed. Pure: the same changes give the same bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.citations import citation_html, citation_text, editorial_label, editorial_notice
from pipeline.citations.links import pubmed_url
from pipeline.feeds.listing import LABELS, Address
from pipeline.ledger.evidence.changes import RecordedChange
from pipeline.model.article import CitedWork
from pipeline.model.moment import rfc3339
from pipeline.model.reference import CitedReference
from pipeline.model.site import Site
from pipeline.renditions.parts.feed_xml import Entry, atom_entry, element, write_atom
from pipeline.renditions.parts.head import Head
from pipeline.renditions.parts.identity import id_prefix
from pipeline.renditions.parts.json_bytes import json_bytes
from pipeline.renditions.parts.text import escape
from pipeline.renditions.parts.uri import uri

ATOM, JSON = "application/atom+xml", "application/feed+json"
_BEGINNING = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DESCRIPTION = "Papers cited here whose editorial status has changed, by PubMed."


def modified(changes: Sequence[RecordedChange]) -> dt.datetime:
    """Return the time at which the newest change was noticed."""
    return max((change.at for change in changes), default=_BEGINNING)


def atom(changes: Sequence[RecordedChange], site: Site) -> bytes:
    """Return the changes as an Atom feed (RFC 4287), newest first."""
    head = Head(
        id=f"{id_prefix(site)}/evidence/changes",
        title=_title(site),
        description=_DESCRIPTION,
        home=uri(site.url),
        address=_address(site, "atom"),
        language="en",
        updated=modified(changes),
        author=site.publisher,
        logo=None,
        hubs=(),
    )
    return write_atom(head, [atom_entry(_entry(change, site)) for change in changes])


def json_feed(changes: Sequence[RecordedChange], site: Site) -> bytes:
    """Return the changes as JSON Feed 1.1, with the machine-readable details in `_citewire`."""
    return json_bytes(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": _title(site),
            "description": _DESCRIPTION,
            "home_page_url": uri(site.url),
            "feed_url": _address(site, "json"),
            "language": "en",
            "authors": [{"name": site.publisher}],
            "items": [_item(change, site) for change in changes] or msgspec.Raw(b"[]"),  # required, even when empty
        }
    )


def _entry(change: RecordedChange, site: Site) -> Entry:
    return Entry(
        id=_id(change, site),
        title=_headline(change),
        link=pubmed_url(change.pmid),
        summary=_summary(change),
        content=_content(change, site),
        language="en",
        published=change.at,
        updated=change.at,
        categories=tuple((state, editorial_label(state), None) for state in change.gained),
        extras=(element("link", rel="alternate", href=pubmed_url(change.pmid), type="text/html"),),
    )


def _item(change: RecordedChange, site: Site) -> dict[str, Any]:
    return {
        "id": _id(change, site),
        "url": pubmed_url(change.pmid),
        "title": _headline(change),
        "content_html": _content(change, site),
        "summary": _summary(change),
        "date_published": rfc3339(change.at),
        "tags": [editorial_label(state) for state in change.gained],
        "_citewire": {
            "pmid": change.pmid,
            "gained": list(change.gained),
            "lost": list(change.lost),
            "editorial": list(change.record.editorial),
            "articles": list(change.articles),
        },
    }


def _headline(change: RecordedChange) -> str:
    """Return a headline such as "Retracted: A trial of something" or "No longer expression of concern: …"."""
    labels = [editorial_label(state) for state in change.gained]
    labels += [f"No longer {editorial_label(state).lower()}" for state in change.lost]
    return f"{'; '.join(labels)}: {change.record.title}"


def _summary(change: RecordedChange) -> str:
    parts = (editorial_notice(change.record), citation_text(_cited(change)), f"Cited by {len(change.articles)} here.")
    return " ".join(part for part in parts if part)


def _content(change: RecordedChange, site: Site) -> str:
    notice = editorial_notice(change.record)
    articles = "".join(
        f'<li><a href="{escape(uri(site.article_url(article)))}">{escape(article)}</a></li>'
        for article in change.articles
    )
    notice_html = f"<p>{escape(notice)}</p>" if notice else ""
    return f"{notice_html}<p>{citation_html(_cited(change))}</p><p>Cited by:</p><ul>{articles}</ul>"


def _cited(change: RecordedChange) -> CitedReference:
    return CitedReference(1, CitedWork(scheme="pmid", value=change.pmid), "resolved", change.record)


def _id(change: RecordedChange, site: Site) -> str:
    return f"{id_prefix(site)}/evidence/changes/{change.id}"


def _title(site: Site) -> str:
    return f"{site.title}: evidence changes"


def addresses(site: Site) -> tuple[Address, ...]:
    """Return where the feed is, in both its formats."""
    return (
        Address("atom", LABELS["atom"], ATOM, _address(site, "atom")),
        Address("json-feed", LABELS["json-feed"], JSON, _address(site, "json")),
    )


def _address(site: Site, extension: str) -> str:
    return f"{site.served}/evidence/changes.{extension}"
