"""`lint` and `publish --dry-run`: report every mistake of every file at once, and what publishing them would do."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.errors import ConfigError
from pipeline.ledger import Transaction
from pipeline.views import warnings as warnings_views
from workers.cli import BAD_INPUT, output
from workers.cli.common import ConfigOption, DataOption, JsonOption, System, existing_ledger, find, now, print_json
from workers.cli.files import Excluded, article_files
from workers.cli.preview import Preview, Previewer
from workers.cli.reading import read_files


def register(app: typer.Typer) -> None:
    app.command()(lint)


def lint(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Article files, or folders of them.")],
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show all mistakes of all files at once, and what publishing them would do. Nothing is sent or kept."""
    preview(find(data, config), paths, json=json)


def preview(system: System, paths: Sequence[Path], *, json: bool, take_over: bool = False) -> None:
    """Print what publishing the files would do; exit with 2 if there are mistakes."""
    at = now()
    found = article_files(paths, Excluded.of(system.settings, os.environ))
    with _ledger_if_any(system) as transaction:
        files = read_files(found, system.known.drop, at)
        previews = Previewer(system.settings, transaction, at, take_over).previews(files)
    mistakes = sum(len(one.mistakes) for one in previews)
    if json:
        warnings = sum(len(one.warnings) for one in previews)
        print_json({"files": [_shape(one) for one in previews], "mistakes": mistakes, "warnings": warnings})
    else:
        _print(previews, mistakes)
    if mistakes:
        raise typer.Exit(BAD_INPUT)


@contextmanager
def _ledger_if_any(system: System) -> Iterator[Transaction | None]:
    """Open the ledger for reading. Yield None if there is none, or an older one, which is left as it is."""
    try:
        with existing_ledger(system) as ledger, ledger.read() as transaction:
            yield transaction
    except ConfigError as error:
        if error.code not in ("ledger-missing", "ledger-older"):
            raise
        yield None


def _shape(one: Preview) -> dict[str, Any]:
    return {
        "file": one.file,
        "article": one.article,
        "title": one.title,
        "action": one.action,
        "revision": one.revision,
        "former": one.former,
        "scheduled": one.scheduled,
        "difference": one.difference,
        "channels": one.channels,
        "feeds": one.feeds,
        "left_out": one.left_out,
        "mistakes": [output.mistake(error) for error in one.mistakes],
        "warnings": [warnings_views.warning(warning) for warning in one.warnings],
    }


def _print(previews: Sequence[Preview], mistakes: int) -> None:
    for one in previews:
        output.warnings(one.warnings)
        for error in one.mistakes:
            print(f"citewire: {error}", file=sys.stderr)
        output.line(_line(one))
        for change in one.difference:
            output.line(f"    {change}")
    counted = Counter(one.action for one in previews)
    actions = ", ".join(f"{count} {action}" for action, count in sorted(counted.items()))
    output.line(f"{actions or 'no files'}; {mistakes} {'mistake' if mistakes == 1 else 'mistakes'}")


def _line(one: Preview) -> str:
    if one.action == "refused":
        return f"{one.file}  refused"
    if one.action == "left-out":
        return f"{one.file}  left out: {one.left_out}"
    parts = [one.file, str(one.article), f"revision {one.revision}", one.action]
    if one.former:
        parts.append(f"formerly {one.former}, whose address leads to the new one")
    if one.scheduled:
        parts.append(f"scheduled for {one.scheduled.isoformat(timespec='minutes').replace('+00:00', 'Z')}")
    if one.action != "same":
        parts.append(f"to {', '.join(one.channels) or 'no channel'}; feeds {', '.join(one.feeds) or 'none'}")
    return "  ".join(parts)
