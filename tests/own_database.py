"""A PostgreSQL database of a test's own, and the administrator's way to the server that it is on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url


@pytest.fixture
def server(postgresql: str) -> Iterator[sa.Engine]:
    """The administrator's way to the server of the tests."""
    url = make_url(postgresql).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def own(server: sa.Engine) -> Iterator[URL]:
    """A database of the test's own."""
    name = f"citewire_own_{uuid.uuid4().hex[:12]}"
    run(server, f"CREATE DATABASE {name}")
    yield server.url.set(database=name)
    run(server, f"DROP DATABASE {name} WITH (FORCE)")


def run(server: sa.Engine, statement: str) -> None:
    with server.connect() as connection:
        connection.exec_driver_sql(statement)
