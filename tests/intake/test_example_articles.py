"""The articles that are shipped as examples show what an article may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.intake import read_article
from pipeline.model.article import Article, Block, BulletList, Marker, Note, NumberedList, Paragraph, Section, Table

FILES = sorted((Path(__file__).parents[2] / "examples" / "articles").iterdir())


def read(file: Path) -> Article:
    return read_article(file.read_bytes(), name=file.name)


def blocks_of(blocks: tuple[Block, ...], sections: tuple[Section, ...] = ()) -> Iterator[Block]:
    for block in blocks:
        yield block
        match block:
            case BulletList(items) | NumberedList(items):
                for item in items:
                    yield from blocks_of(item.blocks)
            case Note(_, inside):
                yield from blocks_of(inside)
    for section in sections:
        yield from blocks_of(section.blocks, section.sections)


def test_there_are_articles_of_each_form_that_authors_write() -> None:
    assert {file.suffix for file in FILES} == {".md", ".json", ".html"}
    assert len(FILES) >= 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_complete_and_named_after_its_id(file: Path) -> None:
    article = read(file)
    assert article.id == file.stem
    assert article.answer and article.sections and article.references
    assert article.authors and article.reviewers and article.topics and article.published and article.reviewed
    assert any(isinstance(b, Note) and b.kind == "urgent" for b in blocks_of(article.lead, article.sections))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_reference_of_an_example_is_pointed_to_in_its_text(file: Path) -> None:
    article = read(file)
    paragraphs = (b for b in blocks_of(article.lead, article.sections) if isinstance(b, Paragraph))
    marked = {n for p in paragraphs for part in p.children if isinstance(part, Marker) for n in part.numbers}
    assert marked == set(range(1, len(article.references) + 1))


def test_the_examples_together_show_every_kind_of_block() -> None:
    blocks = [block for file in FILES for block in blocks_of(read(file).lead, read(file).sections)]
    kinds = {type(block).__name__ for block in blocks}
    assert kinds >= {"Paragraph", "BulletList", "NumberedList", "Table", "Note", "Quotation", "Image"}
    assert {block.kind for block in blocks if isinstance(block, Note)} == {"important", "warning", "urgent", "info"}
    assert any(isinstance(block, Table) and block.caption for block in blocks)


def test_one_example_cites_a_retracted_paper_and_one_reads_from_right_to_left() -> None:
    articles = [read(file) for file in FILES]
    assert any(work.value == "9500320" for article in articles for work in article.references)
    assert any(article.direction == "rtl" for article in articles)
