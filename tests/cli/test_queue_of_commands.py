"""What commands say of the queue: `check` reaches it, and one that is out of order keeps nothing from acceptance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import ONE_FOLDER, at_site, citewire
from redis_servers import HOST, Server, server

from workers.reaching import EACH


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "queue", {"requirepass": "hunter2"}) as own:
        yield own


def test_check_reaches_the_queue_and_says_how_many_connections_it_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], queue: Server
) -> None:
    (tmp_path / "out").mkdir()
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    monkeypatch.setenv("QUEUE_PASSWORD", "hunter2")
    monkeypatch.setenv("CITEWIRE_REDIS_URL", f"redis://{HOST}:{queue.port}/0?password=env:QUEUE_PASSWORD")
    said = citewire(capsys, "check")
    assert said.status == 0
    (line,) = (one for one in said.out.splitlines() if one.startswith("queue  "))
    assert line.startswith("queue  ok  valkey ")
    assert line.endswith(f"; 0 processes, up to {EACH} connections each; the server allows 10000")
    found = citewire(capsys, "check", "--json").json["queue"]
    assert (found["ok"], found["each"], found["processes"], found["allowed"]) == (True, EACH, 0, 10_000)


def test_check_names_what_is_wrong_with_the_queue_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], queue: Server
) -> None:
    (tmp_path / "out").mkdir()
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    monkeypatch.setenv("CITEWIRE_REDIS_URL", f"redis://:hunter3@{HOST}:{queue.port}/0")
    said = citewire(capsys, "check")
    assert said.status == 2
    assert "queue  FAILED  redis_url: the server refuses the login (give the login" in said.out
    assert "hunter3" not in said.out + said.err
    found = citewire(capsys, "check", "--json").json["queue"]
    assert (found["ok"], found["code"]) == (False, "queue-refused")


def test_an_article_is_accepted_although_the_queues_password_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    monkeypatch.setenv("CITEWIRE_REDIS_URL", "redis://127.0.0.1:1/0?password=env:NO_SUCH_QUEUE_PASSWORD")
    (tmp_path / "sleep.md").write_text("# Sleep\n\nAn answer.\n")
    said = citewire(capsys, "publish", str(tmp_path / "sleep.md"))
    assert said.status == 0
    assert "NO_SUCH_QUEUE_PASSWORD is not set" in said.err
    assert citewire(capsys, "status", "sleep", "--json").json["revision"] == 1
