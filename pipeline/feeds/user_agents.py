"""Who fetches a feed, by its `User-Agent` (RFC 9110, section 10.1.5). Pure.

    Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; )     Feedly, says 16
    Feedbin feed-id:1 - 3 subscribers                                      Feedbin, says 3
    Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers)              theoldreader.com, says 1
    Mozilla/5.0 (X11; Linux x86_64; rv:128.0) … Thunderbird/128.0          Thunderbird
    Mozilla/5.0 (X11; Linux x86_64) … Chrome/140.0.0.0 Safari/537.36       (browser)

It is the client's own word: anyone may send any name and any number. A name is ASCII and begins with a letter, so that
no address of a client (IPv4) becomes one, and what may name a person, such as a mail address, ends it.
"""

from __future__ import annotations

import re

from msgspec import Struct

# No product has such a name: parentheses enclose comments there.
OTHERS = "(others)"  # names that nobody could read, and those beyond the places that a feed has for names
BROWSER = "(browser)"
UNNAMED = "(unnamed)"

LONGEST = 512  # characters of a User-Agent that are looked at
_NAME = 40  # characters of a name
_WORDS = 4  # of a name
_MOST = 1_000_000_000  # subscribers: more people than that read no feed

_SAYS = re.compile(r"(?<![\w.,-])([0-9]{1,10}) ?(?:subscribers?|readers)\b", re.IGNORECASE)
_WORD = re.compile(r"([A-Za-z][A-Za-z0-9._+-]*)([/;,(]?)")
_COMPATIBLE = re.compile(r"\(compatible; ?([^;()]*)")
_PRODUCT = re.compile(r"(?<![^\s)])([A-Za-z][A-Za-z0-9._+-]*)/")
_OF_BROWSERS = frozenset(
    {
        *("AppleWebKit", "Chrome", "Chromium", "CriOS", "Edg", "EdgA", "EdgiOS", "Firefox", "FxiOS", "Gecko", "Mobile"),
        *("Mozilla", "OPR", "Opera", "Safari", "SamsungBrowser", "Version"),
    }
)


class Reader(Struct, frozen=True):
    """`subscribers`: how many people it says that it reads the feed for; None: it says nothing of that."""

    name: str
    subscribers: int | None = None


def reader_of(user_agent: str | None) -> Reader:
    """Return who a client says that it is. Only the first `LONGEST` characters are looked at."""
    text = " ".join((user_agent or "")[:LONGEST].split())
    if not text:
        return Reader(UNNAMED)
    name = _of_a_browser(text) if text.startswith("Mozilla/") else _leading(text)
    if not name or len(name) > _NAME:
        return Reader(OTHERS)
    return Reader(name, _said(text))


def _of_a_browser(text: str) -> str:
    """Return the product that calls itself compatible with browsers or names itself after them, if one does."""
    if (compatible := _COMPATIBLE.search(text)) and (name := _leading(compatible[1])) not in ("", "MSIE"):
        return name
    own = [product for product in _PRODUCT.findall(text) if product not in _OF_BROWSERS]
    return own[-1] if own else BROWSER


def _leading(text: str) -> str:
    """Return the words before a version, a comment, a number or anything that is no word of a name."""
    words: list[str] = []
    for one in text.split(" ", _WORDS)[:_WORDS]:
        found = _WORD.match(one)
        if found is None or (not found[2] and found.end() < len(one)):
            break
        words.append(found[1])
        if found[2]:
            break
    return " ".join(words)


def _said(text: str) -> int | None:
    found = _SAYS.search(text)
    number = int(found[1]) if found else None
    return number if number is not None and number <= _MOST else None
