"""What Apple News was sent after the backup that is restored is found there, and is not published a second time."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from places_world import World, run
from test_reached_everywhere import channel
from test_restored_places import back_up, lose, reopened

from standins.apple_news import AppleNews

TWO_DAYS = 172_800


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(empty_ledger(tmp_path / "var"), tmp_path)
    world.bench.clock.now = dt.datetime.now(dt.UTC)  # by which the commands sign
    yield world
    world.ledger.close()


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> AppleNews:
    apple = AppleNews(page=1)
    monkeypatch.setenv("APPLE_KEY", apple.key_id)
    monkeypatch.setenv("APPLE_SECRET", apple.secret)
    return apple


def ages(apple: AppleNews, seconds: float) -> None:
    """Let the articles become too old to be told apart by their titles."""
    for one in apple.articles.values():
        one.created -= seconds


def test_what_was_created_after_the_backup_is_corrected_and_withdrawn_where_it_is(
    world: World, apple: AppleNews, capsys: pytest.CaptureFixture[str]
) -> None:
    with apple.serve() as end:
        account = {"key_id": "env:APPLE_KEY", "secret": "env:APPLE_SECRET", "channel_id": apple.channel_id}
        settings = channel("apple", "apple-news", "apple-news", account | {"url": end.url})
        world.take_up(settings)
        world.publish("stays", "again")
        world.work()
        ages(apple, TWO_DAYS)
        backup = back_up(world, capsys)
        world.bench.withdraw("again")
        world.work()
        world.publish("again", text="Published a second time.")
        world.publish("later", "wrong")
        world.work()
        theirs = apple.find("later")
        assert theirs is not None
        other = str(uuid.uuid4())
        document = {"identifier": "Not_Ours", "title": "Somebody else's"}
        apple.articles[other] = type(theirs)(other, document, b"", {}, theirs.created)
        lose(world)

        said = run(capsys, world, "restore", backup, "--json")

        assert said.status == 0, said.err
        found = {(one["article"], one["kind"]) for one in said.json["undecided"]}
        assert found == {("again", "newer"), ("later", "newer"), ("wrong", "newer")}, said.json
        again = reopened(world, settings)
        ages(apple, TWO_DAYS)
        again.publish("later", "wrong", text="As before.")
        again.bench.withdraw("wrong")
        for words in (["--accept-all"], ["--resume"]):
            assert run(capsys, world, "restore", *words).status == 0
        again.work(4)
        again.ledger.close()
        assert apple.find("wrong") is None
        shown = {name: apple.find(name) for name in ("stays", "again", "later")}
        assert all(one is not None for one in shown.values()), "each once: `find` refuses two"
        assert shown["later"] is theirs and b"As before." in theirs.body
        assert b"Published a second time." not in shown["again"].body, "the backup counts"  # type: ignore[union-attr]
