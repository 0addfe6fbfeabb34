"""Ledgers as former releases left them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


@contextmanager
def former_ledger(url: str, revision: str) -> Iterator[sa.Connection]:
    """Make the schema as of a migration in an empty database, and yield a transaction in which to fill it."""
    config = Config()
    config.set_main_option("script_location", "pipeline:ledger/migrations")
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield connection
    engine.dispose()
