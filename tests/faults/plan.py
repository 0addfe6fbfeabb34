"""A run's plan: what is published and what goes wrong, and when. The same seed gives the same plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Place = Literal["sqlite", "postgresql", "hosts"]
SITES: tuple[Place, ...] = ("sqlite", "postgresql", "hosts")

PUBLISHING = ("publish", "update", "withdraw", "crossing")
FAULTS = (
    "kill-pipeline",
    "kill-deliver",
    "kill-web",
    "kill-queue",
    "kill-everything",
    "stop-pipeline",
    "stop-deliver",
    "wipe-queue",
    "damage-queue",
    "receiver-503",
    "receiver-404",
    "receiver-302",
    "receiver-410",
    "receiver-hangs",
    "receiver-cuts",
    "receiver-drips",
    "receiver-lies",
    "database-cut",
    "disk-full",
    "clock-+1d",
    "clock--1d",
    "clock-+14s",
    "former-release",
)
MORE: dict[Place, tuple[str, ...]] = {
    "sqlite": ("remove-queue",),
    "postgresql": ("remove-queue", "database-read-only", "database-silent", "pooler-restart"),
    "hosts": ("database-read-only", "database-killed", "unplug-database", "unplug-queue", "unplug-host"),
}
# Seconds; the others last from 1 to 6.
LASTS = {
    "receiver-404": (5, 5),
    "receiver-302": (5, 5),
    "database-read-only": (5, 5),
    "clock-+1d": (14, 14),
    "clock--1d": (14, 14),
    "clock-+14s": (14, 14),
    "database-silent": (5, 25),
    "unplug-database": (5, 25),
    "unplug-queue": (5, 15),
    "unplug-host": (5, 25),
    "former-release": (1, 1),  # after it has said that it takes no work
}
LONG = ("receiver-hangs-80", "stop-pipeline-80")  # one of these in every eighth run
ARTICLES = 12


@dataclass(frozen=True)
class Step:
    """`at`: seconds from the start. `seconds`: how long a fault lasts."""

    at: float
    what: str
    article: int = 0
    seconds: float = 0.0


def plan(seed: int, seconds: float, site: Place) -> list[Step]:
    """Return the steps in order: something is published about once a second, and something fails every few seconds."""
    chance = random.Random(f"{seed} {site}")
    steps = []
    at = 0.0
    while at < seconds:
        what = chance.choices(PUBLISHING, weights=(10, 8, 5, 1))[0]
        steps.append(Step(at, what, chance.randrange(ARTICLES)))
        at += chance.expovariate(1.0)
    at = chance.uniform(0.5, 2.0)
    if chance.random() < 0.125:
        steps.append(Step(at, chance.choice(LONG), seconds=80.0))
    while at < seconds:
        what = chance.choice(FAULTS + MORE[site])
        steps.append(Step(at, what, seconds=round(chance.uniform(*LASTS.get(what, (1, 6))), 1)))
        at += chance.uniform(2.0, 5.0)
    return sorted(steps, key=lambda step: step.at)
