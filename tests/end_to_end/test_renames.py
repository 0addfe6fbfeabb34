"""A title is edited: one article, whatever its form and way in. An id is changed: the old address leads to the new."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import started
from running import ROOT, Running, system
from waiting import PATIENCE, until

from standins.eutils import EutilsStandin

_TEXT = "Stretch the calf for thirty seconds, three times a day, and rest when it hurts."
FORMS = {
    "txt": f"{{title}}\n\n{_TEXT}\n\nWhat helps\n\nWarmth and gentle movement help most people within two weeks.\n",
    "html": f"<html><head><title>{{title}}</title></head><body><article><h1>{{title}}</h1><p>{_TEXT}</p>"
    "<h2>What helps</h2><p>Warmth.</p></article></body></html>",
    "md": f"# {{title}}\n\n{_TEXT}\n\n## What helps\n\nWarmth.\n",
    "json": json.dumps({"title": "{title}", "body": f"{_TEXT}\n\n## What helps\n\nWarmth."}).replace('{"', '{{"', 1)[
        :-1
    ]
    + "}}",
}
MEDIA = {"txt": "text/plain", "html": "text/html", "md": "text/markdown", "json": "application/json"}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with EutilsStandin() as pubmed, system(tmp_path_factory.mktemp("identity"), pubmed=pubmed.url) as running:
        yield running


def counted(running: Running) -> int:
    return sum(running.run("status", "--json").json["articles"].values())


@pytest.mark.parametrize("form", FORMS)
def test_a_title_that_is_edited_in_a_file_leaves_one_article(running: Running, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"calf-{form}.{form}"
    before = counted(running)
    answers = []
    for title in ("Calf cramps in the night", "Calf cramps at night"):
        file.write_text(FORMS[form].format(title=title))
        answers.append(running.publish(file).json["articles"][0])
    assert [(one["article"], one["revision"]) for one in answers] == [(file.stem, 1), (file.stem, 2)]
    assert counted(running) == before + 1


@pytest.mark.parametrize("form", FORMS)
def test_a_title_that_is_edited_at_its_source_leaves_one_article(running: Running, form: str) -> None:
    token = running.run("token", "create", "--name", form, "--scope", "publish").out.strip().splitlines()[-1]
    before, answers = counted(running), []
    for title in (f"Sore calves, {form}", f"Sore calves after running, {form}"):
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": MEDIA[form],
            "ce-specversion": "1.0",
            "ce-id": str(next(_numbers)),
            "ce-source": f"urn:cms:{form}",
            "ce-type": "org.citewire.article.published",
        }
        body = FORMS[form].format(title=title).encode()
        answers.append(requests.post(f"{running.web}/v1/events", data=body, headers=headers, timeout=PATIENCE).json())
    assert answers[0]["article"] == answers[1]["article"]
    assert [one["revision"] for one in answers] == [1, 2]
    assert counted(running) == before + 1


def test_a_title_that_is_edited_in_a_watched_folder_leaves_one_article(running: Running, tmp_path: Path) -> None:
    files = {form: tmp_path / f"watched-{form}.{form}" for form in FORMS}
    for form, file in files.items():
        file.write_text(FORMS[form].format(title="Watched calves"))
    before = counted(running)
    command = [*running.command("watch", str(tmp_path)), *running.where]
    with started.start(command, env=running.environment, cwd=ROOT, stdout=started.DEVNULL) as watching:
        try:
            until(lambda: counted(running) == before + len(FORMS))
            for form, file in files.items():
                file.write_text(FORMS[form].format(title="Watched and corrected calves"))
            until(lambda: all(running.status(file.stem)["revision"] == 2 for file in files.values()))
        finally:
            watching.terminate()
    assert counted(running) == before + len(FORMS)


def test_a_changed_id_keeps_the_article_and_redirects_its_old_address(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "renamed.md"
    for id in ("the-old-name", "the-new-name"):
        file.write_text(f"---\nid: {id}\ntitle: A name\n---\n\n{_TEXT}\n")
        assert running.publish(file).status == 0
    old = requests.get(f"{running.web}/articles/the-old-name", allow_redirects=False, timeout=PATIENCE)
    assert (old.status_code, old.headers["Location"]) == (301, "the-new-name")
    moved = requests.get(f"{running.web}/articles/the-old-name.amp", timeout=PATIENCE)
    assert moved.status_code == 200
    assert moved.url == f"{running.web}/articles/the-new-name.amp"
    assert running.get("/articles/the-new-name").text.count("/articles/the-new-name")
    assert running.status("the-new-name") == running.status("the-old-name")
    feed = until(lambda: (text := running.get("/feeds/latest.atom").text).count("/articles/the-new-name") and text)
    assert feed.count(":/articles/the-old-name</id>") == 1
    assert ":/articles/the-new-name</id>" not in feed
    sitemap = until(lambda: (text := sitemaps(running)).count("/articles/the-new-name</loc>") and text)
    assert "the-old-name" not in sitemap
    assert running.run("withdraw", "the-new-name", "--reason", "Wrong.", "--wait").status == 0
    held = (running.data.parent / "out").rglob("the-old-name*")
    assert "/articles/the-new-name" in "".join(path.read_text() for path in held if path.is_file())


def test_the_undo_of_a_rename_leads_the_new_address_to_the_old_one(running: Running, tmp_path: Path) -> None:
    file = tmp_path / "undone.md"
    operations = []
    for id in ("undone-old", "undone-new"):
        file.write_text(f"---\nid: {id}\ntitle: A name\n---\n\n{_TEXT}\n")
        operations.append(running.publish(file).json["operation"])
    assert running.run("undo", operations[-1]).status == 0
    until(lambda: requests.get(f"{running.web}/articles/undone-old", allow_redirects=False, timeout=PATIENCE).ok)
    until(lambda: running.get("/articles/undone-old").history == [])
    new = requests.get(f"{running.web}/articles/undone-new", allow_redirects=False, timeout=PATIENCE)
    assert (new.status_code, new.headers["Location"]) == (301, "undone-old")
    feed = until(lambda: (text := running.get("/feeds/latest.atom").text).count('/articles/undone-old"') and text)
    assert feed.count(":/articles/undone-old</id>") == 1


def sitemaps(running: Running) -> str:
    """The sitemap's pages."""
    index = running.get("/sitemap.xml").text
    pages = [loc.split("</loc>")[0].rsplit("/sitemaps/", 1)[-1] for loc in index.split("<loc>")[1:]]
    return "".join(running.get(f"/sitemaps/{page}").text for page in pages)


def test_two_files_with_one_id_in_one_call_are_both_refused(running: Running, tmp_path: Path) -> None:
    before = counted(running)
    files = [tmp_path / "one.md", tmp_path / "two.md"]
    for file in files:
        file.write_text(f"---\nid: shared-id\ntitle: {file.stem}\n---\n\n{_TEXT}\n")
    answer = running.publish(*files, wait=False)
    assert answer.status == 2
    assert [one["code"] for one in answer.json["errors"]] == ["same-id", "same-id"]
    assert all(str(file) in answer.err for file in files)
    assert counted(running) == before
    assert running.publish(files[0], wait=False).status == 0
    refused = running.publish(files[1], wait=False)
    assert (refused.status, refused.json["errors"][0]["code"]) == (2, "id-taken")
    assert running.run("publish", files[1], "--take-over", "--json").json["articles"][0]["revision"] == 2
