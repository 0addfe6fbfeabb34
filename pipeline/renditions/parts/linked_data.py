"""An article as schema.org nodes: a MedicalWebPage with its evidence.

Members may be None or empty: they are left out when the node is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.model.article import Article, CallToAction, Image, Person, RelatedLink, Topic
from pipeline.model.moment import rfc3339
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.dates import dates_of
from pipeline.renditions.parts.evidence import attribution
from pipeline.renditions.parts.fragments import disclaimers
from pipeline.renditions.parts.json_bytes import json_bytes
from pipeline.renditions.parts.linked_evidence import evidence_node, overdue_text
from pipeline.renditions.parts.linked_references import citation_node
from pipeline.renditions.parts.topics import schema_type
from pipeline.renditions.parts.uri import address, uri
from pipeline.wording import ENGLISH

Node = dict[str, Any]


def linked_data_script(node: Node) -> str:
    """Return a node as the content of a `script` element: JSON that no HTML parser takes for markup."""
    return json_bytes(node).decode().strip().translate(_ESCAPES)


_ESCAPES = str.maketrans({mark: f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"})


def page_node(revision: Revision, site: Site) -> Node:
    """Return everything known about an article except the text of its body."""
    article, dates = revision.article, dates_of(revision)
    url = uri(page_url(article, site))
    return {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "@id": url,
        "url": url,
        "name": article.title,
        "headline": article.title,
        "alternativeHeadline": article.short_title,
        "description": article.answer,
        "inLanguage": article.language,
        "version": str(revision.number),
        "datePublished": rfc3339(dates.published),
        "dateModified": rfc3339(dates.updated),
        "lastReviewed": dates.reviewed.isoformat() if dates.reviewed else None,
        "creativeWorkStatus": overdue_text(revision),
        "reviewedBy": _people(article.reviewers),
        "author": _people(article.authors),
        "publisher": _publisher(site),
        "isPartOf": {"@type": "WebSite", "name": site.title, "url": address(site.url)},
        "audience": {"@type": "MedicalAudience", "audienceType": article.audience or "Patient"},
        "translationOfWork": _original(article, site),
        "about": [_topic(topic) for topic in article.topics],
        "image": _image(article.image) if article.image else None,
        "mainEntity": _question(article, url),
        "citation": [citation_node(cited) for cited in revision.references],
        "subjectOf": evidence_node(revision, site),
        "creditText": attribution(revision.references, ENGLISH),
        "potentialAction": [_action(call) for call in article.calls_to_action],
        "mentions": [_related(link) for link in article.related],
        "usageInfo": [{"@type": "CreativeWork", "text": text} for text in disclaimers(article, site)],
        "license": _licence(article.licence) if article.licence else None,
    }


def tombstone_node(withdrawal: Withdrawal, site: Site) -> Node:
    """Return the node of a withdrawn article: that it was withdrawn, when and why."""
    url = uri(withdrawal.canonical or site.article_url(withdrawal.name))
    return {
        "@context": "https://schema.org",
        "@type": "MedicalWebPage",
        "@id": url,
        "url": url,
        "name": withdrawal.title,
        "inLanguage": withdrawal.language,
        "version": str(withdrawal.number),
        "datePublished": rfc3339(withdrawal.published),
        "dateModified": rfc3339(withdrawal.withdrawn),
        "expires": rfc3339(withdrawal.withdrawn),
        "creativeWorkStatus": "Withdrawn",
        "correction": {
            "@type": "CorrectionComment",
            "text": withdrawal.reason,
            "datePublished": rfc3339(withdrawal.withdrawn),
        },
        "publisher": _publisher(site),
    }


# --- parts of a page ----------------------------------------------------------------------------------------------


def _original(article: Article, site: Site) -> Node | None:
    if article.translation_of is None:
        return None
    url = address(article.translation_of) or uri(site.article_url(article.translation_of))
    return {"@type": "MedicalWebPage", "@id": url, "url": url}


def _question(article: Article, url: str) -> Node | None:
    if not article.question:
        return None
    answer = {"@type": "Answer", "text": article.answer, "url": url}
    return {"@type": "Question", "name": article.question, "answerCount": 1, "acceptedAnswer": answer}


def _people(people: Iterable[Person]) -> list[Node]:
    return [
        {
            "@type": "Person",
            "name": person.name,
            "honorificSuffix": person.credentials,
            "jobTitle": person.role,
            "affiliation": {"@type": "Organization", "name": person.organisation} if person.organisation else None,
            "url": address(person.url),
        }
        for person in people
    ]


def _publisher(site: Site) -> Node:
    logo = {"@type": "ImageObject", "url": address(site.logo)} if site.logo else None
    return {"@type": "Organization", "name": site.publisher, "url": address(site.url), "logo": logo}


def _topic(topic: Topic) -> Node:
    code = {"@type": "MedicalCode", "codeValue": topic.mesh, "codingSystem": "MeSH"} if topic.mesh else None
    mesh = f"https://id.nlm.nih.gov/mesh/{topic.mesh}" if topic.mesh else None
    return {
        "@type": schema_type(topic),
        "name": topic.name,
        "code": code,
        "sameAs": mesh,
        "url": address(topic.url),
    }


def _image(image: Image) -> Node:
    return {
        "@type": "ImageObject",
        "url": address(image.src),
        "description": image.alt,
        "caption": image.caption,
        "creditText": image.credit,
        "width": _pixels(image.width),
        "height": _pixels(image.height),
    }


def _pixels(size: int | None) -> Node | None:
    return {"@type": "QuantitativeValue", "value": size, "unitCode": "E37"} if size else None  # UN/CEFACT: pixel


def _action(call: CallToAction) -> Node:
    return {"@type": "ViewAction", "name": call.label, "description": call.text, "target": address(call.url)}


def _related(link: RelatedLink) -> Node:
    return {"@type": "WebPage", "name": link.title, "url": address(link.url)}


def _licence(licence: str) -> Node | str:
    return address(licence) or {"@type": "CreativeWork", "name": licence}
