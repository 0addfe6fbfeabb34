"""A short run under random faults on each database. `make faults` makes long ones."""

from __future__ import annotations

import pytest
from faults.plan import plan
from faults.run import run


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_after_random_faults_everything_ends_with_the_truth(database: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgresql") if database == "postgresql" else None
    done = run(7, 8.0, database, server=server)  # type: ignore[arg-type]
    assert done["events"] > 5
    assert sum(done["faults"].values()) >= 1


def test_a_seed_gives_the_same_plan_and_another_gives_another() -> None:
    assert plan(1, 60.0, "sqlite") == plan(1, 60.0, "sqlite")
    assert plan(1, 60.0, "sqlite") != plan(2, 60.0, "sqlite")
