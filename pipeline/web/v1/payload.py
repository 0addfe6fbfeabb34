"""JSON that another system sends, decoded as a type."""

from __future__ import annotations

from typing import Any

import msgspec

from pipeline.errors import InvalidEvent

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decoded(body: bytes, type: Any, *, hint: str) -> Any:
    """Return the payload. Raises InvalidEvent, which names the member that has another type than it should."""
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$").lstrip(".") or None
        raise InvalidEvent(message, field=field, hint=hint) from error
    except NOT_JSON as error:
        raise InvalidEvent(f"is not JSON: {error}", code="invalid-json", hint=hint) from error
