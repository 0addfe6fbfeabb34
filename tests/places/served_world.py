"""Fixtures: servers for places of every type, which the tests of a module share, and a world on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from place_child import new_world
from place_servers import Servers, serving
from places_world import World


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("places")) as all_of_them:
        yield all_of_them


@pytest.fixture
def world(tmp_path: Path, servers: Servers) -> Iterator[World]:
    ledger = empty_ledger(tmp_path / "var")
    made = new_world(ledger, tmp_path)
    servers.begin(made.bench.clock)
    yield made
    ledger.close()
