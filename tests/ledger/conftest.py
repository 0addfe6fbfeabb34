"""Databases without a ledger, for tests of what a migration makes of an older one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from own_database import own_database


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes databases in which there is nothing, and returns their URLs; each test runs on both kinds."""
    numbers = itertools.count(1)
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path / f'ledger-{next(numbers)}.sqlite'}"
        return
    server = sa.make_url(request.getfixturevalue("postgresql"))
    with ExitStack() as made:

        def make() -> str:
            url = made.enter_context(own_database(server))
            return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

        yield make


@pytest.fixture
def empty_database(new_database: Callable[[], str]) -> str:
    """The URL of a database in which there is nothing; each test that asks for one runs on both kinds."""
    return new_database()
