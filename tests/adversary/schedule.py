"""What an attacked slice has: which attacks and which misconduct of partners. The same seed gives the same slice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Place = Literal["sqlite", "postgresql"]
PLACES: tuple[Place, ...] = ("sqlite", "postgresql")

ATTACKS = (
    "half-heads",
    "half-bodies",
    "endless-heads",
    "header-floods",
    "slow-readers",
    "long-polls",
    "many-connections",
    "reconnects",
    "wrong-tokens",
    "strange-requests",
    "hub-flood",
    "hostile-articles",
    "watched-files",
)
CONDUCTS = (
    "hang",
    "drip-head",
    "drip-body",
    "tokens",
    "megabytes",
    "bomb",
    "redirect",
    "unwell",
    "gone",
    "echo",
    "cut",
    "garbage",
    "endless-head",
    "late",
)
_ATTACKS_OF_A_SLICE, _CONDUCTS_OF_A_SLICE = 4, 5


@dataclass(frozen=True)
class Slice:
    seed: int
    place: Place
    attacks: tuple[str, ...]
    conducts: tuple[str, ...]


def slice_of(seed: int, place: Place, attacks: Sequence[str] = ()) -> Slice:
    """Return the slice of this seed, or one with these attacks."""
    chance = random.Random(f"{seed} {place}")
    return Slice(
        seed,
        place,
        tuple(attacks or chance.sample(ATTACKS, _ATTACKS_OF_A_SLICE)),
        tuple(chance.sample(CONDUCTS, _CONDUCTS_OF_A_SLICE)),
    )
