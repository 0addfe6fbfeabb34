"""Hostile pages take time linear in their size, and files without text are refused with a hint."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import SourceFile, read_article, read_source
from pipeline.intake.body.sanitise import parse
from pipeline.intake.sources.html_page.extractor import MAX_ELEMENTS, article_lines
from pipeline.intake.sources.html_page.furniture import remove_furniture

FORMS: dict[str, Callable[[int], str]] = {
    "divs in divs": lambda size: "<div>a b c d " * (size // 13),
    "unclosed paragraphs": lambda size: "<p>a b c d " * (size // 11),
    "unclosed bold": lambda size: "<b>a b c d " * (size // 11),
    "open tags": lambda size: "<" * size,
    "comments by class": lambda size: "<div class=comments>a b c d</div>" * (size // 33),
    "headings": lambda size: "<h1>T</h1>" * (size // 10),
    "links": lambda size: "<a rel=author href=x>a b c d</a>" * (size // 32),
    "authors in authors": lambda size: "<span itemprop=author itemscope><b itemprop=name>" * (size // 49),
    "scripts": lambda size: "<script>" * (size // 8),
}


LARGE = ("divs in divs", "unclosed paragraphs", "unclosed bold", "open tags", "scripts")


def _events(text: str) -> int:
    """Function calls that reading a page takes, in our code and Python's."""
    count = 0

    def note(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(note)
    try:
        read_source(SourceFile(f"<title>T</title><p>Text.</p>{text}".encode(), "a.html"))
    except InvalidArticle:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("form", FORMS)
def test_work_grows_as_the_page_does(form: str) -> None:
    read_article(b"<title>T</title><p>Warm the imports up.</p>", name="a.html")
    small, large = _events(FORMS[form](5_000)), _events(FORMS[form](40_000))
    assert large < 12 * small + 100_000


def _outcome(data: bytes) -> str:
    try:
        return "read" if read_article(data, name="a.html").answer else "empty"
    except InvalidArticle as error:
        return error.code


@pytest.mark.parametrize(("form", "size"), [*((form, 2_000) for form in FORMS), *((form, 2_000_000) for form in LARGE)])
def test_a_page_of_any_size_is_read_or_refused_with_a_reason(form: str, size: int) -> None:
    data = f"<title>T</title><p>Text.</p>{FORMS[form](size)}".encode()
    assert _outcome(data) in ("read", "nested-too-deep", "article-too-complex")


def test_the_extractor_gets_no_page_that_is_too_large_for_it() -> None:
    body = parse("<body>" + "<p>Some words of an article.</p>" * (MAX_ELEMENTS + 1)).find("body")
    assert body is not None and article_lines(body) == []


def test_scripts_hide_no_tag_with_too_many_attributes() -> None:
    tag = "<p " + "".join(f"a{n}=1 " for n in range(50_000)) + ">"
    for before in ("<script/>", "<style />", "<script></script>", "<style>x</style >"):
        with pytest.raises(InvalidArticle) as caught:
            read_article(f"<title>T</title><p>x</p>{before}{tag}".encode(), name="a.html")
        assert caught.value.code == "article-too-complex"


@pytest.mark.parametrize("unit", ["<a", "<a/b=", "<a<b/c=<d/e="])
@pytest.mark.parametrize("before", ["", '<p title="', '<p title="a" x='])
def test_tags_within_tags_are_refused_before_each_is_read_to_its_end(unit: str, before: str) -> None:
    with pytest.raises(InvalidArticle) as caught:
        read_article(f"<title>T</title><p>x</p>{before}{unit * 20_000}".encode(), name="a.html")
    assert caught.value.code == "article-too-complex"


def test_a_text_may_hold_signs_that_look_like_tags() -> None:
    html = "<title>T</title><p>x</p>" + "<p>Where p <a and q <b, they differ.</p>" * 50
    assert read_article(html.encode(), name="a.html").answer == "x"


@pytest.mark.parametrize("tag", ["form", "div aria-hidden=true", "div class=sidebar", "div role=dialog"])
def test_a_mark_around_the_whole_page_takes_nothing_away(tag: str) -> None:
    text = "".join(f"<p>Paragraph {n} says what matters about cramps at night.</p>" for n in range(20))
    html = f"<title>Cramps</title><{tag}><h1>Cramps</h1>{text}</{tag.split(maxsplit=1)[0]}>"
    article = read_article(html.encode(), name="a.html")
    assert article.answer.startswith("Paragraph 0") and len(article.lead) == 19


def test_an_empty_main_is_not_the_article() -> None:
    html = "<title>T</title><main></main><div><p>One.</p><p>Two.</p></div>"
    assert read_article(html.encode(), name="a.html").answer == "One."


def test_what_the_operator_names_is_taken_out_by_selector_and_by_text() -> None:
    html = "<title>T</title><p>Text.</p><div class='promo x'><p>Buy.</p></div><p>Tell your friends now</p><p>End.</p>"
    body = parse(html).find("body")
    assert body is not None
    remove_furniture(body, title="T", drop=[".promo", "Tell your friends*"])
    assert [p.text for p in body.iter("p")] == ["Text.", "End."]


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("shift_jis", "cp932", "毎日一回"),
        ("euc-jp", "euc_jp", "毎日一回"),
        ("windows-1251", "cp1251", "Принимайте"),
        ("iso-8859-1", "cp1252", "5 µg – œdème"),
        ("windows-1256", "cp1256", "الجرعة"),
        ("gb2312", "gb18030", "每天一次"),
        ("big5", "big5hkscs", "每天一次"),
        ("euc-kr", "cp949", "하루 한 번"),
    ],
)
def test_the_encoding_that_a_page_declares_is_read(label: str, codec: str, text: str) -> None:
    for declared in (
        f'<meta charset="{label}">',
        f'<meta http-equiv=content-type content="text/html; charset={label}">',
    ):
        html = f"<html><head>{declared}<title>{text}</title></head><body><p>{text}.</p></body></html>"
        assert read_article(html.encode(codec), name="a.html").title == text


def test_a_page_that_was_converted_to_utf_8_and_declares_what_it_was_is_utf_8() -> None:
    html = '<meta charset="windows-1252"><title>5 µg</title><p>5 µg a day.</p>'
    assert read_article(html.encode(), name="a.html").title == "5 µg"


def _docx() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr("word/document.xml", "<w:document/>")
    return archive.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "kind", "what_to_do"),
    [
        ("a.docx", _docx(), "Word document (.docx)", "web page"),
        ("a.html", _docx(), "Word document (.docx)", "pandoc"),
        ("a.pdf", b"%PDF-1.7\n\xe2\xe3", "PDF", "made from"),
        ("a.txt", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old binary format", "web page"),
        ("a.rtf", b"{\\rtf1 text}", "RTF", ".html"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "image", "link it"),
        ("a.mht", b"From: <Saved by Blink>\r\n", "MHTML", "HTML only"),
        ("a.md", b"# T\n\x00\x01\x02", "binary", ".md"),
    ],
)
def test_a_file_without_text_is_answered_with_what_to_do(name: str, data: bytes, kind: str, what_to_do: str) -> None:
    with pytest.raises(InvalidArticle) as caught:
        read_article(data, name=name)
    assert caught.value.code == "not-text"
    assert kind in caught.value.message and what_to_do in str(caught.value.hint)
