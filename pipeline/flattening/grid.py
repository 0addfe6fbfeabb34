"""The spans of a table's cells, cut down to what HTML allows: an author's own may overlap or reach past the table.

HTML, section 4.9.12.1 ("Forming a table"): a cell goes to the first column that no cell from above reaches into; no
two cells may overlap, a cell ends with its group of rows (`thead`, `tbody`), and in every column some cell begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from pipeline.model.article import Cell

Row = tuple[Cell, ...]

_WIDEST = 200  # columns; no cell reaches past it, and those that begin beyond it have no spans: layout stays cheap


def divided(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """A table's head and its body, with spans that fit. A table whose every row is a head has none: it needs a body."""
    filled = [row for row in rows if row]
    count = _head_rows(filled)
    head, body = fitting_spans((filled[:count], filled[count:]))
    return head, body


def _head_rows(rows: Sequence[Row]) -> int:
    """How many rows at the top hold heads alone, none of which reaches down into the others."""
    found, reach = 0, 0
    for number, row in enumerate(rows, 1):
        if not all(cell.header for cell in row):
            return found
        reach = max(reach, *(number - 1 + cell.rowspan for cell in row))
        if reach <= number:
            found = number
    return 0


def fitting_spans(groups: Iterable[Sequence[Row]]) -> list[list[Row]]:
    """The same cells in the same groups of rows, none with a span that overlaps or does nothing."""
    placed = [_placed(rows) for rows in groups]
    begun = sorted({column for rows in placed for row in rows for column, _ in row})
    return [[tuple(_narrowed(cell, column, begun) for column, cell in row) for row in rows] for rows in placed]


def _placed(rows: Sequence[Row]) -> list[list[tuple[int, Cell]]]:
    """Each cell with its column, its spans cut so that it overlaps none and ends with the last row."""
    free_from = [0] * _WIDEST  # for each column, the row from which nothing from above reaches into it
    return [list(_placed_row(row, n, len(rows), free_from)) for n, row in enumerate(rows)]


def _placed_row(row: Row, n: int, rows: int, free_from: list[int]) -> Iterator[tuple[int, Cell]]:
    column = 0
    for cell in row:
        while column < _WIDEST and free_from[column] > n:
            column += 1
        most = min(cell.colspan, _WIDEST - column)
        width = next((k for k in range(1, most) if free_from[column + k] > n), max(most, 1))
        height = max(min(cell.rowspan, rows - n), 1) if column < _WIDEST else 1
        for taken in range(column, min(column + width, _WIDEST)):
            free_from[taken] = n + height
        yield column, replace(cell, colspan=width, rowspan=height)
        column += width


def _narrowed(cell: Cell, column: int, begun: Sequence[int]) -> Cell:
    """As wide as the columns in which some cell begins: another column would have no width."""
    return replace(cell, colspan=bisect_left(begun, column + cell.colspan) - bisect_left(begun, column))
