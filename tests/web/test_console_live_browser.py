"""Pages that are open show what changes, without a reload, under a policy that allows no script but ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_site import MARKDOWN, console_site, serving
from judges.axe import axe_violations
from judges.browser import chromium
from playwright.sync_api import Browser, Page, expect
from served import Served
from test_console_browser import window


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        publish(site, "Before")
        site.work()
        yield site


def publish(site: Served, title: str) -> None:
    site.publish(MARKDOWN.format(id="sleep", title=title, topic="pain", pmid="2"), name="sleep")


def stays(page: Page) -> None:
    """Mark the document, so that a reload would be noticed."""
    page.evaluate("document.documentElement.dataset.mark = 'here'")
    expect(page.locator("#live-state")).to_have_text("Kept up to date.")


def is_the_same(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.dataset.mark === 'here'"))


def test_a_publish_is_seen_in_two_browsers_without_a_reload(browser: Browser, site: Served) -> None:
    with (
        serving(site) as address,
        window(browser, address, width=1440, scripts=True) as one,
        window(browser, address, width=390, scripts=True) as other,
    ):
        for shown in (one, other):
            shown.sign_in()
            shown.open("/console/articles/sleep")
            stays(shown.page)
        publish(site, "After")
        for shown in (one, other):
            expect(shown.page.locator("h1")).to_have_text("After")
        site.work()
        for shown in (one, other):
            rows = shown.page.locator("table.list").first.locator("tr", has_text="partner")
            expect(rows).to_contain_text("revision 2")
            assert is_the_same(shown.page)
            assert axe_violations(shown.page) == []


def test_what_needs_you_appears_by_itself_and_what_is_being_read_stays_open(browser: Browser, site: Served) -> None:
    with serving(site) as address, window(browser, address, width=1440, scripts=True) as shown:
        shown.sign_in()
        shown.open("/console")
        stays(shown.page)
        expect(shown.page.locator("h1")).to_have_text("Nothing needs you")
        site.receiver.mood = "refuses"
        publish(site, "Refused")
        site.work()
        expect(shown.page.locator("h1")).to_contain_text("Needs you")
        expect(shown.page.locator("#live")).to_contain_text("given up")
        assert is_the_same(shown.page)
        shown.open("/console/now")
        stays(shown.page)
        shown.page.locator("summary").first.click()
        publish(site, "Once more")
        expect(shown.page.locator("#live")).to_contain_text("enrich")
        site.work()
        expect(shown.page.locator("svg title").last).to_contain_text("failed")
        assert shown.page.locator("details").first.get_attribute("open") is not None
        assert is_the_same(shown.page)


def test_a_page_says_that_it_is_no_longer_kept_up_to_date(browser: Browser, site: Served) -> None:
    with serving(site) as address, window(browser, address, width=1440, scripts=True) as shown:
        shown.sign_in()
        shown.open("/console")
        stays(shown.page)
        site.app.state.stop()
        expect(shown.page.locator("#live-state")).to_contain_text("Connection lost")
        shown.page.goto("about:blank")  # which asks for no stream any more
        shown.refused.clear()  # that a stream was refused is an error to the browser, too
        shown.open("/console/channels")
