"""Superscripts, subscripts and fractions as Unicode characters, where they exist."""

from __future__ import annotations

import re

_DIGITS_UP, _DIGITS_DOWN = "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"
_UP = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyz",
        f"{_DIGITS_UP}⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ",
        strict=True,
    )
)
_DOWN = dict(zip("0123456789+-−=()aehijklmnoprstuvx", f"{_DIGITS_DOWN}₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_PLAIN = {ord(script): digit for scripts in (_DIGITS_UP, _DIGITS_DOWN) for digit, script in enumerate(scripts)}

_VULGAR = {
    "1/2": "½", "1/3": "⅓", "2/3": "⅔", "1/4": "¼", "3/4": "¾", "1/5": "⅕", "2/5": "⅖", "3/5": "⅗", "4/5": "⅘",
    "1/6": "⅙", "5/6": "⅚", "1/7": "⅐", "1/8": "⅛", "3/8": "⅜", "5/8": "⅝", "7/8": "⅞", "1/9": "⅑", "1/10": "⅒",
}  # fmt: skip
# Both look behind themselves, so that a long run of digits is read once and not from each of its digits again.
_RAISED = re.compile(rf"(?<![{_DIGITS_UP}])([{_DIGITS_UP}]++)(?:[/⁄]([{_DIGITS_DOWN}]++)|⁄([0-9]++))")
_SLASHED = re.compile(r"(?<![0-9⁄/])([0-9]++)⁄([0-9]++)(?![⁄/])")


def superscript(text: str) -> str:
    """Return a text as superscript characters, or in `^(…)` if one of its characters has none."""
    return _scripted(text, _UP, "^")


def subscript(text: str) -> str:
    """Return a text as subscript characters, or in `_(…)`."""
    return _scripted(text, _DOWN, "_")


def _scripted(text: str, characters: dict[str, str], sign: str) -> str:
    if not text or text.isspace():
        return text
    if all(one in characters for one in text):
        return "".join(characters[one] for one in text)
    return f"{sign}({text})"


def with_fractions(text: str) -> str:
    """Write `¹/₂` and `1⁄2` as `½`, and fractions that have no character as `3/16`."""
    if "/" not in text and "⁄" not in text:
        return text
    return _SLASHED.sub(_slashed, _RAISED.sub(_raised, text))


def _raised(found: re.Match[str]) -> str:
    before = found.string[found.start() - 1 : found.start()]
    if before.isalpha():  # an exponent, as in `m²/₁`
        return found[0]
    fraction = f"{found[1].translate(_PLAIN_DIGITS)}/{(found[2] or found[3]).translate(_PLAIN_DIGITS)}"
    vulgar = _VULGAR.get(fraction)
    if vulgar is not None:
        return vulgar
    return f" {fraction}" if before.isdigit() else fraction


_PLAIN_DIGITS = {script: str(digit) for script, digit in _PLAIN.items()}


def _slashed(found: re.Match[str]) -> str:
    return _VULGAR.get(f"{found[1]}/{found[2]}", found[0])
