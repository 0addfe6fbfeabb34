"""Reduce the spans of a table's cells to what HTML allows. An author's spans may overlap or exceed the table.

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
    """Return a table's head and body, with spans that fit. If every row is a head row, all go to the body."""
    filled = [row for row in rows if row]
    count = _head_rows(filled)
    head, body = fitting_spans((filled[:count], filled[count:]))
    return head, body


def _head_rows(rows: Sequence[Row]) -> int:
    """Return how many rows at the top have only header cells, none of which reaches into the rows below."""
    found, reach = 0, 0
    for number, row in enumerate(rows, 1):
        if not all(cell.header for cell in row):
            return found
        reach = max(reach, *(number - 1 + cell.rowspan for cell in row))
        if reach <= number:
            found = number
    return 0


def fitting_spans(groups: Iterable[Sequence[Row]]) -> list[list[Row]]:
    """Return the same cells in the same groups of rows, without spans that overlap or have no effect."""
    placed = [_placed(rows) for rows in groups]
    begun = sorted({column for rows in placed for row in rows for column, _ in row})
    return [[tuple(_narrowed(cell, column, begun) for column, cell in row) for row in rows] for rows in placed]


def _placed(rows: Sequence[Row]) -> list[list[tuple[int, Cell]]]:
    """Return each cell with its column and with spans that neither overlap others nor exceed the last row."""
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
    """Narrow a cell to columns in which some cell begins; any other column would have no width."""
    return replace(cell, colspan=bisect_left(begun, column + cell.colspan) - bisect_left(begun, column))
