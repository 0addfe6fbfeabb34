"""Remove anything that looks like a secret from a partner's answer, because partners quote what they were sent.

A channel removes its own secrets, which it knows. Here they are not known and are recognised by their form.
"""

from __future__ import annotations

import re

ANSWER = 1024  # characters of an answer that are stored

_CUT = "[cut out]"

_AFTER_A_NAME = re.compile(
    r"""(?ix)
    ( [\w-]* (?: authorization | password | passwd | secret | token | api[_-]?key | signature | cookie ) [\w-]*
      ["']? \s* [:=] \s* ["']? )
    (?: (?: bearer | basic | token | digest ) \s+ )?
    [^\s"',;&<>{}]{4,}
    """
)
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
    text = _AFTER_A_NAME.sub(rf"\g<1>{_CUT}", text)
    return _SCHEME.sub(rf"\1\2{_CUT}", text)
