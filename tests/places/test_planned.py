"""`plan` names exactly what `apply` then does, for any change of settings."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from places_world import World, folder

from pipeline.ledger import Ledger, places
from pipeline.stages.places.plan import Plan
from workers import planning

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
FORMATS = ("json-ld", "markdown", "plain-text")


def planned(world: World, *channels: str) -> Plan:
    return planning.plan(world.ledger, world.settings(*channels), now=world.bench.clock.now)


def channels_of(chance: random.Random, root: Path) -> list[str]:
    """Some channels in some folders, formats and topics."""
    names = [name for name in ("a", "b", "c") if chance.random() < 0.75]
    folders = ["one", "two", "three", "four"]
    chance.shuffle(folders)
    return [
        folder(name, root / folders.pop(), chance.choice(FORMATS), backfill=chance.random() < 0.7) for name in names
    ]


@ON_SQLITE
@pytest.mark.parametrize("seed", range(12))
def test_plan_names_exactly_what_apply_then_does(ledger: Ledger, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    world = World(ledger, tmp_path)
    world.take_up(*channels_of(chance, tmp_path))
    number = 0
    for _ in range(4):
        for _ in range(chance.randrange(3)):
            number += 1
            world.publish(f"article-{number}")
        world.work()
        if number and chance.random() < 0.4:
            world.bench.withdraw(f"article-{chance.randint(1, number)}")
            world.work()
        channels = channels_of(chance, tmp_path)
        rows_before = world.every_row()
        plan = planned(world, *channels)
        assert world.every_row() == rows_before, "a plan changes nothing"
        assert planned(world, *channels) == plan
        planning.apply(ledger, world.settings(*channels), empty=True, by="a test", now=world.bench.clock.now)
        world.fill()
        assert _scheduled(world) == _named(plan)
        removed = {one.place: set(one.removed) for one in plan.orphans}
        emptied = {one.location for state in ("emptying", "emptied") for one in world.places(state)}
        assert emptied >= set(removed) >= {one.location for one in world.places("emptying")}
        assert {place: world.articles_in(place) for place in removed} == removed
        world.work(6)
        assert not world.places("emptying")
        with ledger.read() as transaction:
            for place in places.every(transaction):
                if place.state == "emptied" and place.location in removed:
                    assert not world.articles_in(place.location)
        again = planned(world, *channels)
        assert not again.channels and not again.orphans, "what was planned is done"


def _named(plan: Plan) -> dict[str, set[str]]:
    named = {one.channel: {*one.filled, *one.refreshed, *one.withdrawn} for one in plan.channels}
    return {channel: articles for channel, articles in named.items() if articles}


def _scheduled(world: World) -> dict[str, set[str]]:
    """The deliveries that are to be made to the channels in force."""
    found: dict[str, set[str]] = {}
    for place in world.places("in-force"):
        due = {article for article, row in world.rows(place.key).items() if row.due is not None}
        if due:
            found[place.key] = due
    return found
