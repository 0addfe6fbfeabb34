"""Suggest the known word that an unknown one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 60  # characters of a word that are compared


def meant(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` resembles, if there is one."""
    close = difflib.get_close_matches(word.lower()[:_LONGEST], list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown word: the known word that it resembles, or all of them."""
    names = list(known)
    close = meant(word, names)
    return f"did you mean {close!r}?" if close else f"known are {', '.join(names)}"
