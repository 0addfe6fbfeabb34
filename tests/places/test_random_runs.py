"""Random runs of everything that changes what lies where, with kills anywhere. `make places` makes many more."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import structlog
from place_servers import Servers
from random_run import run_once
from served_world import servers

from pipeline.ledger import Ledger

__all__ = ["servers"]  # a fixture


@pytest.fixture(autouse=True)
def quiet() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_missing_orphaned_unseen_or_still_readable(
    servers: Servers, ledger: Ledger, tmp_path: Path, seed: int
) -> None:
    run_once(servers, ledger, tmp_path, seed)


@pytest.mark.parametrize("ledger", ["postgresql"], indirect=True)
@pytest.mark.parametrize("seed", [3])
def test_nor_is_anything_on_postgresql(servers: Servers, ledger: Ledger, tmp_path: Path, seed: int) -> None:
    run_once(servers, ledger, tmp_path, seed)
