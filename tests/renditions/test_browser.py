"""The AMP page and the plain page as people see them: narrow and wide, light and dark, in both directions, on paper.

No script runs in any of these, and AMP's own cannot be fetched: everything is there without.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import pytest
from articles import SAMPLE, SITE, STRANGE, WITHDRAWAL, revision_of, text
from judges.browser import (
    ADDRESS,
    DESK,
    PHONE,
    chromium,
    faint_text,
    scrolls_sideways,
    sight,
    small_targets,
    text_out_of_the_window,
    unseen_text,
)
from msgspec.structs import replace
from playwright.sync_api import Browser
from published import OURS, named

from pipeline.model.article import Article, Block, ListItem, Note, NoteKind, NumberedList, Quotation, Section
from pipeline.model.revision import Revision
from pipeline.renditions.amp import FORMAT as AMP
from pipeline.renditions.html import FORMAT as PAGE

FORMS = {"amp": AMP, "page": PAGE}


def _boxes(levels: int) -> Article:
    """Notes, quotations and lists within each other."""
    inner: tuple[Block, ...] = (text("the bottom"),)
    for level in range(levels):
        match level % 3:
            case 0:
                inner = (Note("warning", inner),)
            case 1:
                inner = (Quotation(inner),)
            case _:
                inner = (NumberedList((ListItem((text("item"), *inner)),)),)
    return Article(id="boxes", title="Boxes", answer="In boxes.", lead=inner)


_WARNINGS = tuple(Note(kind, (text(f"This is {kind}."),)) for kind in get_args(NoteKind))
LONG = replace(
    SAMPLE,
    article=replace(SAMPLE.article, sections=(*SAMPLE.article.sections, Section("Warnings", "warnings", _WARNINGS))),
)
MIRRORED = replace(LONG, article=replace(LONG.article, language="ar"))
REVISIONS = {"long": LONG, "mirrored": MIRRORED, "boxes": revision_of(_boxes(60)), **OURS}

Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def body(form: str, revision: Revision = LONG) -> bytes:
    return FORMS[form].render(revision, SITE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", [*REVISIONS, "seed"])
def test_no_page_is_wider_than_its_window(
    browser: Browser, form: str, name: str, request: pytest.FixtureRequest
) -> None:
    revision = REVISIONS.get(name) or named(name, request)
    with sight(browser, body(form, revision)) as seen:
        for width in (PHONE, DESK):
            seen.page.set_viewport_size({"width": width, "height": 844})
            assert not scrolls_sideways(seen)
            assert text_out_of_the_window(seen) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["long", "mirrored", "mmr-vaccine-and-autism"])
def test_all_text_stands_out_from_its_ground(browser: Browser, form: str, scheme: Scheme, name: str) -> None:
    with sight(browser, body(form, REVISIONS[name]), scheme=scheme) as seen:
        assert faint_text(seen) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("form", FORMS)
def test_the_page_of_a_withdrawn_article_can_be_read(browser: Browser, form: str, scheme: Scheme) -> None:
    with sight(browser, FORMS[form].tombstone(WITHDRAWAL, SITE), scheme=scheme) as seen:
        assert faint_text(seen) == []
        assert unseen_text(seen, outside="none") == []
        assert not scrolls_sideways(seen)


def test_the_page_is_dark_where_the_reader_asks_for_that(browser: Browser) -> None:
    brightness = "return luminance(ground(document.body))"
    with sight(browser, body("page"), scheme="dark") as seen:
        assert seen.look(brightness) < 0.05
    with sight(browser, body("page"), scheme="light") as seen:
        assert seen.look(brightness) > 0.9


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_hidden_from_a_browser_without_scripts(browser: Browser, form: str) -> None:
    with sight(browser, body(form), width=DESK) as seen:
        assert unseen_text(seen, outside=".skip") == []


@pytest.mark.parametrize("form", FORMS)
def test_paper_shows_the_whole_article_and_no_buttons(browser: Browser, form: str) -> None:
    with sight(browser, body(form), width=700, media="print") as seen:
        assert unseen_text(seen, outside=".skip, .share, .contents") == []
        assert faint_text(seen) == []
        assert not seen.page.locator(".share").is_visible()


@pytest.mark.parametrize("form", FORMS)
def test_what_a_thumb_must_hit_is_large_enough(browser: Browser, form: str) -> None:
    links = ".site a, .contents a, .calls-to-action a, .related a, .share a"
    with sight(browser, body(form)) as seen:
        assert seen.page.locator(links).count() > 10
        assert small_targets(seen, links, least=44) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_screen_reader_finds_its_landmarks_in_order(browser: Browser, form: str) -> None:
    with sight(browser, body(form)) as seen:
        landmarks = [seen.page.get_by_role(role) for role in ("banner", "main", "article", "contentinfo")]
        assert [landmark.count() for landmark in landmarks] == [1, 1, 1, 1]
        assert seen.page.get_by_role("heading", level=1).count() == 1
        for region in ("The short answer", "References"):
            assert seen.page.get_by_role("region", name=region).count() == 1, region
        for contents in ("On this page", "Related"):
            assert seen.page.get_by_role("navigation", name=contents).count() == 1, contents
        order = "[...document.querySelectorAll('header.site, main, footer.site')].map(one => one.tagName)"
        assert seen.look(f"return {order}") == ["HEADER", "MAIN", "FOOTER"]


def test_a_page_in_arabic_is_the_mirror_of_one_in_english(browser: Browser) -> None:
    places = """
        const card = document.querySelector('.short-answer'), style = getComputedStyle(card)
        const contents = document.querySelector('.contents').getBoundingClientRect()
        return [style.borderLeftWidth, style.borderRightWidth, contents.left < card.getBoundingClientRect().left]
    """
    with sight(browser, body("page"), width=DESK) as seen:
        assert seen.look(places) == ["5px", "0px", False]
    with sight(browser, body("page", MIRRORED), width=DESK) as seen:
        assert seen.look(places) == ["0px", "5px", True]


def test_the_answer_can_be_seen_on_a_phone_without_scrolling(browser: Browser) -> None:
    with sight(browser, body("page")) as seen:
        top = seen.look("return document.querySelector('p.answer').getBoundingClientRect().top")
        assert top < 844


@pytest.mark.parametrize(("width", "shown"), [(PHONE, False), (DESK, True)])
def test_the_contents_keep_to_the_first_level_where_room_is_short(browser: Browser, width: int, shown: bool) -> None:
    with sight(browser, body("page"), width=width) as seen:
        assert seen.page.locator(".contents a", has_text="Treatments").is_visible()
        assert seen.page.locator(".contents ol ol a").is_visible() is shown


def test_a_wide_table_scrolls_by_itself(browser: Browser) -> None:
    with sight(browser, body("page", STRANGE["enormous-table"])) as seen:
        box = seen.page.locator(".scroll")
        assert box.evaluate("box => box.scrollWidth > box.clientWidth")
        assert box.evaluate("box => getComputedStyle(box).overflowX") == "auto"


@pytest.mark.parametrize("form", FORMS)
def test_reading_asks_nobody_for_anything_but_the_articles_pictures(browser: Browser, form: str) -> None:
    pictures = {"https://notes.example.org/img/legs.png", "https://notes.example.org/img/stretch.jpg"}
    with sight(browser, body(form), width=DESK) as seen:
        seen.page.locator("footer.site").scroll_into_view_if_needed()
        asked = {address for address in seen.asked if not address.endswith("/favicon.ico")}
        assert asked <= pictures | {ADDRESS}
        assert asked & pictures
