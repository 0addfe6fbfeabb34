"""Read an article's fields from a page's JSON-LD (schema.org). Lenient, because pages are written for others."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipeline.flattening.scripts import subscript, superscript
from pipeline.intake.fields.text import line, paragraphs

_ARTICLES = (
    "MedicalWebPage", "MedicalScholarlyArticle", "NewsArticle", "BlogPosting", "ScholarlyArticle", "TechArticle",
    "Report", "Article", "FAQPage", "QAPage", "WebPage",
)  # fmt: skip
_PARAGRAPH_ENDS = re.compile(r"</(?:p|li|h[1-6]|div)\s*>|<br\s*/?>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{0,500}>")
_SCRIPTS = re.compile(r"<(su[bp])(?:\s[^<>]{0,500})?>([^<>]{0,100})</\1\s*>", re.IGNORECASE)
_SLUG = re.compile(r"(?=.{1,120}$)[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_DEPTH = 12

Node = Mapping[str, object]


def fields_of(scripts: Iterable[str]) -> dict[str, object]:
    """Return the fields of the scripts' article nodes; a node more specific to the article precedes a `WebPage`."""
    nodes = [node for script in scripts for node in _nodes(_loaded(script))]
    found: dict[str, object] = {}
    for node in sorted(nodes, key=_rank):
        if _rank(node) == len(_ARTICLES):
            continue
        for name, value in _fields(node).items():
            found.setdefault(name, value)
    return found


def _loaded(script: str) -> object:
    try:
        loaded: object = json.loads(script)
    except (ValueError, RecursionError):
        return None  # broken metadata of a page is not the fault of the article's author
    return loaded


def _nodes(value: object, depth: int = 0) -> Iterator[Node]:
    """Yield the nodes of a document: one, a list, or a graph of them, but not the objects nested in a node."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, Sequence) and not isinstance(value, str):
        for entry in value:
            yield from _nodes(entry, depth + 1)
    elif isinstance(value, Mapping):
        yield value
        yield from _nodes(value.get("@graph"), depth + 1)


def _types(node: Node) -> list[str]:
    return [kind.rpartition("/")[2] for kind in _each(node.get("@type")) if isinstance(kind, str)]


def _rank(node: Node) -> int:
    ranks = (_ARTICLES.index(kind) for kind in _types(node) if kind in _ARTICLES)
    return min(ranks, default=len(_ARTICLES))


def _fields(node: Node) -> dict[str, object]:
    question = next((_as_node(q) for q in _each(node.get("mainEntity")) if "Question" in _types(_as_node(q))), {})
    answer = _as_node(_first(question.get("acceptedAnswer")))
    identifier = node.get("identifier")
    found: dict[str, object] = {
        "id": identifier if isinstance(identifier, str) and _SLUG.fullmatch(identifier) else None,
        "title": _text(node.get("headline")) or _text(node.get("name")),
        "site": _text(_as_node(node.get("publisher")).get("name")),
        "article_body": _prose(node.get("articleBody")),
        "question": _text(question.get("name")),
        "summary": _prose(answer.get("text")) or _prose(node.get("abstract")),
        "description": _prose(node.get("description")),
        "published": _text(node.get("datePublished")),
        "modified": _text(node.get("dateModified")),
        "reviewed": _text(node.get("lastReviewed")),
        "authors": [_person(p) for p in _each(node.get("author"))],
        "reviewers": [_person(p) for p in _each(node.get("reviewedBy"))],
        "topics": [_topic(t) for t in _each(node.get("about"))],
        "language": _text(_as_node(node.get("inLanguage")).get("alternateName")) or _text(node.get("inLanguage")),
        "image": _image(_first(node.get("image"))),
        "calls_to_action": [_action(a) for a in _each(node.get("potentialAction"))],
        "related": [r for r in _each(node.get("relatedLink")) if isinstance(r, str)],
        "licence": _text(node.get("license")),
        "references": [r for c in _each(node.get("citation")) if (r := _reference(c))],
        "disclaimer": _prose(node.get("usageInfo")),
    }
    return {name: _without_gaps(value) for name, value in found.items() if value}


def _without_gaps(value: object) -> object:
    return [entry for entry in value if entry] if isinstance(value, list) else value


def _each(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _first(value: object) -> object:
    return next(iter(_each(value)), None)


def _as_node(value: object) -> Node:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """Return a text without markup: the name of a node, the first entry of a list."""
    first = _first(value)
    if isinstance(first, Mapping):
        first = first.get("@value") or first.get("name")
    return line(_decoded(_TAGS.sub(" ", _SCRIPTS.sub(_script, first)))) if isinstance(first, str) else ""


def _prose(value: object) -> str:
    """Return a text as `_text` does, with its paragraphs separated by blank lines."""
    first = _first(value)
    if not isinstance(first, str):
        return _text(first)
    parted = _PARAGRAPH_ENDS.sub("\n\n", _SCRIPTS.sub(_script, first))
    return paragraphs(_decoded(_TAGS.sub(" ", parted)))


def _decoded(text: str) -> str:
    """Decode entities once: a page that escapes them twice shows them to its readers too."""
    return html.unescape(text)


def _script(match: re.Match[str]) -> str:
    """Return sub- or superscript text in Unicode's own characters if they exist."""
    return superscript(match[2]) if match[1].lower() == "sup" else subscript(match[2])


