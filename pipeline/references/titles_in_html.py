"""Turn titles that sources send as HTML or JATS into plain text."""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9:-]{0,30}(?:\s[^<>]{0,500})?/?>")
_MOST = 10_000  # characters


def plain_title(title: str | None) -> str | None:
    """Return a title without tags, its entities resolved and its white space collapsed; None if nothing is left.

    Only what has the form of a tag is removed: "p<0.05 and q>1" is text.
    """
    if title is None:
        return None
    text = html.unescape(_TAG.sub("", title[:_MOST]))
    return " ".join(_TAG.sub("", text).split()) or None
