"""The documentation's site: every document is in it once, it builds without a warning, and its pages fetch nothing."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import pytest
from documents import ROOT, documents
from judges.browser import chromium, profile
from judges.presence import file
from lxml import html
from playwright.sync_api import Browser, BrowserContext, expect

from workers.command_reference import PAGE, page

OWN = "scripts/mermaid.js"


@pytest.fixture(scope="module")
def builder() -> Any:
    spec = importlib.util.spec_from_file_location("site_builder", ROOT / ".ci" / "docs.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages_of(nav: Any) -> Iterator[str]:
    match nav:
        case str():
            yield nav
        case list():
            for one in nav:
                yield from pages_of(one)
        case dict():
            yield from pages_of(list(nav.values()))


def test_every_document_is_in_the_navigation(builder: Any) -> None:
    named = list(pages_of(builder.nav()))
    there = {str(path.relative_to(ROOT)) for path in documents()} - {"README.md"} | {"index.md"}
    assert there <= set(named)
    twice = {one for one in named if named.count(one) > 1}
    guide = {one for one in twice if one.startswith("docs/operating/")}
    assert twice == guide, "only pages of the guide are found by task and in the reference"


def test_names_of_files_and_links_to_folders_are_rewritten(builder: Any) -> None:
    text = "```json event.json\n{}\n```\n[all](decisions/), [one](decisions/0001.md)\n```sh\nls\n```\n"
    assert builder.adapted(text) == (
        '```json title="event.json"\n{}\n```\n[all](decisions/README.md), [one](decisions/0001.md)\n```sh\nls\n```\n'
    )


@pytest.fixture(scope="module")
def site(builder: Any) -> Path:
    """The folder of the site as it is built now."""
    file(ROOT / ".venv" / "docs" / "bin" / "zensical", hint="make docs")
    file(builder.MERMAID / "dist" / "mermaid.tiny.js", hint="make judges")
    command = [sys.executable, str(ROOT / ".ci" / "docs.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return Path(builder.BUILD / "site")


def test_the_site_is_built_without_a_warning_and_its_pages_fetch_nothing(site: Path) -> None:
    built = sorted(site.rglob("*.html"))
    assert len(built) > len(documents())
    assert {str(path.relative_to(ROOT)): list(fetched(path)) for path in built if list(fetched(path))} == {}


def fetched(path: Path) -> Iterator[str]:
    """What a browser fetches from another host by itself, or has the site's script fetch."""
    tree = html.parse(str(path))
    for name, attribute in (("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href")):
        for one in tree.iter(name):
            if name == "link" and one.get("rel") not in ("stylesheet", "icon", "preload", "preconnect", "prefetch"):
                continue
            if re.match(r"(?:https?:)?//", one.get(attribute) or ""):
                yield one.get(attribute)
    own = any((one.get("src") or "").endswith(OWN) for one in tree.iter("script"))
    # For each of these the theme's script fetches a library, unless the page has brought it.
    for name in ("glightbox", "pyodide", *(() if own else ("mermaid",))):
        yield from (f"a script for {name}" for _ in tree.getroot().find_class(name))


def test_what_a_page_would_fetch_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<link rel="stylesheet" href="//fonts.example/a.css"><link rel="canonical" href="https://notes.example/">'
        '<script src="https://cdn.example/a.js"></script><img src="own.png"><pre class="mermaid">graph TD</pre>'
    )
    assert list(fetched(page)) == ["https://cdn.example/a.js", "//fonts.example/a.css", "a script for mermaid"]
    page.write_text('<pre class="mermaid">graph TD</pre><script src="../scripts/mermaid.js"></script>')
    assert list(fetched(page)) == []


def test_a_page_with_a_drawing_brings_what_draws_it_and_another_does_not(builder: Any) -> None:
    drawn = "# A\n\n```mermaid\ngraph TD\n```\n"
    assert builder.adapted(drawn, "../") == f'{drawn}\n<script src="../scripts/mermaid.js"></script>\n'
    assert builder.adapted("the word ```mermaid``` alone", "../") == "the word ```mermaid``` alone"


def _context(browser: Browser, scheme: Literal["light", "dark"]) -> BrowserContext:
    context = profile(browser, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    context.add_init_script(OPEN)
    return context


def drawings() -> dict[str, int]:
    """Return the pages of the site that have drawings, and how many."""
    found = {}
    for path in documents():
        name = path.relative_to(ROOT).with_suffix(".html").as_posix()
        if count := len(re.findall(r"^```mermaid$", path.read_text(encoding="utf-8"), re.MULTILINE)):
            found["index.html" if name == "README.html" else name] = count
    return found


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, name="docs")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


# The theme puts a drawing where no script can see it.
OPEN = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) { return attach.call(this, { ...options, mode: "open" }); };
"""


@pytest.mark.parametrize("kind", ["served", "folder"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_drawings_are_pictures_and_nothing_is_fetched_from_elsewhere(
    site: Path, kind: str, scheme: Literal["light", "dark"]
) -> None:
    assert sum(drawings().values()) >= 3
    with chromium() as browser, serving(site) as address, contextlib.closing(_context(browser, scheme)) as context:
        page, asked, wrong = context.new_page(), list[str](), list[str]()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        start = address if kind == "served" else site.as_uri()
        for path, count in drawings().items():
            page.goto(f"{start}/{path}")
            drawn = page.locator("div.mermaid svg")
            expect(drawn).to_have_count(count)
            expect(page.locator("pre.mermaid")).to_have_count(0)
            for number in range(count):
                expect(drawn.nth(number).locator("title").first).not_to_be_empty()
                box = drawn.nth(number).bounding_box()
                assert box is not None and box["width"] > 200 and box["height"] > 100, (path, number, box)
        page.goto(f"{start}/index.html")
        expect(page.locator("div.mermaid svg")).to_contain_text("every step is a row")
    assert wrong == []
    assert asked and [one for one in asked if not one.startswith((start, "data:", "blob:"))] == []


def test_the_command_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make reference`"
