"""A withdrawal reaches what moved, renamed and removed channels hold: on real servers, before `apply` and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from channels import object_stores, sftp_server
from places_world import World, files, folder

from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger
from standins.apple_news import AppleNews
from standins.receiver import Conduct, Receiver
from workers import planning

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
OTHER_ACCOUNT = "73a75491-2c4d-3530-af91-819be8c3ace1"


def channel(id: str, type: str, format: str, settings: Mapping[str, object]) -> str:
    lines = [f'id = "{id}"', f'type = "{type}"', f'format = "{format}"']
    lines += [
        f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in settings.items()
    ]
    return "\n".join(["[[channels]]", *lines, ""])


@dataclass
class Servers:
    world: World
    first: object_stores.Bucket
    second: object_stores.Bucket
    sftp: Mapping[str, object]
    remote: Path  # what the SFTP server shows
    old_account: AppleNews
    new_account: AppleNews
    apple: Mapping[str, Mapping[str, object]]
    partner: Receiver

    @property
    def before(self) -> list[str]:
        return [
            channel("store", "object-store", "ninjs", self.first.settings),
            channel("server", "sftp", "json-ld", self.sftp),
            channel("apple", "apple-news", "apple-news", self.apple["old"]),
            channel("partner", "webhook", "ninjs", {"url": f"{self.partner.url}in", "secret": "env:PARTNER"}),
            folder("archive", self.world.folder / "archive"),
        ]

    @property
    def after(self) -> list[str]:
        """Two have moved, one has another name, and two are gone."""
        return [
            channel("store", "object-store", "ninjs", self.second.settings),
            channel("renamed", "sftp", "json-ld", self.sftp),
            channel("apple", "apple-news", "apple-news", self.apple["new"]),
        ]

    def readable(self, article_id: str) -> set[str]:
        """Where the article can be read, asked at each server and not through Citewire."""
        found = set()
        for name, bucket in (("first", self.first), ("second", self.second)):
            named = bucket.get(f"manifest/{article_id}.ninjs.json") or b""
            found |= {name} if bucket.get(f"{article_id}.ninjs") and b"withdrawn" not in named else set()
        for name, path in (("sftp", self.remote), ("archive", self.world.folder / "archive")):
            found |= {name} if files(path).get(f"{article_id}.json-ld", "withdrawn") != "withdrawn" else set()
        for name, account in (("old account", self.old_account), ("new account", self.new_account)):
            found |= {name} if account.find(article_id) else set()
        taken = [one.headers for one in self.partner.received if one.answered == 204]
        events = [one["citewire-event"] for one in taken if one["citewire-article"] == article_id]
        return found | ({"partner"} if events and events[-1] != "withdrawn" else set())


@pytest.fixture
def servers(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    world = World(ledger, tmp_path)
    remote, secret = tmp_path / "remote", new_secret()
    keys = tmp_path / "keys"
    keys.mkdir()
    clock = world.bench.clock
    old = AppleNews(clock=lambda: clock().timestamp())
    new = AppleNews(clock=lambda: clock().timestamp(), channel_id=OTHER_ACCOUNT)
    monkeypatch.setenv("PARTNER", secret)
    monkeypatch.setenv("APPLE_KEY", old.key_id)
    monkeypatch.setenv("APPLE_SECRET", old.secret)
    with ExitStack() as stack:
        server = stack.enter_context(sftp_server.running(keys))
        ends = {name: stack.enter_context(one.serve()) for name, one in (("old", old), ("new", new))}
        partner = stack.enter_context(Receiver(secrets=[secret]))
        sftp = {**server.settings, "path": str(remote)}
        account = {"key_id": "env:APPLE_KEY", "secret": "env:APPLE_SECRET"}
        apple = {
            "old": {**account, "url": ends["old"].url, "channel_id": old.channel_id},
            "new": {**account, "url": ends["new"].url, "channel_id": new.channel_id},
        }
        first, second = (object_stores.s3(tmp_path, monkeypatch) for _ in range(2))
        yield Servers(world, first, second, sftp, remote, old, new, apple, partner)


EVERYWHERE = {"first", "sftp", "archive", "old account", "partner"}
MOVED = {"second", "new account"}


@ON_SQLITE
def test_a_withdrawal_reaches_moved_renamed_and_removed_channels(servers: Servers) -> None:
    world = servers.world
    world.take_up(*servers.before)
    world.publish("before-the-move", "after-the-move", "after-apply")
    world.work()
    assert all(servers.readable(one) == EVERYWHERE for one in ("before-the-move", "after-the-move", "after-apply"))
    world.bench.withdraw("before-the-move")
    world.work()
    assert servers.readable("before-the-move") == set()
    world.take_up(*servers.after)
    world.work()
    assert servers.readable("after-the-move") == EVERYWHERE | MOVED
    world.bench.withdraw("after-the-move")
    world.work()
    assert servers.readable("after-the-move") == set()
    settings, now = world.settings(*servers.after), world.bench.clock.now
    planning.apply(world.ledger, settings, empty=True, by="a test", now=now)
    world.work(6)
    assert servers.readable("after-apply") == MOVED | {"sftp"}
    assert not world.places("emptying") and not world.places("orphan")
    world.bench.withdraw("after-apply")
    world.work()
    assert servers.readable("after-apply") == set()


@ON_SQLITE
def test_where_a_withdrawal_cannot_get_is_said(servers: Servers) -> None:
    world = servers.world
    world.take_up(*servers.before)
    world.publish("news")
    world.work()
    world.take_up(*servers.after)
    world.work()
    servers.partner.conduct(Conduct(status=503))
    world.bench.withdraw("news")
    world.work()
    assert servers.readable("news") == {"partner"}
    row = world.rows("partner")["news"]
    assert row.state == "pending" and row.error and row.due
    world.give_up("partner", reason="the company is no more")
    row = world.rows("partner")["news"]
    assert (row.state, row.error) == ("abandoned", "place-given-up: the company is no more")
