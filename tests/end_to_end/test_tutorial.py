"""The tutorial as its reader does it: what `make run` starts, its commands to the letter, the links of its pages."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from documents import DOCS, block, blocks
from lxml import html
from running import ROOT, Running, without_ours
from waiting import PATIENCE, until

from standins.eutils import EutilsStandin

TUTORIAL = DOCS / "tutorial.md"
WEB = "http://127.0.0.1:8080"  # where the tutorial has it

LAST = ("citewire withdraw", "citewire attention")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """What `make run` starts in a folder with the tutorial's settings, which also name the stand-in for PubMed."""
    folder = tmp_path_factory.mktemp("tutorial")
    run = re.search(r"^run:.*\n\t\$\(BIN\)/citewire up --data var$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert run, "`make run` starts something else"
    with EutilsStandin() as pubmed, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        around = f'pubmed_url = "{pubmed.url}"\negress_allow = ["127.0.0.0/8"]\n'
        Path("site.toml").write_text(around + block(TUTORIAL, "toml", "site.toml"))
        environment = without_ours(os.environ) | {"CITEWIRE_CONFIG": str(folder / "site.toml"), "COLUMNS": "110"}
        running = Running(folder / "var", environment, cwd=folder)
        try:
            running.start()
            yield running
            running.stop()
        finally:
            running.kill()


@pytest.fixture(scope="module")
def played(site: Running) -> dict[str, str]:
    """The commands of the tutorial, up to the withdrawal, with what they printed; each ended well."""
    printed: dict[str, str] = {}
    for step in blocks(TUTORIAL):
        if step.name == "stretching.md":
            Path(step.name).write_text(step.text)
        elif step.language in ("console", "sh"):
            for command in re.findall(r"^(?:\$ )?(citewire .*)$", step.text, re.MULTILINE):
                if command.startswith(LAST):
                    continue
                done = site.run(*shlex.split(command)[1:])
                assert done.status == 0, (command, done.out, done.err)
                printed[command] = done.out + done.err
    return printed


def test_every_command_does_what_the_tutorial_says(played: dict[str, str]) -> None:
    assert "1 new; 0 mistakes" in played["citewire lint stretching.md"]
    assert "revision 2  delivered" in played["citewire publish stretching.md --wait"]
    assert "Intrathecal Baclofen" in played["citewire status stretching-at-night"]
    assert "an event" in played["citewire history stretching-at-night"]


def test_every_link_of_the_pages_leads_somewhere(site: Running, played: dict[str, str]) -> None:
    """From the addresses that the tutorial names, as far as links lead on this site."""
    assert played
    until(lambda: site.get("/feeds/latest.rss").ok, what=site.tail)  # it is built a moment after the site is up
    until(lambda: "stretching-at-night" in site.get("/").text, what=site.tail)  # and the sitemap, which the page lists
    named = [address.replace(WEB, site.web) for address in re.findall(rf"<({WEB}/[^>]*)>", TUTORIAL.read_text())]
    assert len(named) > 1
    waiting, seen, broken = list(named), set[str](), dict[str, int]()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = requests.get(address, timeout=PATIENCE)
        if answer.status_code != 200:
            broken[address] = answer.status_code
        elif answer.headers["content-type"].startswith("text/html") and "/console" not in address:
            found = html.fromstring(answer.content).xpath("//@href | //@src")
            absolute = (urljoin(address, str(link)).partition("#")[0].replace(WEB, site.web) for link in found)
            waiting += [link for link in absolute if urlsplit(link).netloc == urlsplit(site.web).netloc]
    assert broken == {}
    assert f"{site.web}/articles/stretching-at-night" in seen
    assert {f"{site.web}/", f"{site.web}/articles", f"{site.web}/feeds"} <= seen


def test_it_is_taken_back_in_the_end(site: Running, played: dict[str, str]) -> None:
    assert played
    done = site.run("withdraw", "stretching-at-night", "--reason", "Under review.", "--wait")
    assert done.status == 0, done.err
    assert requests.head(f"{site.web}/articles/stretching-at-night", timeout=PATIENCE).status_code == 410
    assert [file.name for file in Path("partner").rglob("stretching-at-night*")]
    assert "nothing needs a person" in site.run("attention").out
