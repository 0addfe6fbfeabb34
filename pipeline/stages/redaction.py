"""Remove anything that looks like a secret from a partner's answer, because partners quote what they were sent.

A channel removes its own secrets, which it knows. Here they are not known and are recognised by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ANSWER = 1024  # characters of an answer that are stored

_CUT = "[cut out]"

_WORD = re.compile(r"[\w-]++")
_NAME = re.compile(r"(?i)authorization|password|passwd|secret|token|api[_-]?key|signature|cookie")
_SIGN = re.compile(r"""["']?\s*+[:=]\s*+["']?""")
_VALUE = re.compile(r"""(?i)(?:(?:bearer|basic|token|digest)\s++)?[^\s"',;&<>{}]{4,}+""")
_SCHEME = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9+/=._~-]{6,}")
_WEBHOOK = re.compile(r"whsec_[A-Za-z0-9+/=_-]*")
_SIGNATURE = re.compile(r"\bv1,[A-Za-z0-9+/=]{20,}")
_HINT = re.compile(r"(?i)bearer|basic|whsec_|v1,|authorization|passw|secret|token|key|signature|cookie")


def redacted(text: str) -> str:
    """Return the text without secrets: after a telling name, in an Authorization header, or written as whsec_…"""
    if not _HINT.search(text):
        return text
    text = _WEBHOOK.sub(_CUT, text)
    text = _SIGNATURE.sub(_CUT, text)
    text = "".join(_without_values(text))
    return _SCHEME.sub(rf"\1\2{_CUT}", text)


def _without_values(text: str) -> Iterator[str]:
    """Yield the text without what follows a telling name.

    Each word is read once: one pattern for name and value would try every place in a name as its beginning and end.
    """
    shown = place = 0
    while word := _WORD.search(text, place):
        place = word.end()
        sign = _SIGN.match(text, place) if _NAME.search(word[0]) else None
        if sign and (value := _VALUE.match(text, sign.end())):
            yield text[shown : sign.end()] + _CUT
            shown = place = value.end()
    yield text[shown:]
