"""Alembic's migrations, run from the program itself: the schema is brought up to date when a ledger is opened."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pipeline.errors import ConfigError

HEAD = "0007"  # the newest revision under versions/; a test holds it to that


def upgrade(engine: Engine) -> None:
    """Bring the database to HEAD. One process at a time; the others wait and find it done."""
    current = _current(engine)
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        message = f"the ledger's schema is {current}, newer than this program's ({HEAD}): run the newer program"
        raise ConfigError(message, key="database_url", code="ledger-too-new")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "pipeline:ledger/migrations")
    config.set_main_option("path_separator", "os")
    with engine.execution_options(citewire_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(4204204204)"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return found
