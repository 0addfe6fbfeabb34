"""Some work of a run in a process of its own, which may be killed by the operating system in the middle of it."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import os
import random
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from bench import START
from fresh_process import fresh_process
from place_killing import Killer, kill_this_process, killable
from places_world import SITE, World

from pipeline.ledger import Ledger
from pipeline.model.rendition import Format
from pipeline.renditions import formats
from pipeline.stages.flow import STAGES
from workers.site import site_of

FEW = ("json-ld", "markdown", "plain-text", "ninjs", "apple-news", "amp", "json-feed")
PIPELINE = ("enrich", "render", "refresh", "places", "feeds")
stages = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True)
class Work:
    """The work of one process. Its ids begin with `number`, which is unique."""

    ledger: str
    folder: Path
    site: str
    tables: tuple[str, ...]  # the settings of the channels
    now: dt.datetime
    seed: int
    likely: float  # that it is killed at a step
    number: int


def few_formats() -> dict[str, Format]:
    return {name: formats()[name] for name in FEW}


def new_world(ledger: Ledger, folder: Path, site: str = SITE) -> World:
    """Return a world with few formats, which refreshes as fast as it can and does not wait for the disk."""
    if ledger.is_sqlite:
        sa.event.listen(ledger._engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    world = World(ledger, folder, site=site)
    context = world.bench.context
    object.__setattr__(context, "formats", few_formats())
    object.__setattr__(context, "policy", replace(context.policy, refresh_rate=50.0))
    return world


def some_stages(context: Any, chance: random.Random) -> None:
    """Let a few stages do what is due, in any order."""
    names = [*PIPELINE, "deliver", "deliver", "deliver", "prove", "reconcile"]
    for _ in range(chance.randrange(1, 10)):
        name = chance.choice(names)
        keys = sorted(context.channels) if name == "deliver" else [""]
        if keys:
            stages[name].drain(context, chance.choice(keys))


def work_in_a_process(work: Work) -> bool:
    """Do it, and return whether the process was killed."""
    ended = fresh_process(_run, work)
    assert ended in (0, -signal.SIGKILL), f"the process ended by itself: {ended}"
    return ended != 0


def _run(environment: Mapping[str, str], work: Work) -> None:
    os.environ.update(environment)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world = new_world(Ledger(work.ledger), work.folder, work.site)
    assert work.now >= START
    world.bench.clock.now = work.now
    settings = world.settings(*work.tables)
    numbers, chance = itertools.count(1), random.Random(work.seed)
    for name, value in (
        ("site", site_of(settings)),
        ("new_id", lambda prefix: f"{prefix}{work.number:03d}x{next(numbers):06d}"),
    ):
        object.__setattr__(world.bench.context, name, value)
    world.open_channels(settings)
    killer = Killer(chance, end=kill_this_process)
    with killable(killer), killer.about(work.likely):
        some_stages(world.bench.context, chance)
    os._exit(0)
