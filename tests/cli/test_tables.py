"""Tables for people: nothing that could be copied is cut, on a terminal of any width and in a pipe."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from rich.console import Console

from pipeline.model.words import relative
from workers.cli.tables import table
from workers.cli.times import shown

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ID = "dlv_4c4e7ce5614a132a26915202"
ARTICLE = "an-article-with-rather-a-long-name-for-a-table-on-eighty-columns"
ERROR = "refused: 400 Bad Request: we do not take this, whatever you may say about it, and will not take it either"


def printed(width: int, *, terminal: bool) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, no_color=True)
    columns = ("id", "article", "attempts", "error")
    table(console, "things", columns, [(ID, ARTICLE, 3, ERROR)], prose=("error",), spare=("attempts", "article"))
    return file.getvalue()


def test_a_narrow_terminal_loses_columns_and_no_id() -> None:
    text = printed(80, terminal=True)
    assert ID in text
    assert "attempts" not in text
    assert "…" not in text
    assert ARTICLE not in text
    assert " ".join(text.split()).endswith("either")


def test_a_wide_terminal_shows_every_column() -> None:
    text = printed(200, terminal=True)
    assert ID in text
    assert ARTICLE in text


def test_an_id_is_whole_on_a_terminal_that_is_narrower_than_it() -> None:
    assert ID in printed(20, terminal=True)


def test_what_is_piped_is_whole_and_has_one_line_for_each_row() -> None:
    _, _, row = printed(80, terminal=False).splitlines()
    assert row.split() == [ID, ARTICLE, "3", *ERROR.split()]


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    file = io.StringIO()
    table(Console(file=file), "things", ("what",), [("[red]x[/red] [/]",)])
    assert "[red]x[/red] [/]" in file.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (0.4, "now"),
        (1, "in 1 s"),
        (119, "in 119 s"),
        (120, "in 2 min"),
        (-240, "4 min ago"),
        (-7_200, "2 h ago"),
        (-86_400 * 2, "2 d ago"),
        (86_400, "in 24 h"),
    ],
)
def test_a_time_is_said_by_how_far_away_it_is(seconds: float, words: str) -> None:
    assert relative(NOW + dt.timedelta(seconds=seconds), NOW) == words


def test_a_time_is_shown_in_utc_on_request() -> None:
    berlin = dt.timezone(dt.timedelta(hours=1))
    assert shown(NOW.astimezone(berlin), NOW, utc=True) == "2026-03-01T12:00:00Z"
    assert shown(None, NOW) == ""
