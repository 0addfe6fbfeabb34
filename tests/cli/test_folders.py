"""`publish FOLDER` and `watch FOLDER`: the site's articles, and nothing that belongs to the system itself."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sqlite3
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import started
from command import Result, citewire

from pipeline.feeds.site_pages import subscribe_page
from pipeline.intake.own_rendition import is_own_rendition
from pipeline.model.site import Site
from workers.cli.files import Excluded, is_article

ROOT = Path(__file__).resolve().parents[2]
SITE = """
data = "var"
pubmed_api_key = "file:{folder}/keys/ncbi.txt"

[[channels]]
id = "pages"
type = "directory"
format = "html"
path = "public"

[[channels]]
id = "bucket"
type = "object-store"
format = "json-feed"
url = "file://{folder}/bucket"
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name in [name for name in os.environ if name.startswith("CITEWIRE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "site.toml").write_text(SITE.format(folder=tmp_path))
    monkeypatch.setenv("CITEWIRE_CONFIG", "site.toml")
    monkeypatch.chdir(tmp_path)
    return lambda *words: citewire(capsys, *words)


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def article(path: Path, title: str) -> Path:
    return written(path, f"---\ntitle: {title}\n---\n\nAn answer.\n")


def furnish(folder: Path, run: Run) -> None:
    """A site's own folder: two articles, and everything else that lies about in one."""
    article(folder / "sleep.md", "Sleep")
    article(folder / "more" / "cramps.md", "Cramps")
    page = run("render", "sleep.md", "--format", "html").out
    feed = run("render", "sleep.md", "--format", "json-feed").out
    written(folder / "public" / "sleep.html", page)
    written(folder / "bucket" / "sleep.json", feed)
    written(folder / "old" / "sleep.html", page)
    written(folder / "old" / "sleep.json", feed)
    manifest = '{"article":"sleep","revision":1,"event":"published","message_id":"dlv_1.1","digest":"sha256:0"}'
    written(folder / "older" / "sleep.txt", "Sleep\n=====\n\nAn answer.\n")
    written(folder / "older" / "manifest" / "sleep.txt.json", manifest)
    article(folder / "var" / "stray.md", "In the data folder")
    article(folder / ".drafts" / "hidden.md", "Hidden")
    article(folder / ".hidden.md", "Hidden")
    article(folder / "secrets" / "note.md", "Secret")
    written(folder / "keys" / "ncbi.txt", "0123456789abcdef")
    outside = article(folder.parent / f"{folder.name}-outside.md", "Outside")
    (folder / "link.md").symlink_to(outside)
    (folder / "alias.md").symlink_to("sleep.md")
    (folder / "loop.md").symlink_to("loop.md")
    (folder / "up").symlink_to("..")
    written(folder / "draft.md", "---\ntitle: A draft\ndraft: true\n---\nNot yet.\n")


def test_only_the_articles_of_a_folder_are_published_and_twice_the_same_is_nothing_new(
    tmp_path: Path, run: Run
) -> None:
    furnish(tmp_path, run)
    first = run("publish", ".", "--json")
    assert first.status == 0, first.err
    assert sorted(one["article"] for one in first.json["articles"]) == ["cramps", "sleep"]
    again = run("publish", ".", "--json").json["articles"]
    assert [(one["changed"], one["revision"]) for one in again] == [(False, 1), (False, 1)]


def test_what_is_left_out_is_said_with_the_reason(tmp_path: Path, run: Run) -> None:
    furnish(tmp_path, run)
    why = {Path(one["file"]).as_posix(): one["why"] for one in run("publish", ".", "--json").json["left_out"]}
    assert why == {
        "draft.md": "a draft",
        "keys/ncbi.txt": "a file that holds a secret",
        "link.md": "a link out of the folder",
        "old/sleep.html": "made by Citewire",
        "old/sleep.json": "made by Citewire",
        "older/manifest/sleep.txt.json": "made by Citewire",
        "older/sleep.txt": "made by Citewire",
    }


def test_watching_takes_up_the_same_files(tmp_path: Path, run: Run) -> None:
    furnish(tmp_path, run)
    excluded = Excluded(frozenset({tmp_path / "public", tmp_path / "var"}), frozenset({tmp_path / "keys" / "ncbi.txt"}))
    taken = [
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if is_article(path, tmp_path, excluded)
    ]
    others = {"old/sleep.html", "old/sleep.json", "older/sleep.txt", "older/manifest/sleep.txt.json", "draft.md"}
    assert set(taken) - others == {"sleep.md", "more/cramps.md", "alias.md", "bucket/sleep.json"}


@pytest.mark.parametrize("folder", ["public", "var", "bucket"])
def test_a_folder_of_the_systems_own_is_refused(tmp_path: Path, run: Run, folder: str) -> None:
    furnish(tmp_path, run)
    result = run("publish", folder)
    assert (result.status, "[own-folder]" in result.err) == (2, True)


def test_a_page_of_our_own_that_is_named_is_refused(tmp_path: Path, run: Run) -> None:
    furnish(tmp_path, run)
    result = run("publish", "old/sleep.html")
    assert (result.status, "[own-rendition]" in result.err) == (2, True)


def test_a_draft_that_is_named_is_refused(tmp_path: Path, run: Run) -> None:
    furnish(tmp_path, run)
    result = run("publish", "draft.md")
    assert (result.status, "[draft]" in result.err) == (2, True)


def test_saved_text_and_markdown_of_our_own_are_no_articles_wherever_they_lie(tmp_path: Path, run: Run) -> None:
    article(tmp_path / "sleep.md", "Sleep")
    assert run("publish", "sleep.md").status == 0
    written(tmp_path / "saved" / "one.md", run("render", "sleep.md", "--format", "markdown").out)
    written(tmp_path / "saved" / "two.txt", run("render", "sleep.md", "--format", "plain-text").out)
    written(tmp_path / "saved" / "three.txt", "Sleep\n=====\n\nAn answer.\n\nhttps://notes.example.org/sleep\n")
    written(tmp_path / "saved" / "four.md", "# Rest\n\nMade with `<!-- generator: Citewire -->`, says this article.\n")
    found = run("publish", ".", "--json").json
    assert {one["file"]: one["why"] for one in found["left_out"]} == {
        "saved/one.md": "made by Citewire",
        "saved/two.txt": "made by Citewire",
    }
    assert sorted(one["article"] for one in found["articles"]) == ["four", "sleep", "three"]


@pytest.mark.parametrize(
    "format", ["html", "amp", "json-feed", "ninjs", "json-ld", "apple-news", "markdown", "plain-text"]
)
def test_our_own_pages_and_feeds_are_told_by_their_mark(tmp_path: Path, run: Run, format: str) -> None:
    article(tmp_path / "sleep.md", "Sleep")
    assert is_own_rendition(run("render", "sleep.md", "--format", format).out.encode())
    assert not is_own_rendition((tmp_path / "sleep.md").read_bytes())


def test_what_a_former_store_and_an_unpacked_backup_leave_behind_is_told_by_its_mark(tmp_path: Path, run: Run) -> None:
    article(tmp_path / "sleep.md", "Sleep")
    assert run("publish", ".").status == 0
    assert run("backup", "monday.tar").status == 0
    with tarfile.open("monday.tar") as backup:
        backup.extractall(tmp_path / "monday", filter="data")
    written(tmp_path / "old" / "index.json", json.dumps({"changes": [{"name": "a.txt"}]}, separators=(",", ":")))
    site = Site(title="S", url="https://s.example", publisher="P", disclaimer="")
    written(tmp_path / "old" / "feeds.html", subscribe_page(site, ()).decode())
    again = run("publish", ".", "--json")
    assert again.status == 0, again.err
    assert [one["changed"] for one in again.json["articles"]] == [False]
    assert {one["why"] for one in again.json["left_out"]} == {"made by Citewire"}
    assert len(again.json["left_out"]) == 3


def test_that_nothing_runs_is_said_once_something_was_accepted(tmp_path: Path, run: Run) -> None:
    article(tmp_path / "sleep.md", "Sleep")
    assert "nothing is running" in run("publish", "sleep.md").err
    assert run("publish", "sleep.md").err == ""


def test_many_new_articles_are_asked_for_once_on_a_terminal(tmp_path: Path, run: Run) -> None:
    for number in range(21):
        article(tmp_path / f"a{number}.md", f"Article {number}")
    assert asked(tmp_path, "n\n") == (130, True)
    assert run("publish", "a0.md", "--json").json["articles"][0]["revision"] == 1
    assert asked(tmp_path, "", "--yes") == (0, False)
    assert asked(tmp_path, "") == (0, False)  # nothing of them is new any longer


def asked(folder: Path, answer: str, *more: str) -> tuple[int, bool]:
    """The status of `publish .` on a terminal, and whether it asked."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CITEWIRE_CONFIG": "site.toml"}
    command = [sys.executable, "-m", "workers.cli", "publish", ".", *more]
    os.write(ours, answer.encode())
    with started.start(
        command, cwd=folder, env=environment, stdin=theirs, stdout=started.DEVNULL, stderr=theirs
    ) as ran:
        os.close(theirs)
        result = b""
        try:
            while chunk := os.read(ours, 65_536):
                result += chunk
        except OSError:  # the terminal's other end is closed: the command has ended
            pass
    os.close(ours)
    return ran.returncode, b"Publish them all?" in result


def test_articles_that_wait_are_counted_with_the_room_that_is_left(tmp_path: Path, run: Run) -> None:
    article(tmp_path / "sleep.md", "Sleep")
    run("publish", "sleep.md")
    with contextlib.closing(sqlite3.connect(tmp_path / "var" / "ledger.sqlite")) as ledger:
        ledger.execute("UPDATE articles SET due = due - 60000000, error = 'the disk is full'")  # a minute ago
        ledger.commit()
    waiting = run("status", "--json").json["waiting"]
    assert (waiting["articles"], waiting["error"]) == (1, "the disk is full")
    assert waiting["free"] > 0
    assert f"waiting: 1: the disk is full; {tmp_path / 'var'} has " in run("status").out
