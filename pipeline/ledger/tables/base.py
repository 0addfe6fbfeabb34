"""What all tables share: the names of their constraints, and the columns of a lease.

A partial index names its condition for SQLite alone. It holds for PostgreSQL too, as the migrations say; but to name it
here would have every process and command import the dialect of PostgreSQL, which is a sixth of SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from pipeline.ledger.database import Instant

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(column_0_label)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def lease_columns() -> tuple[sa.Column[str], sa.Column[object]]:
    """Return the columns for who works on the row and until when. An expired lease counts as none."""
    return sa.Column("lease", sa.String(64)), sa.Column("leased_until", Instant)


def by_key(columns: Iterable[sa.ColumnElement[Any]]) -> tuple[sa.Label[Any], ...]:
    """Label columns with their names in Python, where these differ from the ones in the database."""
    return tuple(column.label(column.key) for column in columns)
