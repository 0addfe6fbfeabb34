"""Databases without a ledger, for tests of what a migration makes of an older one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from own_database import own_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database in which there is nothing; each test that asks for one runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    with own_database(sa.make_url(request.getfixturevalue("postgresql"))) as url:
        yield url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
