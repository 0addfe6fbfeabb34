"""Find a page's title, without the site's name before or after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from lxml import etree

from pipeline.intake.fields.text import line
from pipeline.intake.sources.html_page.words import heading_text, short_text, words_in

_SEPARATOR = re.compile(r"(?<!\s)(?:\s+[|–—·•»:-]\s+|\s*[|»]\s*)")
_LETTERS = re.compile(r"[\W_]+")
_MOST = 1000  # characters of a title that are read
_NEARLY = 0.75  # share of the words of the longer one


def page_title(tree: etree._Element, given: Sequence[str], *, site: str, address: str) -> str:
    """Return the best of the titles that a page gives itself (`given`, the best first), its `h1` and its `title`.

    A heading that is part of a given title is the title, and the rest is the site's. `site` is the site's name and
    `address` the page's, as far as they are known.
    """
    headings = [text for text in map(heading_text, tree.iter("h1")) if text]
    headings = [text for text in headings if not _names_site(text, site, address)]
    element = tree.find(".//title")
    titles = [title for title in (*given, line(short_text(element)) if element is not None else "") if title]
    if not titles:
        return headings[0] if headings else ""
    whole = titles[0]
    parts = {_plain(whole), *(_plain(part) for part in _parts(whole))}
    if found := next((heading for heading in headings if _plain(heading) in parts), None):
        return found
    if len(headings) == 1 and not given:
        return headings[0]
    return without_site(whole, site=site, address=address)


def is_heading_of(heading: str, title: str) -> bool:
    """Return whether a heading repeats the title, part of it, or nearly all of its words."""
    one, other = _plain(heading), _plain(title)
    if not one or one in other or other in one:
        return bool(one)
    words, title_words = set(words_in(heading[:_MOST])), set(words_in(title[:_MOST]))
    return len(words & title_words) >= _NEARLY * max(len(words), len(title_words))


def without_site(title: str, *, site: str, address: str = "") -> str:
    """Return the title without a part at its start or end that names the site."""
    parts = list(_SEPARATOR.finditer(title[:_MOST]))
    if not parts:
        return title
    first, last = parts[0], parts[-1]
    if _names_site(title[last.end() :], site, address) or (last[0].strip() == "|" and not site):
        return title[: last.start()].strip() or title
    if _names_site(title[: first.start()], site, address):
        return title[first.end() :].strip() or title
    return title


def _parts(title: str) -> list[str]:
    """Return the text before and after each separator."""
    places = list(_SEPARATOR.finditer(title[:_MOST]))
    return [title[: place.start()] for place in places] + [title[place.end() :] for place in places]


def _names_site(part: str, site: str, address: str) -> bool:
    name = _plain(part)
    host = (urlsplit(address).hostname or "").removeprefix("www.")
    return bool(name) and (name in (_plain(site), _plain(host)) or name == _plain(host.rpartition(".")[0]))


def _plain(text: str) -> str:
    return _LETTERS.sub("", text[:_MOST]).casefold()
