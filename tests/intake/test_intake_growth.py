"""Reading an article costs in proportion to its size, whatever it is made of, in every source format."""

from __future__ import annotations

import json
import re
import time

import pytest
from growing import growth

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.intake.body.elements import text_in
from pipeline.intake.body.sanitise import sanitised
from pipeline.intake.sources.text_page.headline import find_headline
from pipeline.intake.sources.text_page.lines import pieces_of
from pipeline.renditions.apple_news.subset import text_html

BEFORE = {
    "md": "---\ntitle: T\n---\nHello text.\n\n",
    "html": "<title>T</title><article><h1>T</h1><p>Hello text of an article with words.</p>",
    "txt": "Cramps at night\n\nCramps at night are painful. They are common with age, and mostly harmless.\n\n",
}
MARKDOWN = [
    "::: note\n", "::: note\nx\n:::\n", "> ::: note\n", "[", "![", "[a](", "[]()", "[a][b]", "[a]: b\n", "`", "``` ",
    "*a ", "**a* ", "_a_ ", "~~a ", "<a ", '<a href="', "<!--", "<?", "&", "&amp;", "> ", "- ", "1. ", "\t- a\n",
    "|a", "a|b\n-|-\n", "[^a]", "[^a]: b\n", "a\n: b\n\n", "~ a\n", "# a\n\n", "# when \n\n", "when ", "\\",
    "http://a.b ", "](",
    "[1,2]", "[1,", "x\n\n", "    a\n", " ", "***\n", "<div>\n", "<b><i>", "{{", "{% a %}", "> [!note]\n> a\n\n",
    "⁵⁄", "PMID: 1 ", "10.1000/", "\u202e", "## when to seek \n\ncall if:\n\n- a\n\n", "- [ ] a\n", "a  \n",
    "References:\n\n",
]  # fmt: skip
HTML = [
    "<a", "<a/b=", "<a/b='", "<a b=c",
    "<a ", "<a href='", "<p>a", "<div>", "<b>", "<table>", "<tr><td>a", "<td rowspan=9>", "<ul><li>", "</p>", "<!--",
    "<script>", "<style>a{}</style>", "&amp;", "<br>", "<h2>when </h2>", "<img src=a>", "<img alt='" + "_" * 30 + "!'>",
    "<iframe src=http://a.b/></iframe>", "<sup>1</sup>", "<svg>", "<p class=comment>a</p>", "<li>a doi:10.1000/a",
    "<script type=application/ld+json>{}</script>", "<article><p>a b c d.</p></article>", "<pre> ", "<a href=#f>1</a>",
    "<time datetime=2026>", "<span itemprop=articleBody>a</span>", "a | b ", "<dl><dt>a<dd>b",
    "&#1;", "&#0", "&#x000",
    "<meta name=a content=b>", "<p>Sources:</p>", "<b>References</b>", "<div>a <p>Sources:</p></div>",
]  # fmt: skip
TEXT = [
    "a\n\n", "a ", " ", "  • a\n", "1. a\n", "    • a\n", "symptom checker ", "By a\n\n", "Published: 2026-01-01\n\n",
    "PMID: 1\n", "© a. ", "(photo ", "(AP ", "Getty ", "a b c.\n\n", "Cramps at night\n\n", "not a substitute ",
    "Aa", "> a > ", "10.1000/a ", ".\"", "[1].", "References\n\n",
]  # fmt: skip
CASES = [(form, unit) for form, units in (("md", MARKDOWN), ("html", HTML), ("txt", TEXT)) for unit in units]


def read(text: str, name: str) -> None:
    try:
        read_article(text.encode(), name=name)
    except InvalidArticle:
        return


