"""ninjs 3.1 (IPTC's News in JSON): one news item, as newsrooms take it in.

The schema rejects unknown members and requires every address to be a URI. What it has no place for (sections,
disclaimers, calls to action without an address) is in the two `bodies`, HTML and plain text, each of which has the
whole article. IPTC registers no media type of its own.
"""

from __future__ import annotations

from typing import Any

from pipeline.appraisal.statement import overview_words
from pipeline.model.article import Article, Person, Topic
from pipeline.model.moment import rfc3339
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.ninjs.associations import associations, texts
from pipeline.renditions.parts.content import content_html, page_url
from pipeline.renditions.parts.content_text import content_text
from pipeline.renditions.parts.dates import dates_of, next_review_text
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.identity import entry_id
from pipeline.renditions.parts.json_bytes import json_bytes
from pipeline.renditions.parts.people import name_text
from pipeline.renditions.parts.topics import kind_address
from pipeline.renditions.parts.uri import address, uri
from pipeline.wording import words_of

STANDARD = {"name": "ninjs", "version": "3.1", "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#"}


def render(revision: Revision, site: Site) -> bytes:
    article, dates = revision.article, dates_of(revision)
    linked = address(article.licence)
    return json_bytes(
        {
            **_identity(article.id, article.canonical or site.article_url(article.name), revision.number, site),
            "pubStatus": "usable",
            "firstCreated": rfc3339(min(revision.published, revision.updated)),
            "versionCreated": rfc3339(revision.updated),
            "contentCreated": rfc3339(dates.published),
            "embargoedUntil": rfc3339(article.embargo) if article.embargo else None,
            "language": article.language,
            "title": article.title,
            "slugline": article.id,
            "headlines": [
                *texts("main", article.title),
                *texts("question", article.question),
                *texts("short", article.short_title),
            ],
            "by": "; ".join(map(name_text, article.authors)),
            "descriptions": texts("answer", article.answer),
            "bodies": _bodies(revision, site),
            "subjects": [*map(_subject, article.topics), *_kinds(article)],
            "people": [
                *(_person(person, "author") for person in article.authors),
                *(_person(person, "reviewer") for person in article.reviewers),
            ],
            "organisations": [{"name": site.publisher, "rel": "publisher", "uri": address(site.url)}],
            "infoSources": _sources(revision, site),
            "trustIndicators": _trust(revision, site),
            "associations": associations(revision, site),
            "copyrightHolder": site.publisher,
            "usageTerms": article.licence,
            "rightsInfo": {"linkedRights": linked} if linked else None,
            "standard": STANDARD,
        }
    )


def tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    """Write an item with the same `uri`, a newer `version`, `pubStatus` canceled, and none of the article's text."""
    return json_bytes(
        {
            **_identity(
                withdrawal.article_id,
                withdrawal.canonical or site.article_url(withdrawal.name),
                withdrawal.number,
                site,
            ),
            "pubStatus": "canceled",
            "firstCreated": rfc3339(withdrawal.published),
            "versionCreated": rfc3339(withdrawal.withdrawn),
            "expires": rfc3339(withdrawal.withdrawn),
            "language": withdrawal.language,
            "title": withdrawal.title,
            "slugline": withdrawal.article_id,
            "edNote": f"Withdrawn: take this article down. {withdrawal.reason}",
            "headlines": texts("main", withdrawal.title),
            "descriptions": texts("withdrawal", withdrawal.reason),
            "organisations": [{"name": site.publisher, "rel": "publisher", "uri": address(site.url)}],
            "copyrightHolder": site.publisher,
            "standard": STANDARD,
        }
    )


def _identity(article_id: str, canonical: str, number: int, site: Site) -> dict[str, Any]:
    """Return the members that identify the item. `uri` is a name, not a link: it stays when the address changes."""
    return {
        "uri": entry_id(site, article_id),
        "type": "text",
        "representationType": "full",
        "version": str(number),
        "altIds": [
            {"role": "article", "value": article_id},
            {"role": "canonical", "value": uri(canonical)},
        ],
    }


def _bodies(revision: Revision, site: Site) -> list[dict[str, Any]]:
    text = content_text(revision, site)
    counts = {"charCount": len(text), "wordCount": len(text.split())}
    return [
        {"role": "main", "contentType": "text/html", **counts, "value": content_html(revision, site)},
        {"role": "main", "contentType": "text/plain", **counts, "value": text},
    ]


def _subject(topic: Topic) -> dict[str, Any]:
    mesh = f"http://id.nlm.nih.gov/mesh/{topic.mesh}" if topic.mesh else None  # NLM's own URI; it is http
    return {
        "name": topic.name,
        "rel": "about",
        "uri": uri(mesh) if mesh else address(topic.url),
        "literal": topic.slug,
    }


def _kinds(article: Article) -> list[dict[str, Any]]:
    """Say what each topic is: a subject has no place for it but another subject, with the same `literal`."""
    return [
        {"name": topic.kind, "rel": "kind", "uri": kind, "literal": topic.slug}
        for topic in article.topics
        if (kind := kind_address(topic))
    ]


def _person(person: Person, rel: str) -> dict[str, Any]:
    details = (person.credentials, person.role, person.organisation)
    return {
        "name": person.name,
        "rel": rel,
        "uri": address(person.url),
        "literal": ", ".join(detail for detail in details if detail),
    }


def _sources(revision: Revision, site: Site) -> list[dict[str, Any]]:
    sources: list[dict[str, Any]] = [{"name": site.publisher, "role": "publisher", "uri": address(site.url)}]
    if line := attribution(revision.references, words_of(revision.article.language)):
        sources.append(
            {"name": "PubMed", "role": "citations", "uri": "https://pubmed.ncbi.nlm.nih.gov/", "literal": line}
        )
    return sources


def _trust(revision: Revision, site: Site) -> list[dict[str, Any]]:
    """Return who vouches for the article, when, and by what evidence.

    In schema.org's terms, because IPTC's own only name policies.
    """
    article, words = revision.article, words_of(revision.article.language)
    page = uri(page_url(article, site))
    reviewers = [
        _indicator(
            "reviewedBy",
            words.say("Medically reviewed by {people}", people=name_text(reviewer)),
            address(reviewer.url) or page,
        )
        for reviewer in article.reviewers
    ]
    titles = {
        "lastReviewed": words.say("Last reviewed {date}", date=words.date(article.reviewed))
        if article.reviewed
        else None,
        "ReviewAction": next_review_text(revision, words),
        "citation": overview_words(revision.references, words),
    }
    return [*reviewers, *(_indicator(role, title, page) for role, title in titles.items() if title)]


def _indicator(role: str, title: str, href: str) -> dict[str, str]:
    return {"role": f"https://schema.org/{role}", "title": title, "href": href}


FORMAT = Format(
    name="ninjs",
    media_type="application/json",
    extension="ninjs",
    render=render,
    tombstone=tombstone,
)
