"""A withdrawal reaches what moved, renamed and removed channels hold, at each type of storage, or says where not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from place_servers import Servers, Spot, formats_of
from places_world import World, run
from served_world import servers, world

from workers import planning

__all__ = ["servers", "world"]  # fixtures

TYPES = ("directory", "object-store", "sftp", "apple-news")


def before(servers: Servers, type: str) -> list[str]:
    format = formats_of(type)[0]
    names = ("moves", "renamed", "removed")
    return [servers.table(name, Spot(type, str(number)), format) for number, name in enumerate(names)]


def after(servers: Servers, type: str) -> list[str]:
    format = formats_of(type)[0]
    return [servers.table("moves", Spot(type, "3"), format), servers.table("named-anew", Spot(type, "1"), format)]


def shown(servers: Servers, type: str, article: str, among: Sequence[int] = range(4)) -> list[int]:
    """The places where the article can be read: where `moves`, `renamed` and `removed` were, and where `moves` is."""
    there = {number: servers.readable(Spot(type, str(number)), says=b"Rest.") for number in among}
    return [number for number, files in there.items() if any(name.startswith(f"{article}.") for name in files)]


@pytest.mark.parametrize("type", TYPES)
def test_before_the_change_after_it_and_after_apply(world: World, servers: Servers, type: str) -> None:
    world.take_up(*before(servers, type))
    world.publish("first", "second", "third")
    world.work()
    assert shown(servers, type, "first") == shown(servers, type, "third") == [0, 1, 2]
    world.bench.withdraw("first")
    world.work()
    assert shown(servers, type, "first") == []
    world.take_up(*after(servers, type))
    world.work()
    assert shown(servers, type, "second") == [0, 1, 2, 3]
    world.bench.withdraw("second")
    world.work()
    assert shown(servers, type, "second") == []
    settings = world.settings(*after(servers, type))
    planning.apply(world.ledger, settings, empty=True, by="a test", now=world.bench.clock.now)
    world.work(6)
    assert shown(servers, type, "third") == [1, 3] and not world.places("orphan") and not world.places("emptying")
    world.bench.withdraw("third")
    world.work()
    assert shown(servers, type, "third") == []


@pytest.mark.parametrize("type", TYPES)
def test_where_it_cannot_be_reached_is_said_until_it_can(
    world: World, servers: Servers, type: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.take_up(*before(servers, type))
    world.publish("news")
    world.work()
    world.take_up(*after(servers, type))
    world.work()
    with servers.out_of_reach(Spot(type, "2")):
        world.bench.withdraw("news")
        world.work()
        (left,) = [row for row in _deliveries(world, capsys) if row["state"] != "delivered"]
        assert left["channel"] == "removed" and left["error"]
        assert shown(servers, type, "news", among=(0, 1, 3)) == []
    world.bench.clock.pass_(3_600)  # what refuses is tried every hour
    world.work()
    assert shown(servers, type, "news") == []


def _deliveries(world: World, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    deliveries: list[dict[str, object]] = run(capsys, world, "status", "news", "--json").json["deliveries"]
    return deliveries
