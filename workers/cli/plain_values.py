"""Values of options and arguments that are what they look like, taken without pydantic.

typer has pydantic compile a schema for each parameter, even one that was not given: that costs more than all that many
a command does. Words, paths, choices and defaults need none. Anything else, and what is not UTF-8, typer still judges
itself.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer._coercion import RuntimeParam, build_runtime_param  # typer has no public name for them
from typer._param_types import coerce_cli_choice, coerce_cli_path  # as above

HELP = ["--help", "-h"]


class _Unclear(Exception):
    """Only typer can tell whether this is a value, and which."""


class PlainParam(RuntimeParam):
    """How typer reads a parameter's value. What was not given never comes here: it is None."""

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._plain(self.annotation, value, param, ctx)
        except _Unclear:
            judge = build_runtime_param(param.type_descriptor)
            return judge._coerce_value(value, param=param, ctx=ctx)

    def _plain(self, annotation: Any, value: Any, param: Any, ctx: Any) -> Any:
        if get_origin(annotation) is list and isinstance(value, list | tuple):
            return [self._plain(get_args(annotation)[0], one, param, ctx) for one in value]
        if self.parameter_info.parser is None:
            if isinstance(value, str) and _is_text(value):
                if annotation is str:
                    return value
                if isinstance(annotation, type) and issubclass(annotation, Enum):
                    return self._choice(annotation, value, ctx)
                if annotation is Path and self.parameter_info.path_type is None:
                    return coerce_cli_path(Path(value), self.parameter_info, path_type=Path, param=param, ctx=ctx)
            elif type(value) is annotation:  # a default: whatever a shell gives is a text
                return value
        raise _Unclear

    def _choice(self, choices: type[Enum], value: str, ctx: Any) -> Any:
        try:
            exactly = self.parameter_info.case_sensitive
            return coerce_cli_choice(value, choices=list(choices), case_sensitive=exactly, ctx=ctx)
        except ValueError:
            raise _Unclear from None


def take_plainly(command: Any) -> None:
    """Have the command take plain values plainly."""
    for param in command.get_params(typer.Context(command, help_option_names=HELP)):
        described = param.type_descriptor
        param._runtime_param = PlainParam(described.parameter_info, described.annotation)


def _is_text(value: str) -> bool:
    """Return whether it can be written as UTF-8: a word of other bytes has surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
