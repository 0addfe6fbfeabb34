"""Read an article's fields from a page's microdata (`itemprop`) and authorship links."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from pipeline.intake.fields.text import line
from pipeline.intake.sources.html_page.words import short_text

_ARTICLE = re.compile(r"schema\.org/(?:\w*(?:Article|Posting|Report)|MedicalWebPage|WebPage)\b")
_NAMES = {
    "headline": "title", "datepublished": "published", "datemodified": "modified", "lastreviewed": "reviewed",
    "author": "authors", "reviewedby": "reviewers", "license": "licence", "inlanguage": "language",
}  # fmt: skip
_LISTS = frozenset({"authors", "reviewers"})
_MOST_LINE = 300  # anything longer is not a name, date or title
_MOST_PEOPLE = 50


def microdata_fields(tree: etree._Element) -> dict[str, object]:
    """Return fields by their front matter names, from properties that belong to an article or to no item."""
    found: dict[str, object] = {}
    people: dict[str, list[str]] = {"authors": [], "reviewers": []}
    for element in tree.iter(etree.Element):
        for name in (element.get("itemprop") or "").lower().split():
            field, value = _NAMES.get(name), _value(element)
            if field is None or not value or len(value) > _MOST_LINE or not _of_article(element):
                continue
            if field in _LISTS:
                people[field].append(value)
            else:
                found.setdefault(field, value)
    people["authors"] = people["authors"] or list(_linked_authors(tree))
    for field, names in people.items():
        found[field] = list(dict.fromkeys(names))[:_MOST_PEOPLE]
    return {name: value for name, value in found.items() if value}


def _value(element: etree._Element) -> str:
    """Return an item's name, or the value of a property (HTML, section 5.2.4)."""
    if element.get("itemscope") is not None:
        named = (inner for inner in element.iter(etree.Element) if inner.get("itemprop") == "name")
        inner = next(named, None)
        return _value(inner) if inner is not None and inner is not element else ""
    given = element.get("content") or element.get("datetime")
    return line(given if given is not None else short_text(element))


def _of_article(element: etree._Element) -> bool:
    above = element.getparent()
    while above is not None:
        if above.get("itemscope") is not None:
            return bool(_ARTICLE.search(above.get("itemtype") or ""))
        above = above.getparent()
    return True


def _linked_authors(tree: etree._Element) -> Iterator[str]:
    for link in tree.iter("a"):
        name = line(short_text(link))
        if "author" in (link.get("rel") or "").lower().split() and 0 < len(name) <= _MOST_LINE:
            yield name
