"""Text: UTF-8, and no character that does something where it should be seen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.judging.parts.judge import Reading, Rule, Unreadable

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # Unicode's category Cc but for tabs and line feeds


def _read(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is not UTF-8: {error.reason}") from error


def _characters(text: str) -> Iterator[str]:
    if text.startswith("\ufeff"):
        yield "it begins with a byte-order mark, which some programs show"
    yield from (f"U+{ord(found[0]):04X}, character {found.start() + 1}" for found in _CONTROL.finditer(text))


TEXT = Reading("utf-8", "RFC 3629, section 3", _read)
CHARACTERS = Rule("characters", "Citewire: a terminal obeys control characters", _characters)
