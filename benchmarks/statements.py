"""Count what SQLAlchemy sends to a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass
class Count:
    """Counts since its creation."""

    statements: int = 0
    transactions: int = 0
    writing: int = 0  # transactions that were begun in order to write: on SQLite one at a time
    writes: int = 0  # transactions with writes: on SQLite each waits for the disk once


@contextmanager
def counted() -> Iterator[Count]:
    """Count what SQLAlchemy sends to any database, excluding what begins a transaction."""
    count = Count()
    wrote = set()

    def beginning(connection: sa.Connection) -> None:
        count.transactions += 1
        count.writing += connection.get_execution_options().get("citewire_write", False)

    def executing(connection: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            count.statements += 1
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            wrote.add(id(connection))

    def committing(connection: sa.Connection) -> None:
        count.writes += id(connection) in wrote
        wrote.discard(id(connection))

    sa.event.listen(sa.Engine, "begin", beginning)
    sa.event.listen(sa.Engine, "before_cursor_execute", executing)
    sa.event.listen(sa.Engine, "commit", committing)
    try:
        yield count
    finally:
        sa.event.remove(sa.Engine, "begin", beginning)
        sa.event.remove(sa.Engine, "before_cursor_execute", executing)
        sa.event.remove(sa.Engine, "commit", committing)
