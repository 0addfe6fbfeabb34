"""A run's plan: what is published and what goes wrong, and when. The same seed gives the same plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Database = Literal["sqlite", "postgresql"]

PUBLISHING = ("publish", "update", "withdraw")
FAULTS = (
    "kill-pipeline",
    "kill-deliver",
    "kill-web",
    "kill-queue",
    "kill-everything",
    "stop-pipeline",
    "stop-deliver",
    "wipe-queue",
    "remove-queue-folder",
    "receiver-503",
    "receiver-404",
    "receiver-410",
    "receiver-hangs",
    "receiver-cuts",
    "receiver-drips",
    "receiver-lies",
    "database-cut",
    "disk-full",
)
ON_POSTGRESQL = ("database-read-only",)
ARTICLES = 12


@dataclass(frozen=True)
class Step:
    """`at`: seconds from the start. `seconds`: how long a fault lasts."""

    at: float
    what: str
    article: int = 0
    seconds: float = 0.0


def plan(seed: int, seconds: float, database: Database) -> list[Step]:
    """Return the steps in order: something is published about twice a second, and something fails every few seconds."""
    chance = random.Random(f"{seed} {database}")
    known = FAULTS + (ON_POSTGRESQL if database == "postgresql" else ())
    steps = []
    at = 0.0
    while at < seconds:
        what = chance.choices(PUBLISHING, weights=(5, 4, 2))[0]
        steps.append(Step(at, what, chance.randrange(ARTICLES)))
        at += chance.expovariate(2.0)
    at = chance.uniform(0.5, 2.0)
    while at < seconds:
        steps.append(Step(at, chance.choice(known), seconds=round(chance.uniform(1.0, 6.0), 1)))
        at += chance.uniform(2.0, 5.0)
    return sorted(steps, key=lambda step: step.at)
