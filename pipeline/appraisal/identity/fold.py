"""Comparable tokens of a text: without case, diacritics, endings, or differences of British and American spelling."""

from __future__ import annotations

import re
import unicodedata

_GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi",
    "χ": "chi", "ψ": "psi", "ω": "omega",
}  # fmt: skip
_LETTERS = {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "e", "œ": "e", "ı": "i"}
_TABLE = str.maketrans({**_GREEK, **_LETTERS, "'": None, "’": None, "ʼ": None})
_TOKEN = re.compile(r"[^\W_]+")
_STEM = 6  # characters: endings differ ("effect", "effects"), beginnings rarely


def folded(text: str) -> str:
    """Return the text in lower case without diacritics; Greek letters are spelled out."""
    if text.isascii():
        return text.lower().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text.casefold()).translate(_TABLE)
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def tokens(text: str) -> list[str]:
    """Return the words and numbers of a text, in order, whole."""
    return _TOKEN.findall(folded(text))


def stem(token: str) -> str:
    """Return what is compared of a token: its beginning, with British and American spelling alike."""
    plain = token.replace("z", "s").replace("ae", "e").replace("oe", "e").replace("our", "or")
    return plain[:_STEM]


def stems(text: str) -> list[str]:
    return [stem(token) for token in tokens(text)]


def is_latin(text: str) -> bool:
    """Return whether most of the letters of a text are Latin (or Greek, which titles use as symbols)."""
    if text.isascii():
        return any(map(str.isalpha, text))
    letters = [character for character in text if character.isalpha()]
    latin = sum(unicodedata.name(character, "").startswith(("LATIN", "GREEK")) for character in letters)
    return latin * 2 > len(letters)
