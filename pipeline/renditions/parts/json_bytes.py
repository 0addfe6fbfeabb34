"""A JSON document as bytes: compact UTF-8, keys in the order they were given, one newline at the end."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.renditions.parts.text import clean


def json_bytes(document: dict[str, Any]) -> bytes:
    """Encode a document without members that are None or empty, and without characters that no format may contain."""
    return msgspec.json.encode(_tidy(document)) + b"\n"


def json_part(value: Any) -> bytes:
    """Encode a part of such a document, which goes into it as `msgspec.Raw`."""
    return msgspec.json.encode(_tidy(value))


def _tidy(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case dict():
            return {key: tidied for key, item in value.items() if (tidied := _tidy(item)) or tidied == 0}
        case list() | tuple():
            return [tidied for item in value if (tidied := _tidy(item)) or tidied == 0]
        case _:
            return value
