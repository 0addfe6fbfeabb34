"""A short run under random faults on each kind of site. `make faults` makes long ones."""

from __future__ import annotations

import contextlib
from typing import get_args

import pytest
import sqlalchemy as sa
from faults.needed import a_network_can_be_made
from faults.plan import FAULTS, LONG, MORE, Place, plan
from faults.run import Servers, run


@pytest.mark.parametrize(
    ("place", "seed", "certain"),
    [("sqlite", 78, "damage-queue"), ("postgresql", 50, "database-silent"), ("hosts", 75, "database-killed")],
)
def test_after_faults_everything_ends_with_the_truth(
    place: Place, seed: int, certain: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue with damaged files and a locked ledger; redirects and a dead line; a database that is killed.

    `certain` happens on any machine. A busy one may miss the other: nothing is sent to the partner meanwhile, or the
    ledger cannot be locked.
    """
    monkeypatch.setattr("faults.run.WITHIN", 300.0)  # on a machine that does much else
    if place == "hosts":
        a_network_can_be_made()
    given = sa.make_url(request.getfixturevalue("postgresql")) if place == "postgresql" else None
    with contextlib.ExitStack() as stack:
        done = run(seed, 4.0, place, Servers(stack, given))
    assert done["events"] >= 5
    assert done["faults"].get(certain) == 1, done["missed"]
    assert sum(done["faults"].values()) + sum(done["missed"].values()) == 2


def test_a_seed_gives_the_same_plan_and_another_gives_another() -> None:
    assert plan(1, 60.0, "sqlite") == plan(1, 60.0, "sqlite")
    assert plan(1, 60.0, "sqlite") != plan(2, 60.0, "sqlite")


@pytest.mark.parametrize("place", get_args(Place))
def test_every_fault_comes_up(place: Place) -> None:
    planned = {step.what for seed in range(200) for step in plan(seed, 20.0, place)}
    assert {*FAULTS, *MORE[place], *LONG} <= planned
