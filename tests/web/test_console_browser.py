"""The console in a browser: by keyboard, without scripts, narrow and wide, light and dark, for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from console_site import PASSKEYS, add_passkeys, console_site, fill, serving
from judges.axe import axe_violations
from judges.browser import (
    Sight,
    chromium,
    faint_text,
    profile,
    scrolls_sideways,
    small_targets,
    text_out_of_the_window,
)
from judges.nu import nu_findings
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from served import Served

from pipeline.ledger import deliveries

WIDTHS, HEIGHT = (390, 1440), 900  # CSS pixels
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PAGES = [
    "/console",
    "/console/now",
    "/console/articles",
    "/console/articles?q=antibiotics&trouble=1",
    "/console/articles/baclofen-for-spasticity",
    "/console/articles/baclofen-for-spasticity/revisions/2",
    "/console/articles/hostile/revisions/1",
    "/console/articles/statins-and-muscle-pain/revisions/2",
    "/console/articles/baclofen-for-spasticity/withdraw",
    "/console/articles/hostile/shown?at=2026-03-01T12:30:00",
    "/console/articles/hostile?format=amp",
    "/console/articles/statins-and-muscle-pain",
    "/console/bulk/op_prepared",
    "/console/calendar",
    "/console/channels",
    "/console/channels/archive",
    "/console/channels/partner",
    "/console/channels/partner/replay?since=2026-03-01T00:00:00",
    "/console/deliveries/{delivery}",  # that was given up
    "/console/failures",
    "/console/feeds",
    "/console/feeds/latest",
    "/console/operations",
    "/console/passkeys",
    "/console/references",
    "/console/references?standing=retracted",
    "/console/references/1",
    "/console/references/1/recall",
    "/console/publish",
    "/console/publish/upl_prepared",
    "/console/sessions",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with console_site(tmp_path_factory.mktemp("console"), PASSKEYS) as site:
        fill(site)
        add_passkeys(site)
        yield site


@pytest.fixture(scope="module")
def address(site: Served) -> Iterator[str]:
    with serving(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def pages(site: Served) -> list[str]:
    """The addresses of `PAGES` on the site."""
    with site.context.ledger.read() as transaction:
        delivery, *_ = deliveries.search(transaction, state="abandoned", channel=None, limit=1)
    return [path.format(delivery=delivery.id) for path in PAGES]


@dataclass
class Window:
    page: Page
    address: str
    refused: list[str] = field(default_factory=list)  # what the browser did not do because of the page's policy

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def note(self, message: ConsoleMessage) -> None:
        if "frame is sandboxed" in message.text:  # AMP's own script in a preview, which shall not run
            return
        if "Content Security Policy" in message.text or message.type == "error":
            self.refused.append(message.text)

    def sign_in(self) -> None:
        """By keyboard: the cursor is in the field already."""
        self.open("/console")
        self.page.wait_for_selector("#token:focus")
        self.page.keyboard.type("root")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/console")


@contextmanager
def window(browser: Browser, address: str, *, width: int = WIDTHS[0], scripts: bool = False) -> Iterator[Window]:
    context = profile(browser, viewport={"width": width, "height": HEIGHT}, java_script_enabled=scripts)
    try:
        shown = Window(context.new_page(), address)
        shown.page.on("console", shown.note)
        yield shown
        assert shown.refused == []
    finally:
        context.close()


def in_every_way(shown: Window) -> Iterator[str]:
    """Show the page that is open narrow and wide, light and dark; yield each way's name."""
    for width in WIDTHS:
        shown.page.set_viewport_size({"width": width, "height": HEIGHT})
        for scheme in SCHEMES:
            shown.page.emulate_media(color_scheme=scheme)
            yield f"{width}-{scheme}"


def look(shown: Window, name: str, pictures: Path) -> None:
    """Check what is on the screen, and keep a picture of it."""
    seen = Sight(shown.page)
    shown.page.screenshot(path=pictures / f"{name.strip('/').replace('/', '-')}.png", full_page=True)
    assert not scrolls_sideways(seen), name
    assert text_out_of_the_window(seen) == [], name
    assert faint_text(seen) == [], name
    assert small_targets(seen, "button, nav a, input:not([type=hidden]), select", least=24) == [], name


def test_every_page_can_be_read(browser: Browser, address: str, pages: list[str], tmp_path: Path) -> None:
    with window(browser, address) as shown:
        shown.open("/console/sign-in")
        for way in in_every_way(shown):
            look(shown, f"sign-in-{way}", tmp_path)
        shown.sign_in()
        for path in pages:
            shown.open(path)
            for way in in_every_way(shown):
                look(shown, f"{path}-{way}", tmp_path)


def test_nothing_keeps_people_with_disabilities_out(browser: Browser, address: str, pages: list[str]) -> None:
    with window(browser, address, scripts=True) as shown:
        shown.open("/console/sign-in")
        assert axe_violations(shown.page) == []
        shown.sign_in()
        for path in pages:
            shown.open(path)
            for width in WIDTHS:
                shown.page.set_viewport_size({"width": width, "height": HEIGHT})
                assert axe_violations(shown.page) == [], (path, width)


@pytest.mark.parametrize("format", ["html", "amp"])
def test_a_preview_shows_the_article_in_its_frame(browser: Browser, address: str, format: str, tmp_path: Path) -> None:
    with window(browser, address, width=1440) as shown:
        shown.sign_in()
        shown.open(f"/console/articles/baclofen-for-spasticity?format={format}")
        frame = shown.page.frame_locator("iframe")
        expect(frame.locator("h1")).to_have_text("Baclofen for spasticity: what it does, and what it does not")
        expect(frame.locator("h1")).to_be_visible()
        shown.page.locator("iframe").screenshot(path=tmp_path / "preview.png")


def test_every_page_is_valid_html(browser: Browser, address: str, pages: list[str]) -> None:
    with window(browser, address, width=1440) as shown:
        shown.sign_in()
        for path in [*pages, "/console/sign-in", "/console/operations/op_none"]:
            body = shown.page.request.get(address + path).body()
            assert nu_findings(body) == [], path
