"""List the distinct values of an indexed column with one look-up for each value, however many rows have it.

Neither database does that for SELECT DISTINCT: both read every row, or every entry of the index.
"""

from __future__ import annotations

import sqlalchemy as sa


def values_of(column: sa.Column[str], *where: sa.ColumnElement[bool]) -> sa.CTE:
    """Return a table with the column `value`: the distinct values of `column` in rows that match, and a last NULL.

    It needs an index that begins with the column; a partial one if its condition is among `where`.
    """
    found = sa.select(sa.func.min(column).label("value")).where(*where).cte(f"{column.name}_values", recursive=True)
    following = sa.select(sa.func.min(column)).where(column > found.c.value, *where).scalar_subquery()
    return found.union_all(sa.select(following).where(found.c.value.is_not(None)))
