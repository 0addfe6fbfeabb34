"""`plan` names exactly what `apply` then does, for any change of settings."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from bench import article, topic
from places_world import World, folder

from pipeline.ledger import Ledger, articles, places
from pipeline.stages.places.plan import Plan
from pipeline.stages.refresh import Refresh
from pipeline.stages.render.fan_out import current_fingerprint
from pipeline.stages.stage import drain
from workers import planning
from workers.site import site_of

refresh = Refresh()

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
FORMATS = ("json-ld", "markdown", "plain-text")


TOPICS = ("pain", "sleep", "diet")
DISCLAIMERS = ("Ask your doctor.", "Ask a pharmacist.")


def planned(world: World, *channels: str) -> Plan:
    return planning.plan(world.ledger, world.settings(*channels), now=world.bench.clock.now)


def channels_of(chance: random.Random, root: Path) -> list[str]:
    """Some channels in some folders and formats, for some topics."""
    names = [name for name in ("a", "b", "c") if chance.random() < 0.75]
    folders = ["one", "two", "three", "four"]
    chance.shuffle(folders)
    stay = chance.random() < 0.5  # the folders; so that topics change alone
    if stay:
        folders = ["three", "two", "one"]
    return [
        folder(
            name,
            root / folders.pop(),
            "json-ld" if stay else chance.choice(FORMATS),
            backfill=chance.random() < 0.7,
            topics=sorted(chance.sample(TOPICS, chance.randrange(3))),
        )
        for name in names
    ]


def sign(world: World, disclaimer: str, *channels: str) -> None:
    """Give the site this disclaimer, on disk."""
    world.site = re.sub('disclaimer = ".*"', f'disclaimer = "{disclaimer}"', world.site)
    world.settings(*channels)


def restart(world: World, *channels: str) -> None:
    """Have the processes use the site facts that are on disk."""
    object.__setattr__(world.bench.context, "site", site_of(world.settings(*channels)))


def refresh_all(world: World) -> None:
    """Render again what was rendered in another way, and deliver nothing."""
    context = world.bench.context
    outdated = True
    while outdated:
        drain(context, refresh)
        world.bench.clock.pass_(1)
        with world.ledger.read() as transaction:
            outdated = bool(articles.outdated(transaction, current_fingerprint(context), now=context.clock(), limit=1))


@ON_SQLITE
@pytest.mark.parametrize("seed", range(8))
def test_plan_names_exactly_what_apply_then_does(ledger: Ledger, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    world = World(ledger, tmp_path)
    channels = channels_of(chance, tmp_path)
    world.take_up(*channels)
    number = 0
    for _ in range(4):
        for _ in range(chance.randrange(3)):
            number += 1
            topics = tuple(topic(one) for one in chance.sample(TOPICS, chance.randrange(3)))
            world.bench.publish(article(f"article-{number}", topics=topics))
        world.work()
        if number and chance.random() < 0.4:
            world.bench.withdraw(f"article-{chance.randint(1, number)}")
            world.work()
        channels = channels_of(chance, tmp_path)
        if chance.random() < 0.4:
            sign(world, chance.choice(DISCLAIMERS), *channels)
        rows_before = world.every_row()
        plan = planned(world, *channels)
        assert world.every_row() == rows_before, "a plan changes nothing"
        assert planned(world, *channels) == plan
        planning.apply(ledger, world.settings(*channels), empty=True, by="a test", now=world.bench.clock.now)
        restart(world, *channels)
        world.fill()
        refresh_all(world)
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
        assert not again.channels and not again.orphans and not again.rendered, "what was planned is done"


@ON_SQLITE
def test_a_channel_that_lets_more_through_is_filled_and_one_that_lets_less_through_keeps_what_it_has(
    ledger: Ledger, tmp_path: Path
) -> None:
    world = World(ledger, tmp_path)
    narrow = folder("archive", tmp_path / "files", topics=["pain"])
    wide = folder("archive", tmp_path / "files", topics=["pain", "sleep"])
    world.take_up(narrow)
    for one in TOPICS:
        world.bench.publish(article(f"about-{one}", topics=(topic(one),)))
    world.work()
    (change,) = planned(world, wide).channels
    assert (change.change, change.filled) == ("refiltered", ("about-sleep",))
    world.take_up(wide)
    world.work()
    both = {"about-pain", "about-sleep"}
    assert world.articles_in(f"file://{tmp_path / 'files'}") == both
    assert not planned(world, narrow).channels
    world.take_up(narrow)
    world.bench.withdraw("about-sleep")
    world.work()
    assert world.articles_in(f"file://{tmp_path / 'files'}") == {"about-pain"}
    without = folder("archive", tmp_path / "files", backfill=False)
    assert not planned(world, without).channels


@ON_SQLITE
def test_a_new_disclaimer_is_planned_for_the_articles_and_channels_that_show_it(ledger: Ledger, tmp_path: Path) -> None:
    world = World(ledger, tmp_path)
    channels = [folder("archive", tmp_path / "files"), folder("new", tmp_path / "new", "markdown")]
    world.take_up(channels[0])
    world.publish("a", "b")
    world.work()
    sign(world, "Ask a pharmacist.", *channels)
    plan = planned(world, *channels)
    assert plan.rendered == ("a", "b") and plan.totals["rendered"] == 2
    assert {one.channel: (one.filled, one.refreshed) for one in plan.channels} == {
        "archive": ((), ("a", "b")),
        "new": (("a", "b"), ()),
    }
    planning.apply(ledger, world.settings(*channels), empty=True, by="a test", now=world.bench.clock.now)
    restart(world, *channels)
    world.fill()
    refresh_all(world)
    world.work()
    for path in (tmp_path / "files" / "a.json-ld", tmp_path / "new" / "b.md"):
        assert "Ask a pharmacist." in path.read_text()
    assert not planned(world, *channels).rendered


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