@pytest.mark.parametrize(("form", "unit"), CASES)
def test_an_article_costs_in_proportion_to_its_size(form: str, unit: str) -> None:
    each = len(unit.encode())
    assert growth(lambda size: read(BEFORE[form] + unit * (size // each), f"a.{form}")) is None


@pytest.mark.parametrize(
    ("form", "before", "unit", "after"),
    [
        ("md", "::: note", " ", "x\n"),
        ("md", "::: note {", "a", "\n"),
        ("md", "", "\xa0", "x"),
        ("md", "## References\n\n1. ", "https://", " a\n"),
        ("html", "<p>", "a\xa0", "</p>"),
        ("html", "<p>", "\u00ab", "<b>x</b>"),
        ("html", "<pre>", "\n", "x</pre>"),
        ("txt", "reviewed by", "\xa0", "x\n\n"),
        ("txt", "", "a", " symptom checker\n\n"),
    ],
)
def test_one_long_text_costs_in_proportion_to_its_size(form: str, before: str, unit: str, after: str) -> None:
    each = len(unit.encode())
    assert growth(lambda size: read(f"{BEFORE[form]}{before}{unit * (size // each)}{after}", f"a.{form}")) is None


@pytest.mark.parametrize("unit", ["::: note\n", "when ", "<p>a", "[", " "])
@pytest.mark.parametrize("field", ["title", "summary", "body"])
def test_an_article_in_json_costs_in_proportion_to_its_size(field: str, unit: str) -> None:
    article = {"title": "T", "body": "Hello."}
    each = len(unit)
    assert growth(lambda size: read(json.dumps(article | {field: f"a {unit * (size // each)} b"}), "a.json")) is None


@pytest.mark.parametrize("line", ["a: b\n", "topics: [\n", "- ", "{", "a: &b\n", '"', "# \n"])
def test_front_matter_costs_in_proportion_to_its_size(line: str) -> None:
    assert growth(lambda size: read(f"---\ntitle: T\n{line * (size // len(line))}\n---\nHello.\n", "a.md")) is None


def test_runs_of_prose_between_notices_of_cookies_cost_in_proportion() -> None:
    """Reading the lines costs so much more than finding the headline that its growth would not show beside it."""
    unit = "Cramps.\n\n" + "Our site has cookies.\n\n" * 8
    read = {size: pieces_of(unit * (size // len(unit))) for size in (2_000, 8_000, 32_000, 128_000, 512_000)}
    assert growth(lambda size: find_headline(read[size])) is None


@pytest.mark.parametrize("inline", ["<b>x</b> ", '<a href="https://e.example/">x</a> '])
def test_a_paragraph_full_of_marks_costs_no_more_than_as_many_paragraphs(inline: str) -> None:
    """The growth of trafilatura, which finds a page's text, shows only where a page is long enough to cost seconds."""
    page = "<title>T</title><article><h1>T</h1><p>Hello text of an article with words.</p>{}</article>"

    def cost(body: str) -> float:
        begun = time.process_time()
        read(page.format(body), "a.html")
        return time.process_time() - begun

    tries = ((cost(f"<p>{inline * 5_000}</p>"), cost(f"<p>{inline}</p>" * 5_000)) for _ in range(3))
    assert any(marks < 6 * paragraphs for marks, paragraphs in tries)


@pytest.mark.parametrize("piece", ["\xa0", "&amp;", "a\xb5"])
def test_a_long_text_of_escapes_costs_no_more_than_many_short_ones(piece: str) -> None:
    """The sanitiser copies a text for each of them, at a speed that hides its growth from the measure of the others."""

    def cost(html: str) -> float:
        begun = time.process_time()
        sanitised(html)
        text_html(html)
        return time.process_time() - begun

    tries = ((cost(f"<p>{piece * 300_000}</p>"), cost(f"<p>{piece * 1_000}</p>" * 300)) for _ in range(3))
    assert any(one < 6 * many for one, many in tries)


def test_a_long_text_is_the_same_when_it_was_sanitised() -> None:
    long = "".join(f"{number} " for number in range(6_000))
    for html in (f"<p>{long}<b>{long}</b>{long}</p>{long}<ul><li>{long}</ul>", f"<title>{long}</title><pre>{long}"):
        assert text_in(sanitised(html)) == re.sub("<[^>]*>", "", html)
    assert text_html(f"<p>{long}&lt;<b>{long}</b></p>") == f"<p>{long}&lt;<b>{long}</b></p>"
