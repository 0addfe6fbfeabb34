"""JSON Feed 1.1 (jsonfeed.org/version/1.1), with the evidence as data in the extension `_citewire`.

The extension of an item has as data what HTML only shows: the article's id and revision, its question, the reviewers
and their date, the topics with MeSH ids, and each reference with its identifiers and editorial state.
JSON Feed has no form for a withdrawal. It is an item whose text says so and that has `_citewire.withdrawn`; the
extension of a feed lists every withdrawal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.appraisal.statement import overview, statement_of
from pipeline.citations import citation_text, editorial_labels
from pipeline.model.article import Article, Person, Topic
from pipeline.model.moment import rfc3339
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import SUBSCRIPTION, Format, Page
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Feed, Site
from pipeline.renditions.parts.content import content_html, former_url, page_url
from pipeline.renditions.parts.dates import dates_of
from pipeline.renditions.parts.head import (
    Head,
    article_head,
    feed_head,
    withdrawal_head,
    withdrawn,
    withdrawn_title,
)
from pipeline.renditions.parts.identity import entry_id
from pipeline.renditions.parts.json_bytes import json_bytes, json_part
from pipeline.renditions.parts.kept import Kept
from pipeline.renditions.parts.media import media_type_of
from pipeline.renditions.parts.people import name_text
from pipeline.renditions.parts.uri import address, uri
from pipeline.renditions.parts.withdrawn_entry import shown, withdrawn_html
from pipeline.wording import Words, words_of

_lately: Kept[bytes] = Kept(4_000_000, size=len)  # bytes: about two hundred articles

VERSION = "https://jsonfeed.org/version/1.1"
Json = dict[str, Any]


def render(revision: Revision, site: Site) -> bytes:
    return _write(article_head(revision, site, "json"), [_item(revision, site)])


def document(feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site) -> bytes:
    """Write the subscription document."""
    return page(feed, revisions, site, SUBSCRIPTION)


def page(feed: Feed, revisions: Sequence[Revision | Withdrawal], site: Site, place: Page) -> bytes:
    """Write one of the feed's pages; `next_url` leads to what is older. The feed's extension lists every withdrawal."""
    gone = [{"id": entry_id(site, each.article_id), **_withdrawn(each)} for each in withdrawn(revisions)]
    head = feed_head(feed, revisions, site, "json", place)
    full = feed.content == "full"
    items = [
        _withdrawn_item(entry, site, {"summary": entry.reason, "content_html": withdrawn_html(entry)})
        if isinstance(entry, Withdrawal)
        else _kept_item(entry, site, full=full)
        for entry in shown(revisions, site, place)
    ]
    return _write(head, items, withdrawn=gone)


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Write the item that replaces the article's, with the reason as its text."""
    item = _withdrawn_item(withdrawal, site, {"content_text": withdrawal.reason})
    return _write(withdrawal_head(withdrawal, site, "json"), [item])


def _withdrawn_item(withdrawal: Withdrawal, site: Site, text: Json) -> Json:
    return {
        "id": entry_id(site, withdrawal.article_id),
        "url": former_url(withdrawal, site),
        "title": withdrawn_title(withdrawal),
        **text,
        "date_published": rfc3339(withdrawal.published),
        "date_modified": rfc3339(withdrawal.withdrawn),
        "language": withdrawal.language,
        "_citewire": {"withdrawn": _withdrawn(withdrawal)},
    }


def _write(head: Head, items: Sequence[Json | msgspec.Raw], **extension: Any) -> bytes:
    feed = {
        "version": VERSION,
        "title": head.title,
        "description": head.description,
        "home_page_url": head.home,
        "feed_url": head.address,
        "next_url": dict(head.links).get("prev-archive"),
        "icon": head.logo,
        "language": head.language,
        "authors": [{"name": head.author, "url": head.home}],
        "hubs": [{"type": "WebSub", "url": hub} for hub in head.hubs],
        "_citewire": {"updated": rfc3339(head.updated) if head.updated else None, **extension},
        "items": items or msgspec.Raw(b"[]"),  # required, even when empty
    }
    return json_bytes(feed)


def _kept_item(revision: Revision, site: Site, *, full: bool) -> msgspec.Raw:
    """Return an item as bytes, which each build of a feed contains again."""
    return msgspec.Raw(_lately.of(revision, lambda: json_part(_item(revision, site, full=full)), site, full))


