"""JSON-LD 1.1 in schema.org's vocabulary: what a search engine needs to know which thing is meant, and when.

Whether each term is one of schema.org's, and has a value that fits, is known only by its vocabulary: the tests have it.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.judging.parts.json_object import JSON, Object, not_fit
from pipeline.judging.parts.judge import Judge, Rule
from pipeline.judging.parts.values import is_day, is_rfc3339, is_uri, is_year_or_month, quoted

_CONTEXTS = ("https://schema.org", "https://schema.org/", "http://schema.org", "http://schema.org/")
_KEYWORDS = frozenset({
    "@base", "@container", "@context", "@direction", "@graph", "@id", "@import", "@included", "@index", "@json",
    "@language", "@list", "@nest", "@none", "@prefix", "@propagate", "@protected", "@reverse", "@set", "@type",
    "@value", "@version", "@vocab",
})  # fmt: skip
_DATES = ("dateCreated", "dateModified", "datePublished", "expires", "lastReviewed")


def _context(document: Object) -> Iterator[str]:
    if document.get("@context") not in _CONTEXTS:
        yield f"@context is {quoted(document.get('@context'))}, not schema.org"


def _keywords(document: Object) -> Iterator[str]:
    for node in _nodes(document):
        yield from (f"{quoted(name)} is no keyword" for name in node if name.startswith("@") and name not in _KEYWORDS)


def _types(document: Object) -> Iterator[str]:
    for node in _nodes(document):
        if not node.get("@type") and "@value" not in node and set(node) != {"@id"}:
            yield f"a thing of no type, with {quoted(', '.join(sorted(node)))}"


def _ids(document: Object) -> Iterator[str]:
    for node in _nodes(document):
        yield from not_fit(node, ("@id", "url"), is_uri, "no absolute address")


def _dates(document: Object) -> Iterator[str]:
    for node in _nodes(document):
        yield from not_fit(node, _DATES, _is_date, "no date of ISO 8601")


def _is_date(value: object) -> bool:
    return is_day(value) or is_rfc3339(value) or is_year_or_month(value)


def _nodes(document: Object) -> Iterator[Object]:
    """Yield every object, from outside in."""
    waiting: list[object] = [document]
    while waiting:
        match waiting.pop():
            case dict() as node:
                yield node
                waiting += node.values()
            case list() as several:
                waiting += several


JUDGE = Judge(
    "json-ld",
    JSON,
    (
        Rule("context", "JSON-LD 1.1, section 3.1", _context),
        Rule("keywords", "JSON-LD 1.1, section 1.7", _keywords),
        Rule("types", "schema.org, Data model: each thing is of a type", _types),
        Rule("ids", "JSON-LD 1.1, section 3.3; schema.org/url", _ids),
        Rule("dates", "schema.org/Date and schema.org/DateTime", _dates),
    ),
)
