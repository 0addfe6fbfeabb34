"""The example in docs/article-files.md is read as the page says."""

from __future__ import annotations

from documents import DOCS, block

from pipeline.intake import read_article
from pipeline.intake.fields import KNOWN
from pipeline.model.article import Note

LATER = ("short_title", "next_review", "audience", "translation_of", "cites_retracted")
EXAMPLE = block(DOCS / "article-files.md", "markdown", "stretching.md")


def test_the_example_is_read_whole() -> None:
    article = read_article(EXAMPLE.encode(), name="stretching.md")
    assert article.id == "stretching-at-night"
    assert [work.scheme for work in article.references] == ["pmid", "doi", "pmid"]
    assert [section.heading for section in article.sections] == ["How to stretch", "When to seek urgent care"]
    assert any(isinstance(one, Note) and one.kind == "warning" for one in article.sections[0].blocks)
    unused = {"embargo", "image", "canonical", "language", "disclaimer", "licence", *LATER}
    assert all(f"\n{name}:" in EXAMPLE for name in set(KNOWN) - unused)


def test_notes_are_told_as_the_page_says() -> None:
    for text, kind in (
        ("> [!IMPORTANT]\n> Rest.", "important"),
        ("> [!CAUTION]\n> Rest.", "warning"),
        ("Warning: rest.", "warning"),
        ("Call 112 at once.", "urgent"),
        ("Seek urgent care when it hurts.", "urgent"),
        ("See a doctor immediately if:\n\n- it hurts", "urgent"),
    ):
        article = read_article(f"# Notes\n\nAn answer.\n\n## A\n\n{text}\n".encode(), name="notes.md")
        (note,) = article.sections[0].blocks
        assert isinstance(note, Note) and note.kind == kind, text
