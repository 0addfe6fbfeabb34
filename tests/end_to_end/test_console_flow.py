"""A working day at the console, in browsers, on a whole system: with scripts, and without them and by keyboard.

Publish by upload, see it go live in two browsers, look at each format, have a channel break, see that, mend it, replay
what was given up, withdraw, undo. The times that it took are printed (`-s`) and not judged here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from judges.axe import axe_violations
from judges.browser import chromium, profile
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from running import Running, system
from waiting import until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Conduct, Receiver

SECRET = new_secret()
QUICK = "\n[delivery]\nretries = [0.5]\n"  # so that a channel that answers 500 is given up on while somebody watches
ARTICLE = "---\nid: sleep\ntitle: {title}\nreferences: ['34187661']\n---\nRest, and ask your doctor.\n"


@dataclass
class Desk:
    """Somebody at a browser. Without scripts, pages are loaded again until they show what is waited for."""

    page: Page
    web: str
    scripts: bool
    refused: list[str] = field(default_factory=list)  # what the browser did not do because of a page's policy

    def open(self, path: str) -> None:
        self.page.goto(self.web + path)

    def sign_in(self, token: str) -> None:
        self.open("/console")
        self.page.wait_for_selector("#token:focus")
        self.page.keyboard.type(token)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/console")

    def press(self, what: Locator) -> None:
        """Press a button or follow a link: by keyboard where there are no scripts."""
        if self.scripts:
            what.click()
        else:
            what.focus()
            with self.page.expect_navigation():  # else a reload that follows at once takes its place
                self.page.keyboard.press("Enter")

    def button(self, words: str) -> None:
        self.press(self.page.get_by_role("button", name=words, exact=True))

    def sees(self, where: str, words: str) -> None:
        shown = self.page.locator(where)
        if self.scripts:
            expect(shown).to_contain_text(words)
            return

        def is_shown() -> bool:
            self.page.reload()
            return any(words in one for one in shown.all_inner_texts())

        until(is_shown, what=lambda: words)

    def holds(self, revision: int) -> None:
        """Wait until the page of the article says that the partner has this revision."""
        self.sees("table.list tr:has-text('partner') td[data-label=Has]", f"revision {revision}")

    def mark(self) -> None:
        """Notice a reload from now on."""
        if self.scripts:
            expect(self.page.locator("#live-state")).to_have_text("Kept up to date.")
            self.page.evaluate("document.documentElement.dataset.mark = 'here'")

    def is_unloaded(self) -> bool:
        return not self.scripts or bool(self.page.evaluate("document.documentElement.dataset.mark === 'here'"))

    def note(self, message: ConsoleMessage) -> None:
        if "frame is sandboxed" not in message.text and (
            "Content Security Policy" in message.text or message.type == "error"
        ):
            self.refused.append(message.text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(secrets=[SECRET]) as receiver:
        yield receiver


@pytest.fixture
def running(tmp_path: Path, receiver: Receiver) -> Iterator[Running]:
    with (
        EutilsStandin(invent=True) as pubmed,
        system(tmp_path, pubmed=pubmed.url, webhook=receiver.url, secret=SECRET, more=QUICK) as running,
    ):
        yield running


@contextmanager
def desk(browser: Browser, running: Running, *, scripts: bool, width: int) -> Iterator[Desk]:
    context = profile(browser, viewport={"width": width, "height": 900}, java_script_enabled=scripts)
    try:
        one = Desk(context.new_page(), running.web, scripts)
        one.page.on("console", one.note)
        yield one
        assert one.refused == []
    finally:
        context.close()


def look_first(one: Desk, title: str, folder: Path) -> None:
    """Upload the article, with scripts as a file and without as text, and look at what publishing would do."""
    text = ARTICLE.format(title=title)
    one.press(one.page.get_by_role("link", name="Publish", exact=True))
    one.page.wait_for_url("**/console/publish")
    if one.scripts:
        file = folder / "sleep.md"
        file.write_text(text)
        one.page.set_input_files("#files", file)
    else:
        one.page.locator("#text").focus()
        one.page.keyboard.insert_text(text)
    one.button("Look first")
    expect(one.page.locator("h1")).to_have_text("Look first: 1 file")
    expect(one.page.locator("main")).to_contain_text("partner")


def preview_each_format(one: Desk, title: str) -> list[str]:
    one.page.wait_for_selector(".tabs a")
    names = [str(link.get_attribute("href")) for link in one.page.locator("[aria-label=Formats] a").all()]
    for name in names:
        one.press(one.page.locator(f"[aria-label=Formats] a[href='{name}']"))
        one.page.wait_for_url(f"**{name}")
        expect(one.page.frame_locator("iframe").locator("body")).to_contain_text(title)
    return names


def publish_and_watch(one: Desk, other: Desk, running: Running, folder: Path) -> tuple[float, float]:
    """Publish an article and a change of it; return after how long the change was live, and seen by both."""
    look_first(one, "Sleep", folder)
    expect(one.page.locator("main")).to_contain_text("is new")
    assert running.get("/articles/sleep").status_code == 404
    one.button("Publish 1 article")
    one.page.wait_for_url("**/console/articles/sleep")
    one.holds(1)
    other.open("/console/articles/sleep")
    other.mark()
    look_first(one, "Sleep well", folder)
    expect(one.page.locator("ins")).to_have_text("well")
    begun = time.monotonic()
    one.button("Publish 1 article")
    until(lambda: "Sleep well" in running.get("/articles/sleep").text, what=running.tail)
    live = time.monotonic() - begun
    one.holds(2)
    other.holds(2)
    assert other.is_unloaded()
    return live, time.monotonic() - begun


def break_and_mend(one: Desk, other: Desk, running: Running, receiver: Receiver, folder: Path) -> float:
    """Have the partner answer 500, be told, mend it, replay; return how long after the first 500 they were told."""
    other.open("/console")
    other.mark()
    receiver.conduct(Conduct(status=500))
    look_first(one, "Sleep longer", folder)
    one.button("Publish 1 article")
    until(lambda: any(got.answered == 500 for got in receiver.received), what=running.tail)
    broken = time.monotonic()
    other.sees("h1", "Needs you")
    told = time.monotonic() - broken
    other.sees("main", "given up")  # it may have needed somebody before that already
    assert other.is_unloaded()
    if other.scripts:
        assert axe_violations(other.page) == []
    receiver.behave()
    one.press(one.page.get_by_role("link", name="Failures", exact=True))
    one.page.wait_for_url("**/console/failures")
    one.button("Replay 1 delivery")
    one.page.wait_for_url("**/console/operations/*")
    one.open("/console/articles/sleep")
    one.holds(3)
    other.sees("main", "Nothing needs you")
    return told


def withdraw_and_undo(one: Desk, running: Running, receiver: Receiver) -> None:
    one.press(one.page.get_by_role("link", name="Withdraw…"))
    one.page.wait_for_url("**/withdraw")
    for place in ("this site", "partner", "folder"):
        expect(one.page.locator("main li", has_text=place)).to_be_visible()
    one.page.locator("#reason").focus()
    one.page.keyboard.insert_text("A dose was wrong.")
    one.button("Withdraw everywhere")
    one.page.wait_for_url("**/console/operations/*")
    until(lambda: receiver.received[-1].headers["citewire-event"] == "withdrawn", what=running.tail)
    assert running.get("/articles/sleep").status_code == 410
    one.button("Undo this operation")
    until(lambda: running.get("/articles/sleep").status_code == 200, what=running.tail)
    one.open("/console/articles/sleep")
    one.holds(5)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "by keyboard, without scripts"])
def test_a_working_day(browser: Browser, running: Running, receiver: Receiver, tmp_path: Path, scripts: bool) -> None:
    made = running.run("token", "create", "--name", "night desk", "--scope", "admin")
    token = made.out.split()[-1]
    with (
        desk(browser, running, scripts=scripts, width=1440) as one,
        desk(browser, running, scripts=scripts, width=390) as other,
    ):
        one.sign_in(token)
        other.sign_in(token)
        live, seen = publish_and_watch(one, other, running, tmp_path)
        assert len(preview_each_format(one, "Sleep well")) >= 10
        told = break_and_mend(one, other, running, receiver, tmp_path)
        withdraw_and_undo(one, running, receiver)
    print(f"live after {live:.2f} s, seen in two browsers after {seen:.2f} s, a broken channel after {told:.2f} s")
