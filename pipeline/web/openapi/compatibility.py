"""Find what a changed description would break for clients of the previous one.

A request may become more liberal and a response more specific or longer, but not vice versa. New values of an
enumeration in a response are allowed: the description tells clients to expect them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]

_UPPER = ("maxLength", "maximum", "maxItems", "exclusiveMaximum")
_LOWER = ("minLength", "minimum", "minItems", "exclusiveMinimum")


def breaking_changes(old: Document, new: Document) -> list[str]:
    """Return each incompatibility as a sentence that names the operation and the place."""
    found = []
    for path, item in old["paths"].items():
        for method, operation in item.items():
            name = f"{method.upper()} {path}"
            after = new["paths"].get(path, {}).get(method)
            if after is None:
                found.append(f"{name}: removed")
            else:
                found += _Comparison(old, new).operation(name, operation, after)
    return found


class _Comparison:
    """Compares the schemas of two documents, resolving references."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old, self.new = old, new
        self.seen: set[tuple[str, str, bool]] = set()

    def operation(self, name: str, old: Document, new: Document) -> Iterator[str]:
        yield from self._parameters(name, old, new)
        yield from self._body(f"{name} request", old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            place = f"{name} {status}"
            if status not in new["responses"]:
                yield f"{place}: response removed"
                continue
            after = new["responses"][status].get("content", {})
            for media_type, content in answer.get("content", {}).items():
                if media_type not in after:
                    yield f"{place}: {media_type} removed"
                else:
                    yield from self.schema(place, content.get("schema", {}), after[media_type].get("schema", {}))

    def _parameters(self, name: str, old: Document, new: Document) -> Iterator[str]:
        before = {(one["in"], one["name"]): one for one in old.get("parameters", [])}
        after = {(one["in"], one["name"]): one for one in new.get("parameters", [])}
        for key, one in after.items():
            if one.get("required") and not before.get(key, {}).get("required"):
                yield f"{name}: parameter {key[1]} is required now"
        for key, one in before.items():
            if key not in after:
                yield f"{name}: parameter {key[1]} removed"
            else:
                place = f"{name} parameter {key[1]}"
                yield from self.schema(place, one["schema"], after[key]["schema"], request=True)

    def _body(self, place: str, old: Document | None, new: Document | None) -> Iterator[str]:
        if old is None:
            if new is not None and new.get("required"):
                yield f"{place}: a body is required now"
            return
        after = new["content"] if new else {}
        for media_type, content in old["content"].items():
            if media_type not in after:
                yield f"{place}: {media_type} removed"
            else:
                yield from self.schema(place, content["schema"], after[media_type]["schema"], request=True)

    def schema(self, place: str, old: Document, new: Document, *, request: bool = False) -> Iterator[str]:
        key = (str(old), str(new), request)
        if key in self.seen:
            return
        self.seen.add(key)
        old, new = _resolved(self.old, old), _resolved(self.new, new)
        yield from self._types(place, old, new, request=request)
        yield from self._properties(place, old, new, request=request)
        if "items" in old and "items" in new:
            yield from self.schema(f"{place}[]", old["items"], new["items"], request=request)
        if request:
            yield from _bounds(place, old, new)

    def _types(self, place: str, old: Document, new: Document, *, request: bool) -> Iterator[str]:
        """Compare types: requests may allow more than before, responses fewer. An empty set allows any."""
        before, after = _types(self.old, old), _types(self.new, new)
        wider, narrower = (after, before) if request else (before, after)
        if wider and (not narrower or not narrower <= wider):
            yield f"{place}: {_words(before)} became {_words(after)}"

    def _properties(self, place: str, old: Document, new: Document, *, request: bool) -> Iterator[str]:
        before, after = _members(self.old, old), _members(self.new, new)
        for name, schema in before["properties"].items():
            if name not in after["properties"]:
                yield f"{place}.{name}: removed"
            else:
                yield from self.schema(f"{place}.{name}", schema, after["properties"][name], request=request)
        if request:
            yield from (f"{place}.{name}: required now" for name in sorted(after["required"] - before["required"]))
        else:
            yield from (
                f"{place}.{name}: may be left out now" for name in sorted(before["required"] - after["required"])
            )


def _bounds(place: str, old: Document, new: Document) -> Iterator[str]:
    for name in _UPPER:
        if name in new and new[name] < old.get(name, float("inf")):
            yield f"{place}: {name} is smaller"
    for name in _LOWER:
        if name in new and new[name] > old.get(name, float("-inf")):
            yield f"{place}: {name} is larger"
    if "pattern" in new and new["pattern"] != old.get("pattern"):
        yield f"{place}: pattern changed"
    if "enum" in new and not ("enum" in old and set(old["enum"]) <= set(new["enum"])):
        yield f"{place}: limited to fewer values"


def _resolved(document: Document, schema: Document) -> Document:
    while "$ref" in schema:
        *_, name = schema["$ref"].split("/")
        schema = document["components"]["schemas"][name]
    return schema


def _branches(document: Document, schema: Document) -> Iterator[Document]:
    """Yield the schema, or each of its alternatives."""
    resolved = _resolved(document, schema)
    alternatives = resolved.get("anyOf") or resolved.get("oneOf")
    if alternatives is None:
        yield resolved
    else:
        for one in alternatives:
            yield from _branches(document, one)


def _types(document: Document, schema: Document) -> set[str]:
    """Return the JSON types that a schema allows; an empty set means any."""
    found: set[str] = set()
    for one in _branches(document, schema):
        if "type" in one:
            found |= {one["type"]} if isinstance(one["type"], str) else set(one["type"])
        elif values := one.get("enum", [one["const"]] if "const" in one else None):
            found |= {_type_of(value) for value in values}
        else:
            return set()
    return found | ({"integer"} if "number" in found else set())


def _type_of(value: object) -> str:
    kinds = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return kinds.get(type(value), "object")


def _members(document: Document, schema: Document) -> dict[str, Any]:
    """Return the properties of all alternatives, and those that every alternative requires."""
    objects = [one for one in _branches(document, schema) if "properties" in one]
    properties = {name: value for one in objects for name, value in one["properties"].items()}
    required = set.intersection(*(set(one.get("required", ())) for one in objects)) if objects else set()
    return {"properties": properties, "required": required}


def _words(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "any"
