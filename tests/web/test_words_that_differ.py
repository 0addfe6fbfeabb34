"""Changes in words: what is shown of them, and that no text takes long to compare."""

from __future__ import annotations

import random

import pytest
from bench import article

from pipeline.views import word_diff as views
from pipeline.views.word_diff import word_diff


def changes(before: str, after: str) -> list[str]:
    return [str(one) for one in word_diff(article(text=before), article(text=after)) if one.field == "answer"]


def test_a_changed_word_has_a_few_around_it() -> None:
    assert changes("Take up to 50 mg with some water a day.", "Take up to 5 mg with some water a day.") == [
        "answer: Take up to [-50-] {+5+} mg with some"
    ]


def test_a_long_change_is_counted() -> None:
    before, after = (" ".join(f"{mark}{number}" for number in range(3000)) for mark in "ab")
    assert changes(before, after) == ["answer: 3,000 words replaced by 3,000"]


def test_the_same_few_words_again_and_again_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pair of equal words on both sides may have to be looked at, many times over."""
    chance = random.Random(1)
    before, after = (" ".join(chance.choice("ab") for _ in range(1500)) for _ in range(2))
    monkeypatch.setattr(views.difflib, "SequenceMatcher", None)
    (found,) = changes(before, after)
    assert "words replaced by" in found


def test_prose_of_any_length_that_is_compared_at_all_is_shown() -> None:
    """Words of a language are used as often as Zipf's law says."""
    words = [f"w{number}" for number in range(1, 5000)]
    chance = random.Random(2)
    text = chance.choices(words, [1 / number for number in range(1, 5000)], k=2000)
    other = [*text]
    for at in range(0, 2000, 200):
        other[at] = "new"
    assert len(changes(" ".join(text), " ".join(other))) == 10
