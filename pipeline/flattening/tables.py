"""A table as text: a line for each row, with every cell after the headers of its column.

Age: Child; Dose, Morning: 1 mg; Dose, Evening: –
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.flattening.grid import Row, divided
from pipeline.flattening.inlines import image_label, inlines_text
from pipeline.model.article import Cell, Image, Table
from pipeline.wording import ENGLISH, Words

_EMPTY = "–"
_DITTO = "〃"
_ALWAYS = 20_000  # characters that repeated heads and cells may add to any table; to a longer one, its own length

Placed = tuple[int, Cell, bool]  # the first column of a cell, the cell, and whether it reaches down from above


def table_text(table: Table, words: Words = ENGLISH) -> str:
    """Return the caption and the rows. Headers that would be repeated too often appear once, above the rows."""
    head, body = divided(table.rows)
    rows = [list(row) for row in _placed(body)]
    above = [list(row) for row in _placed(head)]
    texts_of = {id(cell): _cell_text(cell, words) for row in (*above, *rows) for _, cell, _ in row}
    heads = _heads(above, texts_of)
    if heads and _cost(rows, heads, texts_of) <= max(_ALWAYS, sum(map(len, texts_of.values()))):
        lines = [_headed(row, heads, texts_of) for row in rows]
    else:
        lines = [_bare(row, texts_of) for row in (*above, *rows)]
    return "\n".join(line for line in (table.caption, *lines) if line)


def _cell_text(cell: Cell, words: Words) -> str:
    """Return a cell's text. An image without a description is named by its address, so that the cell is not empty."""
    match cell.children:
        case (Image(src, alt="", caption=None, credit=None),):
            return image_label(src, words)
    return inlines_text(cell.children, words=words).strip().replace("\n", "\n    ")


def _placed(rows: Sequence[Row]) -> Iterator[Iterator[Placed]]:
    """Return each row's cells by column, including those that reach into it from above."""
    reaching: dict[int, tuple[int, Cell]] = {}  # by first column: rows left, and the cell
    for row in rows:
        here: list[Placed] = [(column, cell, True) for column, (_, cell) in reaching.items()]
        taken = {column + n for column, cell, _ in here for n in range(cell.colspan)}
        reaching = {column: (left - 1, cell) for column, (left, cell) in reaching.items() if left > 1}
        column = 0
        for cell in row:
            while column in taken:
                column += 1
            here.append((column, cell, False))
            if cell.rowspan > 1:
                reaching[column] = (cell.rowspan - 1, cell)
            column += cell.colspan
        yield iter(sorted(here, key=lambda placed: placed[0]))


def _heads(rows: Sequence[Sequence[Placed]], texts_of: dict[int, str]) -> dict[int, str]:
    """Return the headers of each column, from the top."""
    found: dict[int, dict[int, str]] = {}
    for row in rows:
        for first, cell, _ in row:
            for column in range(first, first + cell.colspan):
                found.setdefault(column, {})[id(cell)] = texts_of[id(cell)]
    return {column: text for column, heads in found.items() if (text := ", ".join(filter(None, heads.values())))}


def _cost(rows: Sequence[Sequence[Placed]], heads: dict[int, str], texts_of: dict[int, str]) -> int:
    repeated = (len(texts_of[id(cell)]) for row in rows for _, cell, above in row if above)
    labels = (
        len(heads.get(column, ""))
        for row in rows
        for first, cell, _ in row
        for column in range(first, first + cell.colspan)
    )
    return sum(repeated) + sum(labels)


def _headed(row: Sequence[Placed], heads: dict[int, str], texts_of: dict[int, str]) -> str:
    parts = []
    for first, cell, _ in row:
        head = " / ".join(dict.fromkeys(heads[n] for n in range(first, first + cell.colspan) if n in heads))
        if cell.colspan >= len(heads) > 1:  # it speaks of the whole row
            head = ""
        if text := texts_of[id(cell)] or (_EMPTY if head else ""):
            parts.append(f"{head}: {text}" if head else text)
    return "; ".join(parts)


def _bare(row: Sequence[Placed], texts_of: dict[int, str]) -> str:
    """Return a row without column headers: its own header and its cells."""
    texts = [_DITTO if above else texts_of[id(cell)] or _EMPTY for _, cell, above in row]
    if all(text == _EMPTY for text in texts):
        return ""
    first = row[0][1]
    if first.header and len(row) > 1 and not row[1][1].header:
        return f"{texts[0]}: {' | '.join(texts[1:])}"
    return " | ".join(texts)
