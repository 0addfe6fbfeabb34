"""A value that is taken without pydantic is the one that typer takes with it, and what typer refuses is refused."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from workers.cli.plain_values import take_plainly


class Colour(StrEnum):
    red = "red"


def runs(annotation: Any, words: list[str], *, plainly: bool, default: Any = None) -> tuple[int, Any, str]:
    """What a command with this option has after these words: exit status, value and error."""
    got: list[Any] = []

    def command(one: Any = default) -> None:
        got.append(one)

    command.__annotations__ = {"one": annotation}

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    made: Any = typer.main.get_command(app)
    if plainly:
        take_plainly(made)
    status, said = 0, ""
    try:
        made.main(args=words, prog_name="one", standalone_mode=False)
    except typer.BadParameter as error:
        status, said = error.exit_code, error.format_message()
    return status, (type(got[0]), got[0]) if got else None, said


PATHS = Annotated[Path | None, typer.Option(exists=True, dir_okay=False)]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotated[str | None, typer.Option()], []),
        (Annotated[str | None, typer.Option()], ["--one", ""]),
        (Annotated[str | None, typer.Option()], ["--one", " ü\t\x07\u202e😀 "]),
        (Annotated[str | None, typer.Option()], ["--one", "\udcff"]),
        (Annotated[Path | None, typer.Option()], ["--one", "a/../b//c"]),
        (Annotated[Path | None, typer.Option()], ["--one", "\udcff"]),
        (Annotated[list[str] | None, typer.Option()], ["--one", "a", "--one", "b"]),
        (Annotated[list[Path] | None, typer.Option()], ["--one", "a", "--one", "b"]),
        (Annotated[list[str] | None, typer.Option()], []),
        (PATHS, ["--one", "/nowhere/at/all"]),
        (PATHS, ["--one", "/"]),
        (PATHS, ["--one", __file__]),
        (Annotated[Colour | None, typer.Option()], ["--one", "red"]),
        (Annotated[Colour | None, typer.Option()], ["--one", "blue"]),
        (Annotated[int | None, typer.Option(min=0)], ["--one", "-1"]),
        (Annotated[int | None, typer.Option(min=0)], ["--one", "x"]),
        (Annotated[float | None, typer.Option()], ["--one", "1e3"]),
        (Annotated[bool, typer.Option("--one")], ["--one"]),
        (Annotated[bool, typer.Option("--one")], []),
        (Annotated[str | None, typer.Option(parser=str.upper)], ["--one", "a"]),
    ],
)
def test_a_value_is_the_one_that_typer_takes(annotation: Any, words: list[str]) -> None:
    assert runs(annotation, words, plainly=True) == runs(annotation, words, plainly=False)


def test_a_default_is_the_one_that_typer_takes() -> None:
    for annotation, default in (
        (Annotated[float, typer.Option()], 60),
        (Annotated[float, typer.Option()], 1.5),
        (Annotated[int, typer.Option(min=1)], 10),
        (Annotated[Colour, typer.Option()], Colour.red),
        (Annotated[Path, typer.Option()], Path("a")),
    ):
        assert runs(annotation, [], plainly=True, default=default) == runs(
            annotation, [], plainly=False, default=default
        )
