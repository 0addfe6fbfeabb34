"""The reason for a withdrawal, which every tombstone shows, however it was submitted."""

from __future__ import annotations

from pipeline.errors import InvalidEvent
from pipeline.intake.fields.text import clean

MAX_REASON = 2_000  # characters


def reason_of(text: str, *, field: str) -> str:
    """Return the reason, cleaned. Raises InvalidEvent naming the field."""
    hint = "say why, for everyone downstream to read"
    if any("\ud800" <= one <= "\udfff" for one in text):
        raise InvalidEvent("is not UTF-8", field=field, hint=hint)
    if "\0" in text:
        raise InvalidEvent("has a control character", field=field, hint=hint)
    if len(text) > MAX_REASON:
        message = f"is longer than {MAX_REASON:,} characters"
        raise InvalidEvent(message, field=field, hint="say it shorter; the article can say more")
    cleaned = clean(text).strip()
    if not cleaned:
        raise InvalidEvent("is empty", field=field, hint=hint)
    return cleaned
