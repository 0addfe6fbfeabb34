"""Alembic's migrations, run from the program itself: the schema is brought up to date when a ledger is opened."""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from pipeline.errors import ConfigError

HEAD = "0050"  # the newest revision under versions/, as a test verifies


def upgrade(engine: Engine) -> None:
    """Upgrade the database to HEAD. One process at a time does so; the others wait and find it done."""
    current = _current(engine)
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        raise _too_new(current)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "pipeline:ledger/migrations")
    config.set_main_option("path_separator", "os")
    with engine.execution_options(citewire_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":  # a migration, or waiting for another's, may take any time
            connection.execute(sa.text("SELECT set_config('statement_timeout', '0', true)"))
            connection.execute(sa.text("SELECT set_config('lock_timeout', '0', true)"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(4204204204)"))
        config.attributes["connection"] = connection
        before = _version(connection)  # another process may have been first
        command.upgrade(config, "head")
        if before not in (None, HEAD):
            _record(connection, f"schema {before} → {HEAD}")


def check(engine: Engine, where: str) -> None:
    """Raise ConfigError unless the database at `where` is at HEAD."""
    current = _current(engine)
    if current is None:
        raise missing(where)
    if current > HEAD:
        raise _too_new(current)
    if current < HEAD:
        message = f"the ledger {where} has the schema {current}, and this program needs {HEAD}"
        raise ConfigError(message, hint="run `citewire migrate`", code="ledger-older")


def missing(where: str) -> ConfigError:
    hint = "publish an article or run `citewire up` to make one, or name another folder with --data"
    return ConfigError(f"there is no ledger at {where}", hint=hint, code="ledger-missing")


def _too_new(current: str) -> ConfigError:
    message = f"the ledger's schema is {current}, newer than this program's ({HEAD})"
    return ConfigError(message, key="database_url", hint="run the newer program", code="ledger-too-new")


def _current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _version(connection)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def _record(connection: sa.Connection, words: str) -> None:
    """Add the migration to the audit. The program makes it when it opens a ledger of an older release."""
    from pipeline.ledger import operations
    from pipeline.ledger.operations import Operation, Part

    operation = Operation(f"op_{secrets.token_hex(12)}", "migrate", "citewire", dt.datetime.now(dt.UTC))
    operations.record(connection, operation, [Part(None, None, None, "migrated", reason=words)])
