"""Chromium without a window, a network or a script, as a reader's eyes: what a page looks like once it is laid out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from judges.presence import missing
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright
from waiting import PATIENCE

ADDRESS = "https://notes.example.org/articles/under-test"
PHONE, DESK = 390, 1280  # CSS pixels
_PATIENCE = PATIENCE * 1000  # milliseconds

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox refuses to start
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800"><rect width="1200" height="800"/></svg>'


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser with a fresh profile, closed at the end. What is expected of its pages may take as long as anything."""
    paths = (path for name in _PROGRAMS if (path := shutil.which(name)))
    path = next(paths, None) or missing("Chromium", "install Debian's package `chromium`")
    with sync_playwright() as playwright:
        expect.set_options(timeout=_PATIENCE)
        browser = playwright.chromium.launch(executable_path=path, args=list(_FLAGS), timeout=_PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


def profile(browser: Browser, **options: Any) -> BrowserContext:
    """Return a new context of the browser, to be closed. On its pages nothing is given up on before anything else is.

    Playwright's own bounds, five and thirty seconds, are those of a machine that has nothing else to do.
    """
    context = browser.new_context(**options)
    context.set_default_timeout(_PATIENCE)
    return context


@dataclass
class Sight:
    """A page as it is laid out, and what it asked the network for."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def look(self, script: str) -> Any:
        """Run the script on the page once it is loaded: a click waits for no more than the beginning of the next."""
        self.page.wait_for_load_state()
        return self.page.evaluate(f"() => {{ {_SHARED} {script} }}")


@contextmanager
def sight(
    browser: Browser,
    body: bytes,
    *,
    width: int = PHONE,
    scheme: Literal["light", "dark"] = "light",
    media: Literal["screen", "print"] = "screen",
) -> Iterator[Sight]:
    """The page in a window of that width; it gets its pictures and nothing else, and runs no script."""
    context = profile(
        browser,
        viewport={"width": width, "height": 844},
        color_scheme=scheme,
        java_script_enabled=False,
        reduced_motion="reduce",
    )
    try:
        seen = Sight(context.new_page())

        def answer(route: Route) -> None:
            if route.request.url == ADDRESS:
                route.fulfill(body=body, content_type="text/html; charset=utf-8")
                return
            seen.asked.append(route.request.url)
            if route.request.resource_type == "image":
                route.fulfill(body=_PICTURE, content_type="image/svg+xml")
            else:
                route.abort()

        seen.page.route("**/*", answer)
        seen.page.emulate_media(media=media)
        seen.page.goto(ADDRESS)
        yield seen
    finally:
        context.close()


def text_out_of_the_window(seen: Sight) -> list[str]:
    """Text that reaches past either side of the window, save in boxes that scroll by themselves."""
    found: list[str] = seen.look(
        """
        const wide = document.documentElement.clientWidth + 1
        const out = rects => rects.some(rect => rect.left < -1 || rect.right > wide)
        return texts().filter(one => !one.parent.closest('.scroll, .skip') && out(one.rects)).map(one => one.text)
        """
    )
    return found


def scrolls_sideways(seen: Sight) -> bool:
    found: bool = seen.look("const root = document.documentElement; return root.scrollWidth > root.clientWidth")
    return found


def faint_text(seen: Sight) -> list[str]:
    """Text whose contrast is below WCAG 2.2's 1.4.3 (AA): 4.5 to 1, or 3 to 1 where it is large."""
    found: list[str] = seen.look(
        """
        return texts().filter(({parent}) => !parent.closest('.skip')).map(({text, parent}) => {
            const style = getComputedStyle(parent), size = parseFloat(style.fontSize)
            const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700)
            return {text, ratio: contrast(colour(style.color), ground(parent)), least: large ? 3 : 4.5}
        }).filter(one => one.ratio < one.least).map(one => `${one.ratio.toFixed(2)}: ${one.text}`)
        """
    )
    return found


def unseen_text(seen: Sight, *, outside: str) -> list[str]:
    """Text of the body that is not laid out or invisible, except in elements that match `outside` (a selector)."""
    found: list[str] = seen.look(
        f"""
        return allTexts().filter(({{parent, rects}}) => !parent.closest({outside!r})
            && (!rects.length || getComputedStyle(parent).visibility !== 'visible' || clipped(parent)))
            .map(one => one.text)
        """
    )
    return found


def small_targets(seen: Sight, selector: str, *, least: float) -> list[str]:
    """Links that are lower or narrower than `least` CSS pixels."""
    found: list[str] = seen.look(
        f"""
        return [...document.querySelectorAll({selector!r})].filter(link => link.checkVisibility()).filter(link => {{
            const box = link.getBoundingClientRect()
            return box.height < {least} || box.width < {least}
        }}).map(link => link.textContent)
        """
    )
    return found


_SHARED = """
function allTexts() {
    const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walk.nextNode()) {
        const node = walk.currentNode, parent = node.parentElement
        if (!node.data.trim() || parent.closest('script, style, noscript')) continue
        const range = document.createRange()
        range.selectNodeContents(node)
        const rects = [...range.getClientRects()].filter(rect => rect.width > 0 && rect.height > 0)
        found.push({text: node.data.trim().slice(0, 80), parent, rects})
    }
    return found
}
function texts() { return allTexts().filter(one => one.rects.length) }
function colour(words) {
    const [r, g, b, a = 1] = words.match(/[\\d.]+/g).map(Number)
    return [r, g, b, a]
}
function over([r, g, b, a], under) { return [r, g, b].map((one, n) => one * a + under[n] * (1 - a)) }
function ground(element) {
    const layers = []
    for (let one = element; one; one = one.parentElement) layers.push(colour(getComputedStyle(one).backgroundColor))
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255])
}
function luminance(rgb) {
    const linear = one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4
    const [r, g, b] = rgb.map(one => linear(one / 255))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
function contrast(front, back) {
    const [low, high] = [luminance(over(front, back)), luminance(back)].sort((a, b) => a - b)
    return (high + 0.05) / (low + 0.05)
}
function clipped(element) {
    for (let one = element; one; one = one.parentElement) {
        const style = getComputedStyle(one)
        if (style.overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1) return true
    }
    return false
}
"""
