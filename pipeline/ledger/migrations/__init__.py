"""The schema is brought up to date by the program itself, when a ledger is opened.

An older ledger is migrated, by Alembic. In an empty database the tables are made as they are now: all migrations one
after the other would make the same, and take a second of CPU.
"""

from __future__ import annotations

import datetime as dt
import secrets

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.schema import CreateIndex, CreateTable

from pipeline.errors import ConfigError
from pipeline.ledger.migrations.order import position

HEAD = "0052"  # the newest revision under versions/, as a test verifies

# As Alembic makes it.
_VERSIONS = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def upgrade(engine: Engine) -> None:
    """Upgrade the database to HEAD. One process at a time does so; the others wait and find it done."""
    current = _current(engine)
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        raise _too_new(current)
    with engine.execution_options(citewire_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":  # a migration, or waiting for another's, may take any time
            connection.execute(sa.text("SELECT set_config('statement_timeout', '0', true)"))
            connection.execute(sa.text("SELECT set_config('lock_timeout', '0', true)"))
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(4204204204)"))
        before = _version(connection)  # another process may have been first
        if before is None:
            _create(connection)
        elif before != HEAD:
            _migrate(connection)
            _record(connection, f"schema {before} → {HEAD}")


def _create(connection: sa.Connection) -> None:
    """Make all tables, which the database has none of yet.

    The row that a migration adds to the leases is there as soon as NCBI is asked for the first time.
    """
    from pipeline.ledger.tables import metadata

    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table))
    indices = (index for table in metadata.tables.values() for index in table.indexes)
    for index in sorted(indices, key=position):
        if connection.dialect.name == "postgresql":  # tables name the condition for SQLite alone: see `tables.base`
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
        connection.execute(CreateIndex(index))
    _VERSIONS.create(connection, checkfirst=True)
    connection.execute(sa.insert(_VERSIONS).values(version_num=HEAD))


def _migrate(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "pipeline:ledger/migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


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
