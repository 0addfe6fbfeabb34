"""`[intake] drop`: what is never part of an article on one site's pages, as configured by the operator.

An entry is a CSS selector (".share-bar", "#comments", "aside.promo", "[data-ad]") or the whole text of a line or block,
in which `*` stands for anything: "Tell your friends*".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from lxml import etree

_SELECTOR = re.compile(r"[a-z][a-z0-9]*[.#\[]\S.*|[.#\[]\S.*")
_MOST_TEXT = 500  # characters of a line that can be furniture


def is_selector(entry: str) -> bool:
    """Return whether an entry is a CSS selector; any other entry is text."""
    return bool(_SELECTOR.fullmatch(entry.strip()))


def compile_selector(entry: str) -> Callable[[etree._Element], list[etree._Element]]:
    """Return a function that finds the selector's elements. Raises ValueError."""
    from cssselect import HTMLTranslator, SelectorError
    from lxml import etree

    try:
        selector = etree.XPath(HTMLTranslator().css_to_xpath(entry.strip()))
    except SelectorError as error:
        raise ValueError(f"{entry!r} is not a CSS selector: {error}") from error
    return cast("Callable[[etree._Element], list[etree._Element]]", selector)


class Lines:
    """The entries that are text, for comparison with lines. Case and white space are ignored."""

    def __init__(self, entries: Iterable[str]) -> None:
        texts = [" ".join(entry.split()) for entry in entries if not is_selector(entry)]
        patterns = ("[^\n]*".join(map(re.escape, text.split("*"))) for text in texts)
        self._pattern = re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", re.IGNORECASE)

    def __contains__(self, text: str) -> bool:
        return len(text) <= _MOST_TEXT and bool(self._pattern.fullmatch(" ".join(text.split())))
