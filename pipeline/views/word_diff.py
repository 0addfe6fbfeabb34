"""Show how an article differs from its previous revision, field by field and word by word."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import structs

from pipeline.model.article import Article
from pipeline.stages.accept.preview import Foreseen

_MOST_WORDS = 2000  # words compared one by one on each side; a longer change is only counted
_MOST_PAIRS = 400_000  # of equal words, one on each side: prose of that length has a tenth, and comparing takes longer
_CONTEXT = 3  # words shown around a change
_MOST_CHANGES = 20  # changes shown


@dataclass(frozen=True, slots=True)
class Change:
    """Words of a field that differ, with a few words around them. `note`: in place of words, if there are too many."""

    field: str
    leading: str = ""
    removed: str = ""
    added: str = ""
    following: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Return it as "answer: for [-50-] {+5+} mg a day"."""
        removed, added = self.removed and f"[-{self.removed}-]", self.added and f"{{+{self.added}+}}"
        words = " ".join(filter(None, (self.leading, removed, added, self.following, self.note)))
        return f"{self.field}: {words}" if self.field else words


def changes_foreseen(found: Foreseen) -> list[Change]:
    """Return how what would be published differs from the article's newest content; empty for a new article."""
    if found.before is None or found.after is None:
        return []
    return word_diff(found.before, structs.replace(found.after, address=found.before.address))


def word_diff(before: Article, after: Article) -> list[Change]:
    """Return the changes. Empty if nothing changed."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    changes = [change for name in old if old[name] != new[name] for change in _field(name, old[name], new[name])]
    if len(changes) <= _MOST_CHANGES:
        return changes
    return [*changes[:_MOST_CHANGES], Change("", note=f"… and {len(changes) - _MOST_CHANGES} more changes")]


def _field(name: str, old: object, new: object) -> Iterator[Change]:
    before, after = list(_words(old)), list(_words(new))
    if before == after:
        yield Change(name, note="the markup changed")
        return
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old_words, new_words = before[start : len(before) - end], after[start : len(after) - end]
    if max(len(old_words), len(new_words)) > _MOST_WORDS or _pairs(old_words, new_words) > _MOST_PAIRS:
        yield Change(name, note=f"{len(old_words):,} words replaced by {len(new_words):,}")
        return
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old_words, new_words, autojunk=False).get_opcodes():
        if kind != "equal":
            around = before[max(0, start + a - _CONTEXT) : start + a], before[start + b : start + b + _CONTEXT]
            yield Change(name, *map(" ".join, (around[0], old_words[a:b], new_words[c:d], around[1])))


def _pairs(before: Sequence[str], after: Sequence[str]) -> int:
    """Count the pairs of equal words, by which the time that comparing takes grows."""
    there = Counter(after)
    return sum(number * there[word] for word, number in Counter(before).items())


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
