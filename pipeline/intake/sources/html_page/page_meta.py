"""Read an article's fields from a page's head: title, meta tags (plain and Open Graph), canonical link, language."""

from __future__ import annotations

import re

from lxml import etree

from pipeline.intake.fields.text import line

_TAGS = re.compile(r"</?[a-z][^<>]{0,500}>", re.IGNORECASE)  # in a description they are the site's mistake
_PUBLISHED = (
    "article:published_time", "citation_publication_date", "citation_date", "dc.date.issued", "dcterms.issued",
    "dc.date.created", "dcterms.created", "datepublished", "date", "dc.date", "dcterms.date", "pubdate", "publishdate",
    "publish-date", "publish_date", "published-date", "parsely-pub-date", "sailthru.date", "og:published_time",
    "article.published", "cxenseparse:recs:publishtime",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "og:updated_time", "dc.date.modified", "dcterms.modified", "datemodified", "last-modified",
    "article.updated", "lastmod",
)  # fmt: skip


def meta_fields(tree: etree._Element) -> dict[str, object]:
    """Return fields by their front matter names, without empty ones."""
    found = _meta(tree)
    image = found.get("og:image", [""])[0]
    fields: dict[str, object] = {
        "title": _first(found, "og:title", "twitter:title"),
        "site": _first(found, "og:site_name", "application-name"),
        "description": _TAGS.sub(" ", _first(found, "description", "og:description")),
        "published": _first(found, *_PUBLISHED),
        "modified": _first(found, *_MODIFIED),
        "authors": _authors(found),
        "topics": found.get("article:tag"),
        "language": (tree.get("lang") or "").strip() or _first(found, "og:locale"),
        "canonical": _canonical(tree) or _first(found, "og:url"),
        "disclaimer": _first(found, "disclaimer"),
        "licence": _first(found, "license", "dc.rights"),
        "image": image and {
            "url": image,
            "alt": _first(found, "og:image:alt"),
            "width": _number(_first(found, "og:image:width")),
            "height": _number(_first(found, "og:image:height")),
        },
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def _meta(tree: etree._Element) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for meta in tree.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        content = line(meta.get("content") or "")
        if name and content:
            found.setdefault(name, []).append(content)
    return found


def _first(found: dict[str, list[str]], *names: str) -> str:
    return next((found[name][0] for name in names if name in found), "")


def _authors(found: dict[str, list[str]]) -> list[str] | None:
    """Return the names; a profile's URL is not a name."""
    for key in ("author", "article:author", "citation_author", "dc.creator", "parsely-author", "sailthru.author"):
        if names := [name for name in found.get(key, []) if "://" not in name]:
            return names
    return None


def _canonical(tree: etree._Element) -> str:
    links = (link.get("href") for link in tree.iter("link") if "canonical" in (link.get("rel") or "").lower().split())
    return next((line(href) for href in links if href), "")


def _number(text: str) -> str | None:
    return text if text.isascii() and text.isdigit() and text.strip("0") and len(text) < 6 else None
