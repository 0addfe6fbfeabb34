"""The commands as `--help` describes them, for the manual pages and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer


@dataclass(frozen=True, slots=True)
class Parameter:
    names: str
    text: str


@dataclass(frozen=True, slots=True)
class Described:
    """A command or a group of commands."""

    words: str  # "citewire channels pause"
    usage: str  # what follows them
    paragraphs: tuple[str, ...]
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]
    commands: tuple[Parameter, ...]  # of a group, each with the first line of its help

    @property
    def name(self) -> str:
        """Return the name of its manual page."""
        return self.words.replace(" ", "-")

    @property
    def summary(self) -> str:
        return self.paragraphs[0] if self.paragraphs else ""


def every_command() -> Iterator[Described]:
    """Yield the command itself, each group and each command in it, from the outside in."""
    from workers.cli.app import app

    command: Any = typer.main.get_command(app)
    yield from _described(command, command.context_class(command, info_name="citewire"))


def _described(command: Any, context: Any) -> Iterator[Described]:
    names: list[str] = command.list_commands(context) if hasattr(command, "list_commands") else []
    inner = {name: command.get_command(context, name) for name in names}
    yield Described(
        words=context.command_path,
        usage=" ".join(command.collect_usage_pieces(context)),
        paragraphs=tuple(" ".join(one.split()) for one in (command.help or "").split("\n\n") if one.strip()),
        arguments=_parameters(command, context, "argument"),
        options=_parameters(command, context, "option"),
        commands=tuple(Parameter(name, (one.help or "").split("\n\n")[0]) for name, one in inner.items()),
    )
    for name, one in inner.items():
        yield from _described(one, one.context_class(one, info_name=name, parent=context))


def _parameters(command: Any, context: Any, kind: str) -> tuple[Parameter, ...]:
    named = [one for one in command.get_params(context) if one.param_type_name == kind]
    records = [record for one in named if (record := one.get_help_record(context)) is not None]
    return tuple(Parameter(names, " ".join(text.split())) for names, text in records)
