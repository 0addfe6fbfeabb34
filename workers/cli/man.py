"""`man`: write manual pages of every command, from what `--help` shows."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from workers.cli import output
from workers.cli.described import Described, every_command

EXIT_STATUSES = {
    0: "Done.",
    1: "A delivery was abandoned, something needs a person, or a place is not as it should be.",
    2: "Invalid input or settings; the message names the file, line, field or key.",
    3: "Timed out, or something did not answer; whatever was accepted continues by itself.",
    4: "There is no such article, channel, delivery, failure, feed, reference, operation, place, recall, revision, "
    "session, passkey or token.",
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
    """Yield the name and the text of every page."""
    made = _made()
    return ((one.name, page(one, made)) for one in every_command())


def page(one: Described, made: dt.date) -> str:
    """Return the page of a command, with the macros of man(7)."""
    lines = [
        f'.TH "{_escaped(one.name.upper())}" 1 {made} "citewire {version("citewire")}" "Citewire"',
        ".SH NAME",
        f"{_escaped(one.name)} \\- {_line(one.summary)}",
        ".SH SYNOPSIS",
        f".B {_escaped(one.words)}",
        _line(one.usage),
        ".SH DESCRIPTION",
        "\n.PP\n".join(map(_line, one.paragraphs)),
        *_listed("ARGUMENTS", [(f".B {_escaped(each.names)}", each.text) for each in one.arguments]),
        *_listed("OPTIONS", [(f".B {_escaped(each.names)}", each.text) for each in one.options]),
        *_listed("COMMANDS", [(f".BR {_escaped(f'{one.name}-{each.names}')} (1)", each.text) for each in one.commands]),
        *_listed("EXIT STATUS", [(f".B {status}", text) for status, text in EXIT_STATUSES.items()]),
        *([".SH SEE ALSO", ".BR citewire (1)"] if " " in one.words else []),
    ]
    return "\n".join(lines) + "\n"


def _listed(title: str, entries: Sequence[tuple[str, str]]) -> Iterator[str]:
    if entries:
        yield f".SH {title}"
    for head, text in entries:
        yield from (".TP", head, _line(text) or "\\&")


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