def _kept(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value}


def _person(value: object) -> object:
    if not isinstance(value, Mapping):
        return _text(value)
    name = _text(value.get("name")) or " ".join(
        part for part in (_text(value.get("givenName")), _text(value.get("familyName"))) if part
    )
    credentials = _text(value.get("honorificSuffix")) or ", ".join(
        filter(None, (_text(_as_node(c).get("credentialCategory")) for c in _each(value.get("hasCredential"))))
    )
    return name and _kept(
        name=name,
        credentials=credentials,
        role=_text(value.get("jobTitle")) or _text(value.get("medicalSpecialty")),
        organisation=_text(value.get("affiliation")) or _text(value.get("worksFor")),
        url=_text(value.get("url")),
    )


def _topic(value: object) -> object:
    if not isinstance(value, Mapping):
        return _text(value)
    codes = [_as_node(code) for code in _each(value.get("code")) + _each(value.get("identifier"))]
    mesh = next((_text(c.get("codeValue") or c.get("value")) for c in codes if "mesh" in str(c).lower()), "")
    name = _text(value.get("name"))
    kind = next((_KINDS_OF_TOPICS[type_] for type_ in _types(value) if type_ in _KINDS_OF_TOPICS), "")
    return name and _kept(name=name, kind=kind, mesh=mesh, url=_text(value.get("url")))


_KINDS_OF_TOPICS = {
    "MedicalCondition": "condition", "InfectiousDisease": "condition", "Drug": "drug", "DrugClass": "drug",
    "MedicalTest": "test", "MedicalProcedure": "procedure", "SurgicalProcedure": "procedure",
    "MedicalTherapy": "therapy", "AnatomicalStructure": "anatomy", "AnatomicalSystem": "anatomy",
    "MedicalSignOrSymptom": "symptom", "MedicalSymptom": "symptom", "LifestyleModification": "lifestyle",
}  # fmt: skip


def _image(value: object) -> object:
    if not isinstance(value, Mapping):
        return _text(value)
    address = _text(value.get("url")) or _text(value.get("contentUrl"))
    return address and _kept(
        url=address,
        alt=_text(value.get("description")),
        width=_size(value.get("width")),
        height=_size(value.get("height")),
        caption=_text(value.get("caption")),
        credit=_text(value.get("creditText")),
    )


def _size(value: object) -> object:
    size = _as_node(value).get("value", value)
    digits = str(size).strip().removesuffix("px")
    return digits if digits.isascii() and digits.isdigit() and digits.strip("0") and len(digits) < 6 else None


def _action(value: object) -> object:
    node = _as_node(value)
    target = _first(node.get("target"))
    address = _text(_as_node(target).get("urlTemplate")) or _text(node.get("url")) or _text(target)
    label = _text(node.get("name"))
    if "{" in address or "SearchAction" in _types(node):
        return None
    return label and _kept(label=label, url=address, text=_text(node.get("description")))


def _reference(value: object) -> object:
    """Return the first identifier that names a work, preferring a PMID or DOI to a URL."""
    if not isinstance(value, Mapping):
        return _text(value)
    found = {str(_as_node(i).get("propertyID", "")).lower(): _text(_as_node(i).get("value"))
             for i in _each(value.get("identifier")) if isinstance(i, Mapping)}  # fmt: skip
    for key in ("pmid", "pmcid", "doi"):
        if found.get(key):
            return {key: found[key]}
    plain = [_text(i) for i in _each(value.get("identifier")) if isinstance(i, str)]
    links = [_text(link) for link in [*_each(value.get("sameAs")), *_each(value.get("url")), value.get("@id")]]
    candidates = [text for text in (*plain, *links) if text]
    return next((c for c in candidates if "pubmed" in c.lower()), next(iter(candidates), _text(value.get("name"))))
