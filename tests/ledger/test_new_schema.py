"""A new ledger has the tables that all migrations, one after the other, make of an empty database, to the letter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any

import sqlalchemy as sa
from former_ledger import former_ledger

from pipeline.ledger import Ledger
from pipeline.ledger.tables import leases, metadata


def test_a_new_ledger_is_what_all_migrations_make(new_database: Callable[[], str]) -> None:
    with former_ledger(new_database(), "head") as connection:
        migrated = described(connection)
    with closing(Ledger(new_database())) as new:
        new.migrate()
        with new.read() as transaction:
            made = described(transaction)
    assert len(migrated["tables"]) > 50
    assert migrated.keys() == made.keys()
    for what, there in migrated.items():
        assert made[what] == there, what


def test_migrations_leave_no_row_that_a_new_ledger_would_lack(empty_database: str) -> None:
    """But for the lease of a service of NCBI, which is added when the service is asked for the first time."""
    with former_ledger(empty_database, "head") as connection:
        found = {
            name: rows
            for name, table in metadata.tables.items()
            if (rows := connection.execute(sa.select(table)).mappings().all())
        }
    assert found.keys() == {leases.name}
    assert [row["name"] for row in found[leases.name]] == ["esearch"]


def described(connection: sa.Connection) -> Mapping[str, Any]:
    """Return what is in the database, by kind."""
    return _in_sqlite(connection) if connection.dialect.name == "sqlite" else _in_postgresql(connection)


def _in_sqlite(connection: sa.Connection) -> Mapping[str, Any]:
    asked = {
        "tables": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        "columns": "SELECT one.name, its.name, its.type, its.[notnull], its.dflt_value, its.pk, its.hidden"
        " FROM sqlite_master AS one, pragma_table_xinfo(one.name) AS its WHERE one.type = 'table'",
        "foreign keys": "SELECT one.name, its.[table], its.[from], its.[to], its.on_update, its.on_delete, its.match"
        " FROM sqlite_master AS one, pragma_foreign_key_list(one.name) AS its WHERE one.type = 'table'",
        "indices": "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'index'",
        # Of two that seem as good SQLite takes the one that was made last. A migration copied the subscriptions, and
        # made their indices anew in any order.
        "order of indices": "SELECT tbl_name, row_number() OVER (PARTITION BY tbl_name ORDER BY rowid), name"
        " FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name != 'subscriptions'",
        "others": "SELECT type, name FROM sqlite_master WHERE type NOT IN ('table', 'index')",
        "version": "SELECT version_num FROM alembic_version",
    }
    found: dict[str, Any] = {what: _rows(connection, query) for what, query in asked.items()}
    inspector = sa.inspect(connection)
    for (table,) in found["tables"]:
        found[f"primary key of {table}"] = inspector.get_pk_constraint(table)
        found[f"unique in {table}"] = _plain(one.values() for one in inspector.get_unique_constraints(table))
        found[f"checks of {table}"] = _plain(one.values() for one in inspector.get_check_constraints(table))
    return found


def _in_postgresql(connection: sa.Connection) -> Mapping[str, Any]:
    asked = {
        "tables": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
        "columns": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default,"
        " collation_name FROM information_schema.columns WHERE table_schema = 'public'",
        "constraints": "SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)"
        " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
        "indices": "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "triggers": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
        "functions": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "others": "SELECT relname, relkind::text FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i')",
        "version": "SELECT version_num FROM alembic_version",
    }
    return {what: _rows(connection, query) for what, query in asked.items()}


def _rows(connection: sa.Connection, query: str) -> list[tuple[Any, ...]]:
    return _plain(connection.exec_driver_sql(query))


def _plain(found: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    """Return rows in one order, with the definitions in them in one form."""
    return sorted((tuple(map(_in_one_form, row)) for row in found), key=repr)


def _in_one_form(value: Any) -> Any:
    """Return a definition without quotation marks and line breaks, which say nothing."""
    return re.sub(r"\s+", " ", value.replace('"', "")).replace("( ", "(") if isinstance(value, str) else value
