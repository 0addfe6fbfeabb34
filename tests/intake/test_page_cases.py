"""Pages that went wrong once, as they lie in `cases/pages`, each with its right answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipeline.flattening.blocks import blocks_text, sections_text
from pipeline.intake import SourceFile, read_source
from pipeline.model.article import Article, Block, Image, Link, Paragraph, Quotation, Text
from pipeline.model.reading import Read

CASES = Path(__file__).parent / "cases" / "pages"


def read(name: str) -> Read:
    return read_source(SourceFile((CASES / f"{name}.html").read_bytes(), f"{name}.html"))


def text_of(article: Article) -> str:
    return "\n".join([article.title, article.answer, blocks_text(article.lead), sections_text(article.sections)])


def codes(found: Read) -> list[str]:
    return [warning.code for warning in found.warnings]


def images(blocks: tuple[Block, ...]) -> list[str]:
    return [block.src for block in blocks if isinstance(block, Image)]


def test_a_teaser_card_is_not_the_article_because_it_alone_is_marked_as_one() -> None:
    article = read("sole-teaser").article
    assert article.title == "Can I take ibuprofen while pregnant?"
    assert article.answer.startswith("Do not take ibuprofen from week 20 of pregnancy on.")
    assert "call your midwife today" in text_of(article)
    assert "back pain" not in text_of(article)


def test_a_page_that_a_dialog_hides_is_still_the_article() -> None:
    article = read("aria-hidden-wrapper").article
    assert article.lead == (Paragraph((Text("Never skip your basal insulin."),)),)
    assert "cookies" not in text_of(article)


def test_comments_and_share_prompts_in_the_article_are_not_its_text() -> None:
    article = read("comments-in-article").article
    assert article.answer.endswith("do not give medicine first.")
    assert (article.lead, article.sections) == ((), ())


def test_comments_and_cards_that_are_marked_as_articles_are_not_its_text() -> None:
    article = read("two-articles").article
    assert article.answer.startswith("Call a doctor when a baby under three months")
    assert (article.lead, article.sections) == ((), ())


def test_no_tag_is_read_in_a_script() -> None:
    article = read("script-attrs").article
    assert (article.title, article.answer) == ("Page with a script", "The text.")


def test_a_date_in_the_form_of_mail_is_read_and_said() -> None:
    found = read("bad-date")
    assert found.article.published == dt.datetime(2022, 5, 4, 2, 41, tzinfo=dt.UTC)
    assert (codes(found), found.warnings[0].field) == (["date-read"], "published")


def test_a_date_in_numbers_is_read_as_the_language_of_the_page_writes_it() -> None:
    found = read("ambiguous-date")
    assert found.article.published == dt.datetime(2026, 4, 3, tzinfo=dt.UTC)
    assert codes(found) == ["date-read"]


def test_an_encoding_that_the_page_declares_is_read() -> None:
    article = read("iso2022jp").article
    assert (article.title, article.answer) == ("薬の飲み方", "毎日一回、五ミリグラムを飲んでください。")


def test_entities_in_json_ld_are_decoded_once() -> None:
    article = read("entity-jsonld").article
    assert (article.title, article.answer) == ("Don’t stop & think: CO₂", "Patients don’t need < 5 mg")
    assert (article.lead, article.sections) == ((Paragraph((Text("The text."),)),), ())


def test_the_text_is_taken_from_json_ld_where_the_page_has_it_nowhere_else() -> None:
    article = read("jsonld-only").article
    assert article.answer == "First paragraph of the true text."
    assert article.lead == (Paragraph((Text("Second paragraph of the true text."),)),)
    assert article.published == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_an_embed_is_a_link_with_its_title() -> None:
    video = Link("https://www.youtube.com/embed/abc123", (Text("How to use an inhaler"),))
    lead = read("embeds").article.lead
    assert Paragraph((video,)) in lead
    assert any(isinstance(block, Quotation) for block in lead)
    assert "Your browser" not in blocks_text(lead)


def test_lazy_images_are_kept_with_the_address_that_a_script_would_load() -> None:
    assert images(read("embeds").article.lead) == [
        "https://x.example/lazy.jpg",
        "https://x.example/a.jpg",
        "https://x.example/only-1280.jpg",
    ]


def test_the_number_that_a_link_calls_is_not_lost() -> None:
    text = blocks_text(read("embeds").article.lead)
    assert "call 911" in text and "text HOME (741741)" in text


def test_what_was_left_out_is_listed() -> None:
    found = read("embeds")
    assert codes(found) == ["embed-left-out"] * 3 + ["image-left-out", "link-left-out"]
    messages = " ".join(warning.message for warning in found.warnings)
    for what in ("How to use an inhaler", "Audio on x.example", "Video on x.example", "Dose curve", "/other"):
        assert what in messages


@pytest.mark.parametrize("file", sorted(path.stem for path in CASES.glob("*.html")))
def test_every_case_is_published(file: str) -> None:
    assert read(file).article.answer
