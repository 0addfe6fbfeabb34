"""Statements that are built once and kept, with names in place of their values.

SQLAlchemy keeps the SQL of a statement under a key that it makes from the statement. To build a statement and make its
key takes several times what SQLite takes to answer it, and a statement that is kept keeps its key. So what is asked for
every article is a constant of its module, and is executed with its values.

In an UPDATE or an INSERT the names must not be those of columns, which SQLAlchemy would set to the values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from pipeline.ledger.database import Transaction, insert

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T", bound=sa.Executable)
NewInsert = Callable[[sa.Table], "postgresql.Insert | sqlite.Insert"]


def kept(build: Callable[[NewInsert], T]) -> Callable[[Transaction], T]:
    """Keep a statement with ON CONFLICT, which the two databases have each in a dialect of its own.

    `build` makes it from the function that begins an INSERT, once for each dialect.
    """
    made: dict[str, T] = {}

    def statement(transaction: Transaction) -> T:
        dialect = transaction.dialect.name
        if dialect not in made:
            made[dialect] = build(lambda table: insert(transaction, table))
        return made[dialect]

    return statement


def add_missing(table: sa.Table) -> Callable[[Transaction], sa.Executable]:
    """Keep the statement that adds those of the rows that are not there yet."""
    return kept(lambda new: new(table).on_conflict_do_nothing())


def one_of(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[bool]:
    """Match what has one of the values in the column that are given, as a list, under this name."""
    return column.in_(sa.bindparam(name, type_=column.type, expanding=True))


def among(*columns: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Match what has one of the rows of values in the columns that `rows_of` gives.

    SQLite looks up each column's values in an index. Asked for the rows alone, it would read the whole table.
    """
    key = sa.tuple_(*columns)
    each = (one_of(column, f"values_{number}") for number, column in enumerate(columns))
    return sa.and_(*each, key.in_(sa.bindparam("rows", type_=key.type, expanding=True)))


def rows_of(rows: Sequence[tuple[Any, ...]]) -> dict[str, Sequence[Any]]:
    """Return what a statement with `among` is executed with. There is at least one row."""
    asked: dict[str, Sequence[Any]] = {"rows": rows}
    for number, values in enumerate(zip(*rows, strict=True)):
        asked[f"values_{number}"] = sorted(set(values))
    return asked
