"""A PostgreSQL database of a test's own, and the administrator's way to the server that it is on."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url


@pytest.fixture
def server(postgresql: str) -> Iterator[sa.Engine]:
    """The administrator's way to the server of the tests."""
    engine = administrators(make_url(postgresql))
    yield engine
    engine.dispose()


@pytest.fixture
def own(postgresql: str) -> Iterator[URL]:
    """A database of the test's own."""
    with own_database(make_url(postgresql)) as url:
        yield url.set(drivername="postgresql+psycopg")


@contextlib.contextmanager
def own_database(server: URL) -> Iterator[URL]:
    """Make a database on the server, and remove it at the end whoever still uses it."""
    name = f"citewire_own_{uuid.uuid4().hex[:12]}"
    with administrator(server) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield server.set(drivername="postgresql", database=name)
    finally:
        with administrator(server) as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def administrator(server: URL) -> Iterator[sa.Connection]:
    """Open a connection on which each statement is a transaction."""
    engine = administrators(server)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def administrators(server: URL) -> sa.Engine:
    psycopg = server.set(drivername="postgresql+psycopg")
    return sa.create_engine(psycopg, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)


def run(server: sa.Engine, statement: str) -> None:
    with server.connect() as connection:
        connection.exec_driver_sql(statement)
