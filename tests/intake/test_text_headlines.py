"""The headline of a page saved as text is found by its text, or the page is refused: never a wrong one.

The pages lie beside the checkout in `shared/data/pages`. They are written out as a browser saves them as text.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import lxml.html
import pytest
from judges.presence import missing

from benchmarks.extraction import PAGES
from pipeline.errors import InvalidArticle
from pipeline.intake import read_article, read_source
from pipeline.intake.source import SourceFile

_BLOCKS = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "nav",
        "aside",
        "main",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "td",
        "th",
        "blockquote",
        "figure",
        "figcaption",
        "form",
        "pre",
        "dl",
        "dt",
        "dd",
        "br",
        "hr",
        "fieldset",
        "button",
        "address",
        "details",
        "summary",
    ]
)
_UNSEEN = frozenset(
    ["script", "style", "noscript", "head", "template", "svg", "select", "textarea", "iframe", "object"]
)


def saved_as_text(page: lxml.html.HtmlElement) -> str:
    lines = [line.rstrip() for line in "".join(_written(page)).split("\n")]
    return "\n\n".join(line for line in lines if line.strip(" •")) + "\n"


def _written(element: lxml.html.HtmlElement) -> Iterator[str]:
    hidden = "display:none" in (element.get("style") or "").replace(" ", "") or element.get("hidden") is not None
    if not isinstance(element.tag, str) or element.tag in _UNSEEN or hidden:
        return
    is_block = element.tag in _BLOCKS
    yield "\n" if is_block else ""
    yield "  • " if element.tag == "li" else ""
    yield re.sub(r"\s+", " ", element.text or "")
    for child in element:
        yield from _written(child)
        yield re.sub(r"\s+", " ", child.tail or "")
    yield "\n" if is_block else ""


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def titles(page: lxml.html.HtmlElement) -> set[str]:
    candidates = [heading.text_content() for heading in page.iter("h1")]
    candidates += page.xpath("//meta[@property='og:title']/@content") + page.xpath("//title/text()")
    return {plain for one in candidates if (plain := _plain(one))}


def test_no_page_gets_a_headline_that_is_not_its_own() -> None:
    if not (PAGES / "ground-truth.json").is_file():
        missing("the folder of marked pages", "it belongs beside the checkout, in shared/data/pages")
    found, wrong = 0, {}
    for file in sorted((PAGES / "html").iterdir()):
        page = lxml.html.fromstring(gzip.decompress(file.read_bytes()), parser=lxml.html.HTMLParser(encoding="utf-8"))
        try:
            title = read_article(saved_as_text(page).encode(), name="page.txt").title
        except InvalidArticle as refused:
            assert refused.code in ("headline-not-found", "article-empty"), (file.name, refused)  # noqa: PT017  # the others go on
            continue
        found += 1
        said = _plain(title)
        if not any(said == own or (len(said) > 12 and said in own) for own in titles(page)):
            wrong[file.name] = title
    assert wrong == {}
    assert found >= 60


TEXT = (
    "Night cramps are painful contractions of the calf muscles. They are common in pregnancy and with age.\n\n"
    "Stretching the calves before bed makes cramps at night rarer. Warm the muscles first, and drink enough.\n"
)
HEADLINE = "Night cramps in the calf muscles"


def read(text: str) -> tuple[str, str]:
    article = read_article(text.encode(), name="page.txt")
    return article.title, article.answer


@pytest.mark.parametrize(
    "above",
    [
        "Example Health\n\n  • Home\n\n  • News\n\n{headline}\n\nBy Jane Roe\n\n",
        "Example Health\n\n  • Home\n\nFive walks\n\n{headline}\n\nJane Roe - Nov 19, 2019, 10:31 pm\n\n3\n\n",
        "Example Health\n\nMuscles\n\n{headline}\n\n1/5\n\nA calf. (AP Photo/Jane Roe)\n\n21:17 18.11.2019\n\n",
        "Example Health\n\n  • Home\n\n{headline}\n\nJane Roe | Getty Images\n\nPublished: March 9th, 2026 at 9\n\n",
        "Home Muscles {headline}\n\n{headline}\n\nShare on Facebook\n\nJane Roe, Example Health\n\n2 days ago\n\n",
    ],
)
def test_menus_teasers_bylines_and_credits_are_neither_headline_nor_answer(above: str) -> None:
    title, answer = read(above.format(headline=HEADLINE) + TEXT)
    assert title == HEADLINE
    assert answer.startswith("Night cramps are painful")


@pytest.mark.parametrize(
    "above",
    [
        "Example Health\n\n  • Home\n\nSign in to your account\n\n",  # nothing that the text speaks of
        "Example Health\n\nWe use cookies to make this site better.\n\n",  # a sole candidate
        "NIGHT MUSCLE CRAMPS\n\nThe calf muscles and their cramps at night, told by one of the people who have them\n\n"
        "By Jane Roe\n\n",  # either may be the headline
    ],
)
def test_a_page_on_which_no_line_is_certainly_the_headline_is_refused(above: str) -> None:
    with pytest.raises(InvalidArticle) as caught:
        read(f"Menu\n\n{above}{TEXT}")
    assert caught.value.code == "headline-not-found"


def test_what_is_left_out_below_the_headline_is_said() -> None:
    page = f"Menu\n\n{HEADLINE}\n\nAlex Wong | Getty Images\n\nBy Jane Roe\n\n{TEXT}"
    (warning,) = read_source(SourceFile(page.encode(), "page.txt")).warnings
    assert (warning.code, warning.line) == ("line-left-out", 5)
    assert "Getty Images" in warning.message and "Jane Roe" in warning.message


@pytest.mark.parametrize("line", ["Share your worries early", "By the age of 60 most people have had one."])
def test_a_heading_or_a_sentence_below_the_headline_stays(line: str) -> None:
    article = read_article(f"{HEADLINE}\n\n{line}\n\n{TEXT}".encode(), name="page.txt")
    assert line in (article.answer, *(section.heading for section in article.sections))


LISTED = "  • Stretch the calves before you go to bed, every evening.\n  • Rest.\n\n"


@pytest.mark.parametrize("text", [LISTED, LISTED + TEXT, TEXT, "  • Rest.\n\n  • Stretch.\n"])
def test_a_title_on_the_first_line_needs_no_other_sign(text: str) -> None:
    assert read(f"What helps?\n\n{text}")[0] == "What helps?"
