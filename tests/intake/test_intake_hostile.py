"""Input that was written to do harm: it does none, and what is text in it stays text."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.intake.fields.addresses import link_address
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.intake.fields.slugs import article_id, slug
from pipeline.intake.fields.text import clean, is_blank, line
from pipeline.model.article import Link, Paragraph, Text

SCRIPTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<a href='jav&#x09;ascript:alert(1)'>a</a>",
    "<a href=' &#1;javascript:alert(1)'>a</a>",
    "<math><mtext></p><style><img src=x onerror=alert(1)></style></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<form action='javascript:alert(1)'><button>a</button></form>",
    "<style>@import 'javascript:alert(1)'</style>",
    "<template><script>alert(1)</script></template>",
    "<base href='javascript:alert(1)//'><a href='x'>a</a>",
)


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", ["a.md", "a.html", "a.json"])
def test_no_script_comes_through(script: str, name: str) -> None:
    html = f"<h1>T</h1><p>Text.</p>{script}<p>End.</p>"
    source = json.dumps({"title": "T", "body": html}) if name == "a.json" else html
    article = read_article(source.encode(), name=name)
    encoded = msgspec.json.encode(article).decode()
    assert "alert" not in encoded and "javascript" not in encoded.lower()
    assert article.lead[-1] == Paragraph((Text("End."),))


UNWRITABLE = ["&#1;", "&#01", "&#x1F;", "&#xb;", "&#12;", "&#xFFFE;", "&#65535;", "\x0c", "\x0b", "\x1f", "\uffff"]


@pytest.mark.parametrize("character", UNWRITABLE, ids=ascii)
@pytest.mark.parametrize("name", ["a.md", "a.html", "a.json"])
def test_a_character_that_no_markup_may_hold_is_left_out_wherever_it_comes(name: str, character: str) -> None:
    """Each place where a page is rearranged: behind what is removed, in a picture's words, in the name of an embed."""
    html = (
        f"<title>T{character}</title><h1>T</h1><p>Text{character} of it.<script>x</script>{character} End.</p>"
        f"<nav>x</nav>{character}Tail. <p><a href='https://a.example/{character}'>on{character}e</a></p>"
        f"<img src='https://a.example/x.png' alt='a{character}'><iframe src='https://a.example/' title='a{character}'>"
        f"</iframe>{character}<button>x</button>{character}"
    )
    source = json.dumps({"title": "T", "body": html}) if name == "a.json" else html
    article = read_article(source.encode(), name=name)
    encoded = msgspec.json.encode(article).decode()
    assert "of it" in encoded
    assert not re.search(r"[\x00-\x1f\ufffe\uffff]|\\u00[01]", encoded)


def test_markup_in_a_field_is_text() -> None:
    title = "</title><script>alert(1)</script> ]]> & &amp;"
    article = read_article(json.dumps({"title": title, "summary": title, "body": "x"}).encode(), name="a.json")
    assert (article.title, article.answer) == (title, title)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//example.org/x",
        "http:example.org",
        "https:///x",
        "https://user:pass@example.org/",
        "https://example.org\\@evil.org/",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "https://[::1/",
        "https://-/",
        "https://a..b/",
        "https://" + "a" * 300 + ".org/",
        "https://example.org/" + "a" * 5000,
        "mailto:",
        "mailto:a b@example.org",
        "",
        "#top",
    ],
)
def test_an_address_that_is_none_leads_nowhere(address: str) -> None:
    assert link_address(address) is None


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("HTTPS://Example.ORG/A b".replace(" ", "%20"), "https://example.org/A%20b"),
        ('https://example.org/"><script>', "https://example.org/%22%3E%3Cscript%3E"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://exämple.org/ü?q=ö#ß", "https://xn--exmple-cua.org/%C3%BC?q=%C3%B6#%C3%9F"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://example.org/\u202egpj.exe", "https://example.org/gpj.exe"),
    ],
)
def test_an_address_leaves_as_plain_ascii(address: str, kept: str) -> None:
    assert link_address(address) == kept
    assert link_address(kept) == kept


@pytest.mark.parametrize(
    "given", ["../x", "a/b", "A", "a--b", "-a", "a-", "", "a b", "é", "a" * 121, "con.", ".", "a\n"]
)
def test_an_id_that_is_no_slug_is_refused(given: str) -> None:
    with pytest.raises(InvalidValue):
        article_id(given)


def test_a_title_that_leaves_no_letter_still_gives_an_id() -> None:
    made = slug("🙂 !!", otherwise="article")
    assert re.fullmatch(r"article-[0-9a-f]{12}", made)
    assert made == slug("🙂 !!", otherwise="article") != slug("🙃 !!", otherwise="article")


def test_a_long_title_is_cut_at_a_word() -> None:
    made = slug("sleep " * 60, otherwise="article")
    assert len(made) <= 120 and made.endswith("sleep") and article_id(made) == made


def test_text_loses_what_no_reader_may_see() -> None:
    assert clean("a\x00\x08\x7f\x9f\ufffe\U0001ffff\ufeffb") == "ab"
    assert clean("a\r\nb\rc\x85d\u2028e") == "a\nb\nc\nd\ne"
    assert clean("\ud800") == "\ufffd"
    assert clean("e\u0301") == "é"
    assert line(" a \t b\n") == "a b"


def test_no_other_character_is_lost() -> None:
    lost = {code for code in range(0x110000) if clean(chr(code)) == ""}
    controls = {*range(0x20), *range(0x7F, 0xA0)} - {*range(9, 14), 0x85}
    noncharacters = {*range(0xFDD0, 0xFDF0)} | {plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)}
    bidi = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # of which only the overrides go when they are balanced
    assert lost == controls | noncharacters | bidi | {*range(0x206A, 0x2070), 0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB}


def test_bidi_overrides_go_and_ordinary_marks_stay() -> None:
    assert clean("\u202eabc\u202c") == "abc"
    assert clean("\u2067abc") == "abc"
    assert clean("\u2067abc\u2069 \u200f\u200e\u200d") == "\u2067abc\u2069 \u200f\u200e\u200d"


def test_what_shows_nothing_is_blank() -> None:
    assert is_blank("\u200b \u2060\xa0\u200f") and line("\u200b\u200f") == ""
    with pytest.raises(InvalidArticle):
        read_article(json.dumps({"title": "\u200b", "body": "x"}).encode(), name="a.json")


def test_a_heap_of_combining_marks_is_parted() -> None:
    heap = "a" + "\u0316\u0300" * 200_000
    assert clean(heap).startswith("à") and "\u034f" in clean(heap)


def test_links_within_links_are_one() -> None:
    body = "<a href=https://a.org/>a <a href=https://b.org/>b</a></a>"
    (block,) = read_article(f"<title>T</title><p>x</p><p>{body}</p>".encode(), name="a.html").lead
    assert isinstance(block, Paragraph)
    links = [part for part in block.children if isinstance(part, Link)]
    assert links
    assert not any(isinstance(inner, Link) for link in links for inner in link.children)