def _item(revision: Revision, site: Site, *, full: bool = True) -> Json:
    article, dates = revision.article, dates_of(revision)
    return {
        "id": entry_id(site, article.id),
        "url": uri(page_url(article, site)),
        "title": article.title,
        "summary": article.answer,
        "content_html": content_html(revision, site) if full else None,
        "content_text": None if full else article.answer,  # one of the two is required
        "image": uri(article.image.src) if article.image else None,
        "date_published": rfc3339(dates.published),
        "date_modified": rfc3339(dates.updated),
        "authors": [_author(person) for person in article.authors],
        "tags": [topic.name for topic in article.topics],
        "language": article.language,
        "attachments": _attachments(article),
        "_citewire": _evidence(revision),
    }


def _author(person: Person) -> Json:
    return {"name": name_text(person), "url": address(person.url)}


def _attachments(article: Article) -> list[Json]:
    """Return the image, if its address shows the media type that an attachment must have."""
    media_type = media_type_of(article.image.src) if article.image else None
    return [{"url": uri(article.image.src), "mime_type": media_type}] if article.image and media_type else []


def _evidence(revision: Revision) -> Json:
    article, words = revision.article, words_of(revision.article.language)
    return {
        "article": article.id,
        "revision": revision.number,
        "question": article.question,
        "reviewed": article.reviewed.isoformat() if article.reviewed else None,
        "next_review": article.next_review.isoformat() if article.next_review else None,
        "review_overdue": revision.overdue or None,
        "short_title": article.short_title,
        "audience": article.audience,
        "translation_of": article.translation_of,
        "reviewers": [_reviewer(person) for person in article.reviewers],
        "topics": [_topic(topic) for topic in article.topics],
        "calls_to_action": [
            {"label": call.label, "url": call.url, "text": call.text} for call in article.calls_to_action
        ],
        "evidence": _overview(revision.references),
        "references": [_reference(cited, words) for cited in revision.references],
    }


def _overview(references: Sequence[CitedReference]) -> Json | None:
    """Return the figures of all references together."""
    known = overview(references)
    figures = {"newest_year": known.newest_year, "median_year": known.median_year}
    return {"total": known.total, "watched": known.watched, **figures} if known.total else None


def _reviewer(person: Person) -> Json:
    return {
        "name": person.name,
        "credentials": person.credentials,
        "role": person.role,
        "organisation": person.organisation,
        "url": person.url,
    }


def _topic(topic: Topic) -> Json:
    return {"name": topic.name, "kind": topic.kind, "slug": topic.slug, "mesh": topic.mesh}


def _reference(cited: CitedReference, words: Words) -> Json:
    known: Json = {}
    if cited.reference:
        known = {
            "pmid": cited.reference.pmid,
            "doi": cited.reference.doi,
            "pmcid": cited.reference.pmcid,
        }
    if cited.marks:
        known |= {
            "editorial": list(cited.marks.editorial),
            "editorial_labels": list(editorial_labels(cited.marks, words)),
        }
    return {
        "number": cited.number,
        "state": cited.shown_state,
        "scheme": cited.work.scheme,
        "id": cited.work.value,
        "url": cited.work.url,
        "citation": citation_text(cited),
        **known,
        **_stated(cited),
        **({"words": cited.words} if cited.words else {}),
        **({"differs": list(cited.differs)} if cited.differs else {}),
    }


def _stated(cited: CitedReference) -> Json:
    """Return the evidence statement, without what is not known."""
    stated = statement_of(cited)
    verdicts = [{"source": one.source, "state": one.state, "date": one.date} for one in cited.verdicts]
    known: Json = {
        "weight": stated.weight,
        "year": stated.year,
        "superseded_by": list(stated.superseded_by),
        "free_full_text": stated.free_full_text,
        "identity": cited.identity if cited.identity != "unverified" else None,
        "verdicts": verdicts,
    }
    return {name: value for name, value in known.items() if value}


def _withdrawn(withdrawal: Withdrawal) -> Json:
    return {
        "article": withdrawal.article_id,
        "revision": withdrawal.number,
        "at": rfc3339(withdrawal.withdrawn),
        "reason": withdrawal.reason,
    }


FORMAT = Format("json-feed", "application/feed+json", "json", render, tombstone, document, page)
