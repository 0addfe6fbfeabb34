"""`top`: what goes on at the moment, drawn again and again."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, UtcOption, find_in_force, print_json
from workers.cli.contexts import context_to_look
from workers.cli.interrupting import interruptible
from workers.cli.tables import table
from workers.cli.times import shown

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.stages.context import Context
    from pipeline.views.now import Now, SourceHealth

_BARS = "▁▂▃▄▅▆▇█"
_NARROWEST = 0.5  # seconds between two looks at the ledger


def register(app: typer.Typer) -> None:
    app.command()(top)


def top(
    once: Annotated[
        bool, typer.Option("--once", help="Show it once, as also where the output is no terminal.")
    ] = False,
    every: Annotated[float, typer.Option(min=_NARROWEST, help="Seconds between two looks.")] = 2.0,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show what was delivered by the hour, what waits where and since when, and which sources answer, until Ctrl-C."""
    with context_to_look(find_in_force(data, config)) as context:
        if json:
            print_json(_look(context))
        elif once or not output.answers().is_terminal:
            draw(output.answers(), _look(context), utc=utc)
        else:
            _redraw(context, every=every, utc=utc)


def _look(context: Context) -> Now:
    from pipeline.views.now import now_view

    now = context.clock()
    with context.ledger.read() as transaction:
        return now_view(context, transaction, now)


def _redraw(context: Context, *, every: float, utc: bool) -> None:
    from rich.text import Text

    terminal = output.answers()
    with terminal.screen(hide_cursor=True) as screen, interruptible() as interruption:
        while True:
            text = drawn(terminal, _look(context), utc=utc)
            screen.update(Text.from_ansi(text, no_wrap=True, overflow="crop"))
            interruption.sleep(every)


def drawn(terminal: Console, seen: Now, *, utc: bool) -> str:
    """Return what `draw` writes on such a terminal."""
    from rich.console import Console

    written = io.StringIO()
    draw(Console(file=written, width=terminal.width, force_terminal=True), seen, utc=utc)
    return written.getvalue()


def draw(console: Console, seen: Now, *, utc: bool = False) -> None:
    """Write what goes on."""
    this, before = seen.hours[-1], seen.hours[-2]
    day, failed = sum(one.delivered for one in seen.hours), sum(one.failed for one in seen.hours)
    _line(
        console,
        f"delivered: {this.delivered:,} this hour, {before.delivered:,} in the hour before, {day:,} in the last day; "
        f"{failed:,} attempts failed",
    )
    _line(console, f"attempts by the hour: {_chart(seen)} ({seen.busiest:,} at most)")
    channels = [(one.channel, one.deliveries, shown(one.since, seen.seen, utc=utc)) for one in seen.channels]
    table(console, "what channels have not got yet", ("channel", "deliveries", "oldest change"), channels)
    if not channels:
        _line(console, "every channel has everything that it should have")
    due = [(one.stage, one.due, shown(one.since, seen.seen, utc=utc)) for one in seen.stages if one.due]
    table(console, "stages", ("stage", "due now", "oldest"), due)
    if not due:
        _line(console, "no stage has anything to do")
    sources = [_source(one, seen, utc=utc) for one in seen.sources]
    table(console, "sources of evidence", ("source", "state", "last answer", "asked again"), sources, prose=("state",))


def _chart(seen: Now) -> str:
    """Return a bar for each hour, and a space for one without attempts."""
    last = len(_BARS) - 1
    return "".join(_BARS[round(last * one.count / seen.busiest)] if one.count else " " for one in seen.hours)


def _source(one: SourceHealth, seen: Now, *, utc: bool) -> tuple[str, ...]:
    state = "no failure"
    if one.failing or one.failures:
        state = " ".join(
            filter(None, ("failing", f"since {shown(one.failing, seen.seen, utc=utc)}" if one.failing else ""))
        )
        state += f": {one.error}" if one.error else ""
    again = one.again if one.again and one.again > seen.seen else None
    return (one.label, state, shown(one.answered, seen.seen, utc=utc), shown(again, seen.seen, utc=utc))


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True, markup=False)
