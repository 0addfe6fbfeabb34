"""Decide whether a page's description of itself can be the article's answer."""

from __future__ import annotations

import re

from pipeline.intake.fields.text import line
from pipeline.intake.sources.html_page.words import shingles, words_in

_ENDS = re.compile(r"[.!?。！？؟।።။][\"'”’»)\]]{0,3}$")
_CUT_OFF = re.compile(r"(?:\.\.\.?|…|\. \.\.)\W{0,3}$|\[ ?(?:…|\.\.\.|more) ?\]$", re.IGNORECASE)
_SHORT = 120  # characters: search engines show about 155, so a description that was cut off is longer
_REPEATED = 0.6  # share of the description's shingles

_LEAST, _MOST = 3, 15  # letters of a significant word; longer if words are not separated by spaces
_FEW, _SHARED = 5, 0.4  # significant words, and the share of them that the article has too


def is_summary(description: str, *, title: str, text: str) -> bool:
    """Return whether a description says something of its own, in whole sentences.

    One that was cut off would be a wrong answer, and one taken from the text would appear twice; in both cases the
    first paragraph is the answer.
    """
    plain = line(description)
    if _CUT_OFF.search(plain) or (len(plain) > _SHORT and not _ENDS.search(plain)):
        return False
    words = words_in(plain)
    if words == words_in(title):
        return False
    in_text = words_in(text)
    own, of_text = shingles(words), set(shingles(in_text))
    if own and sum(shingle in of_text for shingle in own) >= _REPEATED * len(own):
        return False
    return _is_about(set(words), {*in_text, *words_in(title)})


def _is_about(description: set[str], article: set[str]) -> bool:
    """Return whether a description is about the article and not the site: on some sites every page has the same one."""
    telling = {word for word in description if _LEAST < len(word) < _MOST}
    return len(telling) < _FEW or len(telling & article) >= _SHARED * len(telling)
