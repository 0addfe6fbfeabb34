"""A text from elsewhere cannot do anything to the terminal on which it is shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from workers.cli import output
from workers.cli.tables import table

TITLE, CLEAR = "\x1b]0;yours\x07", "\x9b2J"  # set the window's title; clear the screen
HOSTILE = f"refused{TITLE}: {CLEAR}no"
SHOWN = "refused]0;yours: 2Jno"


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    for console in (output.answers, output.notes):
        console.cache_clear()
    yield
    for console in (output.answers, output.notes):
        console.cache_clear()


def test_lines_and_remarks_and_tables_hold_none(capsys: pytest.CaptureFixture[str]) -> None:
    output.line(HOSTILE)
    output.note(HOSTILE)
    table(output.answers(), "channels", ("id", "error"), [("partner", HOSTILE)])
    printed = capsys.readouterr()
    assert (printed.out.count(SHOWN), printed.err) == (2, f"citewire: {SHOWN}\n")


@pytest.mark.usefixtures("on_terminal")
def test_what_is_said_above_a_bar_holds_none(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress(1) as show:
        show([HOSTILE])
    said = capsys.readouterr().err
    assert "delivering" in said, "there is a bar"
    assert SHOWN in said
    assert TITLE not in said
    assert CLEAR not in said
