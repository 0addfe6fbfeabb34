"""Make readable names for URLs and file names: lower-case ASCII letters, digits and single hyphens."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit

from slugify import slugify

from pipeline.intake.fields.invalid_value import InvalidValue, quoted

MAX_ID = 120  # characters

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def slug(text: str, *, otherwise: str) -> str:
    """Return the text as a slug of at most 120 characters, cut at a word.

    A text that leaves no ASCII letter or digit becomes `{otherwise}-` and twelve digits of its SHA-256.
    """
    made = slugify(
        text, max_length=MAX_ID, word_boundary=True, save_order=True, entities=False, decimal=False, hexadecimal=False
    )
    return made if _SLUG.fullmatch(made) else f"{otherwise}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def address_slug(address: str | None) -> str | None:
    """Return the slug of a URL's path, without its extension; None if the site's pages do not differ in their paths."""
    path = unquote(urlsplit(address).path) if address else ""
    stem = re.sub(r"(?:/?index)?\.[a-zA-Z0-9]{2,5}$", "", path.strip("/"))
    made = slug(stem, otherwise="article") if stem else ""
    return made if made and len(stem) <= MAX_ID and not made.startswith("article-") else None


def article_id(value: object) -> str:
    """Read an id that was given: returned unchanged, or refused with a suggested slug."""
    text = value if isinstance(value, str) else str(value)
    if len(text) <= MAX_ID and _SLUG.fullmatch(text):
        return text
    raise InvalidValue(
        f"{quoted(text)} is not a readable slug of at most {MAX_ID} characters",
        hint=f"write {slug(text, otherwise='article')}",
    )


class Anchors:
    """Generate unique anchors for the headings of one article."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def take(self, heading: str) -> str:
        """Return the heading's slug, with -2, -3 … if it is taken."""
        base = anchor = slug(heading, otherwise="section")
        while anchor in self._counts:
            self._counts[base] += 1
            anchor = f"{base}-{self._counts[base]}"
        self._counts[anchor] = 1
        return anchor
