"""The documentation's site: every document is in it once, it builds without a warning, and its pages fetch nothing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import ROOT, documents
from judges.presence import file
from lxml import html

from workers.command_reference import PAGE, page


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


def test_the_site_is_built_without_a_warning_and_its_pages_fetch_nothing(builder: Any) -> None:
    file(ROOT / ".venv" / "docs" / "bin" / "zensical", hint="make docs")
    command = [sys.executable, str(ROOT / ".ci" / "docs.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    built = sorted((builder.BUILD / "site").rglob("*.html"))
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
    for name in ("mermaid", "glightbox", "pyodide"):  # for each of these the script fetches a library
        yield from (f"a script for {name}" for _ in tree.getroot().find_class(name))


def test_what_a_page_would_fetch_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<link rel="stylesheet" href="//fonts.example/a.css"><link rel="canonical" href="https://notes.example/">'
        '<script src="https://cdn.example/a.js"></script><img src="own.png"><pre class="mermaid">graph TD</pre>'
    )
    assert list(fetched(page)) == ["https://cdn.example/a.js", "//fonts.example/a.css", "a script for mermaid"]


def test_the_command_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make reference`"
