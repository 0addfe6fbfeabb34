"""A footnote's letter stays where its note is referenced, and is left out of text taken from there."""

from __future__ import annotations

import pytest

from pipeline.intake import read_article

HEAD = "---\ntitle: T\n---\n"


@pytest.mark.parametrize(
    ("paragraph", "answer"),
    [
        ("Take it with food.[^1] Then rest.\n\n[^1]: Not with milk.", "Take it with food. Then rest."),
        ("Take 10<sup>6</sup> units[^1].\n\n[^1]: Each day.", "Take 10⁶ units."),
        ("The n<sup>a</sup> stays.", "The nᵃ stays."),
    ],
)
def test_an_answer_from_the_first_paragraph_has_no_footnote_letter(paragraph: str, answer: str) -> None:
    article = read_article(f"{HEAD}{paragraph}\n".encode(), name="a.md")
    assert article.answer == answer


def test_an_answer_from_the_first_paragraph_has_no_citation_marker() -> None:
    text = '---\ntitle: T\nreferences: ["34187661"]\n---\nIt helps.[1] So it does <sup>[1]</sup>.\n'
    assert read_article(text.encode(), name="a.md").answer == "It helps. So it does."
