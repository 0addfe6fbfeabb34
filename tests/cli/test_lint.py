"""`lint` and `publish --dry-run`: every mistake of every file in one run, and what publishing would do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Result, citewire

SITE = """
data = "var"

[[feeds]]
id = "sleep"
title = "Sleep"
topics = ["sleep"]

[[channels]]
id = "pages"
type = "directory"
format = "html"
path = "public"

[[channels]]
id = "muscles"
type = "directory"
format = "ninjs"
topics = ["cramps"]
path = "muscles"
"""
# One mistake each, as a line of front matter, and what names it.
MISTAKES = (
    ("titel: x", "titel"),
    ("published: soon", "published"),
    ("modified: 03/04/2026", "modified"),
    ("reviewed: 2099-01-01", "reviewed"),
    ("language: english", "language"),
    ("id: Not A Slug", "id"),
    ("canonical: example.org", "canonical"),
    ("references: [book]", "references[0]"),
    ("image: picture.png", "image"),
    ("authors: [{role: Nurse}]", "authors[0].name"),
)

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    for name in [name for name in os.environ if name.startswith("CITEWIRE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "site.toml").write_text(SITE)
    monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "site.toml"))
    monkeypatch.chdir(tmp_path)
    return lambda *words: citewire(capsys, *words)


def write(name: str, *matter: str, body: str = "An answer.") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("\n".join(["---", *matter, "---", "", body, ""]), encoding="utf-8")


def test_sixty_mistakes_in_forty_files_are_all_named_in_one_run(run: Run) -> None:
    expected = set()
    for number in range(40):
        lines = [MISTAKES[number % 10]]
        if number < 20:
            lines.append(MISTAKES[(number + 1) % 10])
        if any(name == "reviewed" for _, name in lines):  # the calendar is asked once the rest is right
            lines = [MISTAKES[0], MISTAKES[1]][: len(lines)]
        name = f"articles/a{number:02}.md"
        write(name, f"title: Article {number}", *(line for line, _ in lines))
        expected |= {(name, field) for _, field in lines}
    assert len(expected) == 60
    result = run("lint", "articles", "--json")
    found = [(file["file"], one["field"]) for file in result.json["files"] for one in file["mistakes"]]
    assert (result.status, result.json["mistakes"]) == (2, 60)
    assert set(found) == expected
    assert all(one["line"] and one["hint"] for file in result.json["files"] for one in file["mistakes"])
    assert len(run("lint", "articles").err.splitlines()) == 60


def test_a_review_still_to_come_is_a_mistake(run: Run) -> None:
    write("a.md", "title: A", "reviewed: 2099-01-01")
    (file,) = run("lint", "a.md", "--json").json["files"]
    assert [one["code"] for one in file["mistakes"]] == ["review-to-come"]


def test_linting_needs_no_system_and_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    write("a.md", "title: A")
    before = sorted(tmp_path.rglob("*"))
    assert run("lint", "a.md").status == 0
    assert run("publish", "a.md", "--dry-run").status == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_it_says_what_is_new_changed_the_same_renamed_and_withdrawn(run: Run) -> None:
    for name in ("same", "changed", "renamed", "again"):
        write(f"{name}.md", f"id: {name}", f"title: {name.title()}", body="Take 50 mg a day.")
    assert run("publish", ".").status == 0
    run("withdraw", "again", "--reason", "Wrong.")
    write("changed.md", "id: changed", "title: Changed", body="Take 5 mg a day.")
    write("renamed.md", "id: renamed-since", "title: Renamed", body="Take 50 mg a day.")
    write("twin.md", "id: twin", "title: Renamed", body="Take 50 mg a day.")  # an equal title renames nothing
    write("new.md", "title: New")
    files = {file["file"]: file for file in run("publish", ".", "--dry-run", "--json").json["files"]}
    assert {name: file["action"] for name, file in files.items()} == {
        "again.md": "again",
        "changed.md": "changed",
        "new.md": "new",
        "renamed.md": "renamed",
        "same.md": "same",
        "twin.md": "new",
    }
    assert files["changed.md"]["difference"] == ["answer: Take [-50-] {+5+} mg a day."]
    assert files["changed.md"]["revision"] == 2
    assert [files["renamed.md"][name] for name in ("article", "former", "revision")] == ["renamed", "renamed", 2]
    assert run("status", "--json").json["articles"] == {"live": 3, "withdrawn": 1}


def test_it_says_who_would_get_what_and_when(run: Run) -> None:
    write("a.md", "title: A", "topics: [Sleep]", "embargo: 2099-01-01")
    write("b.md", "title: B", "topics: [Cramps]")
    a, b = run("lint", "a.md", "b.md", "--json").json["files"]
    assert (a["channels"], a["feeds"], a["scheduled"]) == (["pages"], ["sleep"], "2099-01-01T00:00:00Z")
    assert (b["channels"], b["feeds"], b["scheduled"]) == (["pages", "muscles"], [], None)


def test_a_topic_that_nobody_asks_for_and_a_marker_that_leads_nowhere_are_warned_of(run: Run) -> None:
    write("a.md", "title: A", "topics: [Slep]", "references: [1]", body="So it is [1], and not so [4].")
    (file,) = run("lint", "a.md", "--json").json["files"]
    warned = {one["code"]: one for one in file["warnings"]}
    assert set(warned) == {"unknown-topic", "marker-without-reference"}
    assert warned["unknown-topic"]["hint"] == "did you mean 'sleep'?"
    assert "[4]" in warned["marker-without-reference"]["message"]


def test_two_files_with_one_id_are_refused_with_both_names(run: Run, data: Path) -> None:
    case = (data / "cases" / "folder" / "vitamin-copy.md").read_text(encoding="utf-8")
    write("first.md", "id: vitamin-d-ms", "title: The first")
    Path("second.md").write_text(case, encoding="utf-8")
    for command in (("lint", "."), ("publish", "first.md", "second.md"), ("publish", ".", "--take-over")):
        result = run(*command)
        assert result.status == 2
        assert "second.md: field 'id': has the id 'vitamin-d-ms', which first.md has too" in result.err
        assert "first.md: field 'id': has the id 'vitamin-d-ms', which second.md has too" in result.err
    assert run("status", "--json").json["articles"] == {}
    assert run("publish", "first.md", "./first.md", "--json").status == 0


def test_a_copy_that_would_take_anothers_id_is_refused_by_lint_as_by_publish(run: Run) -> None:
    write("a.md", "id: a", "title: A")
    assert run("publish", "a.md").status == 0
    write("copy.md", "id: a", "title: B")
    for command in ("lint", "publish"):
        result = run(command, "copy.md")
        assert (result.status, "[id-taken]" in result.err) == (2, True)
    assert run("publish", "copy.md", "--dry-run", "--take-over").status == 0


def test_the_one_file_of_a_folder_is_known_by_the_folder(run: Run) -> None:
    write("cramps/index.md", "title: A")
    write("sleep/index.md", "title: B")
    assert [file["article"] for file in run("lint", ".", "--json").json["files"]] == ["cramps", "sleep"]
