"""The AMP page, and what its judges find where there is something. They run over all in test_every_judge.py."""

from __future__ import annotations

import json

import pytest
from articles import SAMPLE, SITE, STRANGE, WITHDRAWAL, emphasised, revision_of, text
from judges.amp import official_findings, own_findings
from judges.dom import tree
from msgspec.structs import replace

from pipeline.model.article import (
    MAX_NESTING,
    Article,
    Block,
    BulletList,
    Cell,
    Image,
    ListItem,
    Note,
    Paragraph,
    Quotation,
    Section,
    Table,
)
from pipeline.renditions.amp import FORMAT


def page_of(article: Article) -> bytes:
    return FORMAT.render(revision_of(article), SITE)


# --- as deep as may be --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [Paragraph(emphasised(200)), Table(((Cell(emphasised(200)),),))])
def test_an_article_as_deep_as_may_be_is_lifted_until_the_validator_can_read_it(inner: Block) -> None:
    lists: tuple[Block, ...] = (inner,)
    for level in range(MAX_NESTING - 2):
        lists = (BulletList((ListItem((text(f"item at {level}"), *lists)),)),)
    others: tuple[Block, ...] = (inner,)
    for level in range(MAX_NESTING - 2):
        others = (Quotation(others, source=f"source {level}"),) if level % 2 else (Note("info", others),)
    page = page_of(Article(id="a", title="T", answer="A", lead=lists, sections=(Section("S", "s", others),)))
    assert official_findings(page) == []
    shown = tree(page).text_content()
    assert shown.count("the bottom of the words") == 2
    for level in range(MAX_NESTING - 2):
        assert f"item at {level}" in shown
        assert level % 2 == 0 or f"source {level}" in shown


# --- the judges can find something ----------------------------------------------------------------------------------


def test_the_official_validator_finds_a_script_of_an_author() -> None:
    page = FORMAT.render(SAMPLE, SITE).replace(b"</body>", b"<script>alert(1)</script></body>")
    assert any("script" in finding for finding in official_findings(page))


@pytest.mark.parametrize(
    ("good", "bad", "finding"),
    [
        (b' lang="en"', b"", "no lang"),
        (b' dir="ltr">', b">", "no dir"),
        (b'"canonical" href="https://notes.example.org', b'"canonical" href="', "not absolute"),
        (b"</body>", b'<img src="x.png"></body>', "a native <img>"),
        (b"</body>", b'<amp-img src="x.png"></amp-img></body>', "without dimensions"),
        (b"</head>", b'<script async custom-element="amp-list" src="x"></script></head>', "loaded and not used"),
        (b"</body>", b"<amp-list></amp-list></body>", "used without its script"),
        (b"</body>", b'<amp-social-share type="x"></amp-social-share></body>', "has no endpoint"),
        (b"</body>", b'<amp-social-share type="email"></amp-social-share></body>', "has no size"),
        (b"</body>", b'<amp-social-share type="facebook" width=1 height=1></amp-social-share></body>', "no app id"),
        (b":root {", b":root {" + b" " * 75_000, "bytes of custom CSS"),
    ],
)
def test_our_own_judge_finds_what_the_official_one_lets_pass(good: bytes, bad: bytes, finding: str) -> None:
    page = FORMAT.render(SAMPLE, SITE)
    assert good in page
    assert any(finding in found for found in own_findings(page.replace(good, bad, 1)))


# --- what the page is -----------------------------------------------------------------------------------------------


def test_the_format_serves_html_at_an_address_that_ends_in_its_name() -> None:
    assert (FORMAT.name, FORMAT.media_type, FORMAT.extension) == ("amp", "text/html", "amp")


def test_the_page_loads_no_script_but_amps_own() -> None:
    sources = tree(FORMAT.render(SAMPLE, SITE)).xpath("//script/@src")
    assert sources == ["https://cdn.ampproject.org/v0.js"]


def test_its_canonical_address_is_the_articles() -> None:
    assert tree(FORMAT.render(SAMPLE, SITE)).xpath("//link[@rel='canonical']/@href") == [
        "https://notes.example.org/articles/leg-spasticity"
    ]
    elsewhere = replace(SAMPLE.article, canonical="https://other.example/a?b=1&c=2")
    assert tree(page_of(elsewhere)).xpath("//link[@rel='canonical']/@href") == ["https://other.example/a?b=1&c=2"]


def test_custom_css_stays_far_below_amps_limit() -> None:
    (style,) = tree(FORMAT.render(SAMPLE, SITE)).xpath("//style[@amp-custom]")
    assert len(style.text.encode()) < 20_000
    assert "!important" not in style.text


def test_an_image_without_dimensions_gets_a_box_of_a_usual_shape() -> None:
    image = Image("https://x.example/a b.png?q=1&r=<2>", "alt")
    (picture,) = tree(page_of(Article(id="a", title="T", answer="A", lead=(image,)))).xpath("//amp-img")
    assert (picture.get("width"), picture.get("height"), picture.get("layout")) == ("1200", "675", "responsive")
    assert picture.get("src") == "https://x.example/a%20b.png?q=1&r=%3C2%3E"


@pytest.mark.parametrize(("width", "height"), [(640, 0), (-1, 480), (640, None)])
def test_dimensions_that_are_none_are_not_believed(width: int, height: int | None) -> None:
    image = Image("https://x.example/a.png", "alt", width, height)
    page = page_of(Article(id="a", title="T", answer="A", image=image))
    assert official_findings(page) == []
    assert tree(page).xpath("//amp-img/@width") == ["1200"]


def test_linked_data_cannot_end_its_script() -> None:
    page = FORMAT.render(STRANGE["hostile"], SITE)
    (script,) = tree(page).xpath("//script[@type='application/ld+json']")
    assert json.loads(script.text)["name"] == STRANGE["hostile"].article.title
    assert b"<script>alert" not in page


def test_the_page_of_a_withdrawn_article_says_that_it_was_when_and_why() -> None:
    page = tree(FORMAT.tombstone(WITHDRAWAL, SITE))
    shown = page.text_content()
    assert "This article has been withdrawn" in shown
    assert WITHDRAWAL.title in shown
    assert WITHDRAWAL.reason in shown
    assert "1 April 2025" in shown
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]
