"""What a page's head says of its article: title, meta tags (plain and Open Graph), canonical link, language."""

from __future__ import annotations

import re

from lxml import etree

from pipeline.intake.body.elements import text_in
from pipeline.intake.fields.text import line

_SITE_SUFFIX = re.compile(r"\s+[|–—·-]\s+[^|–—·]{1,60}$")


def meta_fields(tree: etree._Element) -> dict[str, object]:
    """Fields by the names of the front matter; only those that say something."""
    found = _meta(tree)
    image = found.get("og:image", [""])[0]
    fields: dict[str, object] = {
        "title": _first(found, "og:title", "twitter:title") or _title(tree),
        "summary": _first(found, "description", "og:description"),
        "published": _first(found, "article:published_time", "date", "dc.date", "citation_publication_date"),
        "modified": _first(found, "article:modified_time", "last-modified"),
        "authors": found.get("author") or found.get("article:author") or found.get("citation_author"),
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
        name = (meta.get("property") or meta.get("name") or "").strip().lower()
        content = line(meta.get("content") or "")
        if name and content:
            found.setdefault(name, []).append(content)
    return found


def _first(found: dict[str, list[str]], *names: str) -> str:
    return next((found[name][0] for name in names if name in found), "")


def _title(tree: etree._Element) -> str:
    """The one h1, or else the page's title without the name of the site behind it."""
    headings = [text for text in (line(text_in(h)) for h in tree.iter("h1")) if text]
    if len(headings) == 1:
        return headings[0]
    title = tree.find(".//title")
    text = line(text_in(title)) if title is not None else ""
    return _SITE_SUFFIX.sub("", text) or text


def _canonical(tree: etree._Element) -> str:
    links = (link.get("href") for link in tree.iter("link") if "canonical" in (link.get("rel") or "").lower().split())
    return next((line(href) for href in links if href), "")


def _number(text: str) -> str | None:
    return text if text.isascii() and text.isdigit() and text.strip("0") and len(text) < 6 else None
