"""The site's own pages in a browser: narrow and wide, light and dark, from both sides, for everybody."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from asgi import get
from judges.axe import axe_violations
from judges.browser import chromium, faint_text, profile, scrolls_sideways, sight, small_targets, text_out_of_the_window
from judges.nu import nu_findings
from playwright.sync_api import Browser
from served import SITE, Served, served

from pipeline.ledger.evidence import changes
from pipeline.views.references import known_record

PLAIN = SITE.partition("[[channels]]")[0]
LANGUAGES = ("en", "ar", "sv")
PATHS = ("/", "/articles", "/articles?topic=sleep", "/feeds", "/nothing")
ARTICLE = """---
id: {id}
title: "{title}"
language: {language}
topics: [Sleep, {topic}]
references: [1]
---
Yes.
"""
TITLES = {
    "en": "Baclofen for spasticity: what it does, and what it does not do, however long the title is",
    "ar": "هل التمدد ليلاً مفيد؟",
    "de": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "he": "כאב & <b>שינה</b> \u202e 10 mg",
}


def fill(site: Served) -> None:
    for number, (language, title) in enumerate(TITLES.items()):
        topic = ("x" * 60, "ألم", "Schmerz", "כאב")[number]
        site.publish(ARTICLE.format(id=f"a{number}", title=title, language=language, topic=topic), name=f"a{number}")
    site.work()
    with site.context.ledger.write() as transaction:
        record = known_record(transaction, "1")
        assert record is not None
        changes.add(transaction, record, gained=["retracted"], lost=["concern"], articles=["a0"], at=site.clock())


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], bytes]:
    """Fetched before the browser starts, which brings an event loop of its own to this thread."""
    found: dict[tuple[str, str], bytes] = {}
    for language in LANGUAGES:
        text = PLAIN.replace('title = "Notes"', f'title = "Notes"\nlanguage = "{language}"', 1)
        with served(tmp_path_factory.mktemp(language), text, formats=("html", "atom", "rss", "json-feed")) as site:
            fill(site)
            found |= {(language, path): get(site.app, path, accept="text/html").body for path in PATHS}
    return found


@pytest.fixture(scope="module")
def browser(pages: dict[tuple[str, str], bytes]) -> Iterator[Browser]:
    assert pages
    with chromium() as running:
        yield running


def test_every_page_can_be_read(browser: Browser, pages: dict[tuple[str, str], bytes]) -> None:
    for key, body in pages.items():
        with sight(browser, body) as seen:
            for width, scheme in itertools.product((320, 390, 1440), ("light", "dark")):
                seen.page.set_viewport_size({"width": width, "height": 844})
                seen.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                way = (key, width, scheme)
                assert not scrolls_sideways(seen), way
                assert text_out_of_the_window(seen) == [], way
                assert faint_text(seen) == [], way
                assert small_targets(seen, "a", least=24) == [], way


def test_nothing_keeps_people_with_disabilities_out(browser: Browser, pages: dict[tuple[str, str], bytes]) -> None:
    context = profile(browser, viewport={"width": 390, "height": 844})
    shown = context.new_page()
    for key, body in pages.items():
        shown.set_content(body.decode())
        assert axe_violations(shown) == [], key
    context.close()


def test_every_page_is_valid_html(pages: dict[tuple[str, str], bytes]) -> None:
    for key, body in pages.items():
        assert nu_findings(body) == [], key


def test_a_change_of_the_evidence_is_told_in_the_sites_language(pages: dict[tuple[str, str], bytes]) -> None:
    said = {language: pages[language, "/"].decode() for language in LANGUAGES}
    assert "Retracted; No longer: Expression of concern" in said["en"]
    assert "Retracted" not in said["ar"]
    assert "لم يعد" in said["ar"]
