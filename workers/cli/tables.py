"""Tables for people: ids are never cut. Where a terminal is too narrow columns go, and what is piped is whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from pipeline.model.moment import rfc3339

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLES = {
    "abandoned": "red",
    "delivered": "green",
    "healthy": "green",
    "live": "green",
    "pending": "yellow",
    "refused": "red",
    "scheduled": "yellow",
    "sending": "yellow",
    "withdrawn": "dim",
}
_CONTROL = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))  # all control characters but tab and line feed
_UNBOUNDED = 100_000  # columns, of what is not shown on a terminal


def table(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    prose: Collection[str] = (),
    spare: Sequence[str] = (),
) -> None:
    """Print rows, if there are any.

    `prose`: columns that may be wrapped at a space; no other is wrapped or cut. `spare`: columns that are left out of a
    terminal that is too narrow, the first of them first.
    """
    if not rows:
        return
    left_out: list[str] = []
    made = _made(title, columns, rows, prose, left_out)
    for name in spare:
        if not console.is_terminal or _least_width(console, made) <= console.width:
            break
        left_out.append(name)
        made = _made(title, columns, rows, prose, left_out)
    if console.is_terminal and _least_width(console, made) <= console.width:
        console.print(made, highlight=False)
    else:
        _unbounded(console).print(made, highlight=False)


def cell(value: object) -> str:
    """Return a value as a table shows it: times in RFC 3339, an empty cell for None."""
    if isinstance(value, dt.datetime):
        return rfc3339(value)
    return "" if value is None else displayed(str(value))


def displayed(text: str) -> str:
    """Return a text without what a terminal would do something else with than show it."""
    return text.translate(_CONTROL)


def _made(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    prose: Collection[str],
    left_out: Collection[str],
) -> Table:
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title, title_justify="left", box=None, header_style="dim")
    kept = [place for place, name in enumerate(columns) if name not in left_out]
    for place in kept:
        made.add_column(columns[place], no_wrap=columns[place] not in prose)
    for row in rows:
        texts = (cell(row[place]) for place in kept)
        made.add_row(*(Text(text, style=_STYLES.get(text.partition(" ")[0], "")) for text in texts))
    return made


def _least_width(console: Console, made: Table) -> int:
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update(width=_UNBOUNDED), made).minimum


def _unbounded(console: Console) -> Console:
    """Return a console that writes to the same file in lines of any length."""
    from rich.console import Console

    return Console(file=console.file, width=_UNBOUNDED, force_terminal=console.is_terminal)
