"""Find calls to action in running text: symptom checkers that the reader is pointed to."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.intake.fields.text import line

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_CHECKER = re.compile(r"(?P<name>(?:\S+\s+){0,8})symptom (?P<kind>checker|test|quiz)\b", re.IGNORECASE)
_PART_OF_NAME = re.compile(r"[A-Z(][\w()’'/&-]*|and|of|the|&|/")
_OF_THE_MAKER = re.compile(r".*['’]s?|AI(?:-\w+)?|Free|Our|Your|The|Try|Use", re.IGNORECASE)

_LONGEST = 1000  # characters of a sentence that is a call to action


def calls_to_action(paragraphs: Iterable[str]) -> list[dict[str, str]]:
    """Return each symptom checker once, by name, with the first sentence that names it."""
    found: dict[str, dict[str, str]] = {}
    for paragraph in paragraphs:
        if "symptom " not in paragraph.lower():
            continue
        for sentence in _SENTENCE_END.split(paragraph):
            if len(sentence) <= _LONGEST and (match := _CHECKER.search(sentence)):
                label = _label(match["name"].split(), match["kind"].lower())
                found.setdefault(label.casefold(), {"label": label, "text": line(sentence)})
    return list(found.values())


def _label(before: list[str], kind: str) -> str:
    """Return the capitalised words before it, without the owner: "Ubie's free AI-powered Spasticity" → "Spasticity"."""
    name: list[str] = []
    for word in reversed(before):
        if not _PART_OF_NAME.fullmatch(word) or _OF_THE_MAKER.fullmatch(word):
            break
        name.insert(0, word)
    while name and name[0] in ("and", "of", "the", "&", "/"):
        name.pop(0)
    return f"{' '.join(name)} symptom {kind}" if name else f"Symptom {kind}"
