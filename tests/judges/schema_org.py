"""The schema.org vocabulary as a judge of JSON-LD: terms, the domains of properties, the ranges of their values."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from judges.presence import NODE_MODULES, file

_PREFIX = "http://schema.org/"
_QUAD = re.compile(r"<([^>]*)> <([^>]*)> <([^>]*)> <[^>]*> \.")  # literals (labels, comments) do not match: not needed
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?)?)?")  # ISO 8601, reduced too
_DATE_TYPES = {"Date", "DateTime"}
_TEXT_TYPES = {"Text", "URL", "CssSelectorType", "XPathType", "PronounceableText"}


@dataclass(frozen=True)
class Vocabulary:
    parents: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # class → its direct ones
    domains: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # property → classes
    ranges: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # property → classes, data types
    kinds: Mapping[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # enumeration member → classes

    def lineage(self, name: str) -> set[str]:
        """A class and all that it is a kind of."""
        found, due = set(), [name]
        while due:
            if (one := due.pop()) not in found:
                found.add(one)
                due.extend(self.parents.get(one, ()))
        return found


@functools.cache
def vocabulary() -> Vocabulary:
    quads = file(NODE_MODULES / "@vocabulary" / "schema" / "schema.nq", hint="run `npm ci`")
    known = Vocabulary()
    into = {"subClassOf": known.parents, "domainIncludes": known.domains, "rangeIncludes": known.ranges}
    with quads.open(encoding="utf-8") as lines:
        for line in lines:
            if not (quad := _QUAD.fullmatch(line.strip())):
                continue
            subject, verb, value = (term.removeprefix(_PREFIX) for term in quad.groups())
            verb = re.split("[#/]", verb)[-1]
            if verb in into:
                into[verb][subject].add(value)
            elif verb == "type":
                known.kinds[subject].add(value.rsplit("#", 1)[-1])
    return known


def schema_findings(document: Mapping[str, Any]) -> list[str]:
    """Yield the violations of the vocabulary in a JSON-LD document."""
    context = document.get("@context")
    wrong = [] if context in ("https://schema.org", "https://schema.org/") else [f"@context is {context!r}"]
    return wrong + list(_node_findings(document, "$"))


def _node_findings(node: Mapping[str, Any], path: str) -> Iterator[str]:
    known = vocabulary()
    types = _many(node.get("@type"))
    if not types and set(node) != {"@id"}:
        yield f"{path}: no @type"
    for name in types:
        if "Class" not in known.kinds[name]:
            yield f"{path}: {name!r} is no class of schema.org"
    lineage = {one for name in types for one in known.lineage(name)}
    for key, value in node.items():
        if key.startswith("@"):
            continue
        if key not in known.domains:
            yield f"{path}.{key}: no property of schema.org"
            continue
        if lineage and not known.domains[key] & lineage:
            yield f"{path}.{key}: not a property of {types}, but of {sorted(known.domains[key])}"
        for index, one in enumerate(_many(value)):
            yield from _value_findings(key, one, f"{path}.{key}[{index}]")


def _value_findings(key: str, value: object, path: str) -> Iterator[str]:
    known = vocabulary()
    allowed = known.ranges[key]
    if isinstance(value, Mapping):
        types = _many(value.get("@type"))
        if types and not allowed & {one for name in types for one in known.lineage(name)}:
            yield f"{path}: {types} is not in the range {sorted(allowed)}"
        yield from _node_findings(value, path)
    elif value in (None, "", []):
        yield f"{path}: is empty"
    elif not _literal_fits(value, allowed):
        yield f"{path}: {value!r} does not fit the range {sorted(allowed)}"


def _literal_fits(value: object, allowed: set[str]) -> bool:
    if isinstance(value, bool):
        return "Boolean" in allowed
    if isinstance(value, int | float):
        return bool(allowed & {"Number", "Integer", "Float"})
    text = str(value)
    member = text.removeprefix("https://schema.org/")
    return (
        bool(allowed & _TEXT_TYPES)
        or (bool(allowed & _DATE_TYPES) and bool(_DATE.fullmatch(text)))
        or (member != text and bool(allowed & vocabulary().kinds[member]))
    )


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
