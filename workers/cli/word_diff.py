"""Show how an article differs from its previous revision, field by field and word by word."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import msgspec

from pipeline.model.article import Article

_MOST_WORDS = 2000  # words compared one by one on each side; a longer change is only counted
_CONTEXT = 3  # words shown around a change
_MOST_CHANGES = 20  # changes shown


def word_diff(before: Article, after: Article) -> list[str]:
    """Return the changes, such as "answer: for [-50-] {+5+} mg a day". Empty if nothing changed."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    changes = [change for name in old if old[name] != new[name] for change in _field(name, old[name], new[name])]
    if len(changes) <= _MOST_CHANGES:
        return changes
    return [*changes[:_MOST_CHANGES], f"… and {len(changes) - _MOST_CHANGES} more changes"]


def _field(name: str, old: object, new: object) -> Iterator[str]:
    before, after = list(_words(old)), list(_words(new))
    if before == after:
        yield f"{name}: the markup changed"
        return
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old_words, new_words = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old_words), len(new_words)) > _MOST_WORDS:
        yield f"{name}: {len(old_words):,} words replaced by {len(new_words):,}"
        return
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old_words, new_words, autojunk=False).get_opcodes():
        if kind != "equal":
            around = before[max(0, start + a - _CONTEXT) : start + a], before[start + b : start + b + _CONTEXT]
            yield f"{name}: {_shown(around, old_words[a:b], new_words[c:d])}"


def _shown(around: tuple[list[str], list[str]], old: list[str], new: list[str]) -> str:
    removed = [f"[-{' '.join(old)}-]"] if old else []
    added = [f"{{+{' '.join(new)}+}}"] if new else []
    return " ".join([*around[0], *removed, *added, *around[1]])


def _words(value: Any) -> Iterator[str]:
    """Yield the words of every text in a value, in order. Keys that only name a block's type are not counted."""
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("type", "anchor"):
                yield from _words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _words(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
