"""The associations of a ninjs item: its picture, the works that it cites, and its links.

The schema requires a `name` and a `uri` of each.
"""

from __future__ import annotations

from typing import Any

from pipeline.appraisal.statement import evidence_words
from pipeline.citations import citation_text, editorial_labels, editorial_notice, title_text
from pipeline.model.article import Article, Image
from pipeline.model.reference import CitedReference, Marks, Reference
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.renditions.parts.content import page_url
from pipeline.renditions.parts.content_text import standing_text
from pipeline.renditions.parts.media import media_type_of
from pipeline.renditions.parts.text import clean
from pipeline.renditions.parts.uri import uri
from pipeline.wording import Words, words_of

Object = dict[str, Any]


def associations(revision: Revision, site: Site) -> list[Object]:
    article, words = revision.article, words_of(revision.article.language)
    pictures = [_picture(article.image)] if article.image else []
    page = uri(page_url(article, site))
    return [*pictures, *(_reference(cited, page, words) for cited in revision.references), *_links(article)]


def texts(role: str, value: str | None) -> list[Object]:
    """Return one text or none, because the schema refuses one without a `value`."""
    text = clean(value or "")
    return [{"role": role, "contentType": "text/plain", "value": text}] if text else []


def _picture(image: Image) -> Object:
    source = uri(image.src)
    return {
        "name": "main picture",
        "rel": "mainImage",
        "uri": source,
        "type": "picture",
        "by": image.credit,
        "headlines": texts("alt", image.alt),
        "descriptions": texts("caption", image.caption),
        "renditions": [
            {
                "name": "web",
                "href": source,
                "contentType": media_type_of(image.src),
                "width": image.width,
                "height": image.height,
            }
        ],
    }


def _reference(cited: CitedReference, page: str, words: Words) -> Object:
    """Return a cited work. Its marks are in the headline, and in `genres` for machines.

    A work without an address, or with that of another work, has the place on the article's page that lists it.
    """
    reference = cited.reference
    return {
        "name": f"Reference {cited.number}",
        "rel": "citation",
        "uri": uri(cited.work.url) if cited.work.url and cited.state != "mismatch" else f"{page}#ref-{cited.number}",
        "type": "text",
        "headlines": texts("main", f"{standing_text(cited, words)}{words.isolated(title_text(reference))}")
        if reference
        else None,
        "descriptions": [
            *texts("citation", f"{standing_text(cited, words)}{words.isolated(citation_text(cited))}"),
            *texts("notice", editorial_notice(cited.marks, words) if cited.marks else None),
            *texts("state", cited.shown_state),
            *texts("evidence", evidence_words(cited, words)),
        ],
        "genres": _genres(cited.marks, words) if cited.marks else None,
        "altIds": _ids(cited) if cited.state != "mismatch" else None,
    }


def _genres(reference: Reference | Marks, words: Words) -> list[Object]:
    pairs = zip(editorial_labels(reference, words), reference.editorial, strict=True)
    return [{"name": label, "literal": state} for label, state in pairs]


def _ids(cited: CitedReference) -> list[Object]:
    known: dict[str, str | None] = {cited.work.scheme: cited.work.value}
    if reference := cited.reference:
        known |= {"pmid": reference.pmid, "pmcid": reference.pmcid, "doi": reference.doi}
    return [{"role": role, "value": value} for role, value in known.items() if value and role not in ("url", "text")]


def _links(article: Article) -> list[Object]:
    """Return calls to action that have an address, and related articles."""
    calls = [_link(call.label, "callToAction", call.url, call.text) for call in article.calls_to_action if call.url]
    return calls + [_link(link.title, "related", link.url) for link in article.related]


def _link(name: str, rel: str, to: str, text: str | None = None) -> Object:
    return {
        "name": name,
        "rel": rel,
        "uri": uri(to),
        "type": "text",
        "headlines": texts("main", name),
        "descriptions": texts("main", text),
    }
