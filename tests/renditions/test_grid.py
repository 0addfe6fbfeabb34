"""The spans of a table's cells: none overlaps, none reaches past its rows, none is wider than it looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flattening.grid import Row, fitting_spans
from pipeline.model.article import Cell


def cell(colspan: int = 1, rowspan: int = 1) -> Cell:
    return Cell((), colspan=colspan, rowspan=rowspan)


def spans(*groups: list[Row]) -> list[list[list[tuple[int, int]]]]:
    return [[[(one.colspan, one.rowspan) for one in row] for row in rows] for rows in fitting_spans(groups)]


def test_spans_that_fit_stay() -> None:
    table = [(cell(2), cell(1, 2)), (cell(), cell())]
    assert fitting_spans([table]) == [table]


def test_a_cell_ends_with_its_group_of_rows() -> None:
    assert spans([(cell(1, 9),)], [(cell(1, 99_999),), (cell(),)]) == [[[(1, 1)]], [[(1, 2)], [(1, 1)]]]


def test_a_wide_cell_stops_where_one_from_above_reaches_down() -> None:
    above, below = (cell(), cell(), cell(1, 2)), (cell(3),)
    assert spans([above, below]) == [[[(1, 1), (1, 1), (1, 2)], [(2, 1)]]]


def test_a_column_in_which_no_cell_begins_is_none() -> None:
    assert spans([(cell(5), cell(1_000_000))]) == [[[(1, 1), (1, 1)]]]
    assert spans([(cell(3),), (cell(), cell())]) == [[[(2, 1)], [(1, 1), (1, 1)]]]


def test_the_columns_of_head_and_body_are_the_same() -> None:
    assert spans([(cell(2), cell())], [(cell(), cell(), cell())]) == [[[(2, 1), (1, 1)]], [[(1, 1)] * 3]]


def test_beyond_any_tables_width_cells_have_no_spans() -> None:
    ((row,),) = spans([tuple(cell(2, 2) for _ in range(300))])
    assert len(row) == 300
    assert set(row) == {(1, 1)}


@given(st.lists(st.lists(st.builds(cell, st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=4).map(tuple)))
def test_no_two_cells_overlap_and_no_cell_is_lost(rows: list[Row]) -> None:
    (fitted,) = fitting_spans([rows])
    assert [len(row) for row in fitted] == [len(row) for row in rows]
    taken: set[tuple[int, int]] = set()
    for y, row in enumerate(fitted):
        x = 0
        for one in row:
            while (x, y) in taken:
                x += 1
            places = {(x + dx, y + dy) for dx in range(one.colspan) for dy in range(one.rowspan)}
            assert not places & taken
            taken |= places
    assert all(y < len(rows) for _, y in taken)


@pytest.mark.parametrize("span", [0, -1])
def test_a_span_that_is_none_is_one(span: int) -> None:
    assert spans([(cell(span, span), cell())]) == [[[(1, 1), (1, 1)]]]
