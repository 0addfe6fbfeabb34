"""What looks like a secret is cut out of what a partner answered, for partners quote what they were sent.

A channel cuts out its own secrets, which it knows. Here, where none is known, what is written as one is.
"""

from __future__ import annotations

import re

ANSWER = 1024  # characters that are kept of an answer

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
    """The text without what is written as a secret: after its name, in an Authorization header, as whsec_…"""
    if not _HINT.search(text):
        return text
    text = _WEBHOOK.sub(_CUT, text)
    text = _SIGNATURE.sub(_CUT, text)
    text = _AFTER_A_NAME.sub(rf"\g<1>{_CUT}", text)
    return _SCHEME.sub(rf"\1\2{_CUT}", text)
