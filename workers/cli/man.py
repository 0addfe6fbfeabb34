"""`man`: write manual pages of every command, from what `--help` shows."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from workers.cli import output

EXIT_STATUSES = {
    0: "Done.",
    1: "A delivery was abandoned, something needs a person, or a place is not as it should be.",
    2: "Invalid input or settings; the message names the file, line, field or key.",
    3: "Timed out, or something did not answer; whatever was accepted continues by itself.",
    4: "There is no such article, channel, delivery, failure, reference, operation, place, recall or token.",
    5: "Not carried out, because a newer event is known.",
    130: "Interrupted by Ctrl-C.",
}
_TICKED = re.compile(r"`([^`]+)`")


def register(app: typer.Typer) -> None:
    app.command()(man)


def man(
    directory: Annotated[Path, typer.Option(help="Where to write the pages; it is created.", file_okay=False)] = Path(
        "man/man1"
    ),
) -> None:
    """Write a manual page of each command, for man(1): citewire.1, citewire-publish.1 and so on."""
    directory.mkdir(parents=True, exist_ok=True)
    written = dict(pages())
    for name, text in written.items():
        (directory / f"{name}.1").write_text(text, encoding="utf-8")
    output.line(f"{len(written)} pages in {directory}; `man -M {directory.parent} citewire` shows the first")


def pages() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every page: the command itself, each group and each command in it."""
    from workers.cli.app import app

    command: Any = typer.main.get_command(app)
    yield from _pages(command, command.context_class(command, info_name="citewire"))


def _pages(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    path = context.command_path.replace(" ", "-")
    yield path, page(command, context, _made())
    for name in getattr(command, "list_commands", lambda _: [])(context):
        inner = command.get_command(context, name)
        yield from _pages(inner, inner.context_class(inner, info_name=name, parent=context))


def page(command: Any, context: Any, made: dt.date) -> str:
    """Return the page of one command, with the macros of man(7)."""
    words = context.command_path
    name = words.replace(" ", "-")
    first, *more = [one for one in (command.help or "").split("\n\n") if one.strip()]
    lines = [
        f'.TH "{_escaped(name.upper())}" 1 {made} "citewire {version("citewire")}" "Citewire"',
        ".SH NAME",
        f"{_escaped(name)} \\- {_line(first)}",
        ".SH SYNOPSIS",
        f".B {_escaped(words)}",
        _line(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs([first, *more]),
        *_parameters("ARGUMENTS", command, context, "argument"),
        *_parameters("OPTIONS", command, context, "option"),
        *_commands(command, context),
        ".SH EXIT STATUS",
        *(line for status, text in EXIT_STATUSES.items() for line in (".TP", f".B {status}", _line(text))),
        *([".SH SEE ALSO", ".BR citewire (1)"] if context.parent else []),
    ]
    return "\n".join(lines) + "\n"


def _paragraphs(texts: list[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        if number:
            yield ".PP"
        yield _line(text)


def _parameters(title: str, command: Any, context: Any, kind: str) -> Iterator[str]:
    """Yield the parameters of a kind as `--help` describes them."""
    named = [one for one in command.get_params(context) if one.param_type_name == kind]
    records = [record for one in named if (record := one.get_help_record(context)) is not None]
    if records:
        yield f".SH {title}"
    for names, text in records:
        yield from (".TP", f".B {_escaped(names)}", _line(text or "See above."))


def _commands(command: Any, context: Any) -> Iterator[str]:
    names: list[str] = getattr(command, "list_commands", lambda _: [])(context)
    if names:
        yield ".SH COMMANDS"
    for name in names:
        path = f"{context.command_path} {name}".replace(" ", "-")
        yield from (".TP", f".BR {_escaped(path)} (1)", _line(command.get_command(context, name).help or ""))


def _line(text: str) -> str:
    """Return text as one line of roff, in which what was between backticks is bold."""
    parts = _TICKED.split(" ".join(text.split()))
    found = "".join(f"\\fB{_escaped(part)}\\fP" if number % 2 else _escaped(part) for number, part in enumerate(parts))
    return "\\&" + found if found.startswith((".", "'")) else found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")


def _made() -> dt.date:
    """Return the date on the pages: that of SOURCE_DATE_EPOCH, by which builds are repeated, or today."""
    moment = os.environ.get("SOURCE_DATE_EPOCH", "")
    return (dt.datetime.fromtimestamp(int(moment), dt.UTC) if moment.isdigit() else dt.datetime.now(dt.UTC)).date()
