"""`completion`: print what makes a shell complete commands and options, from the commands themselves."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from workers.cli import COMPLETING


class Shell(StrEnum):
    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def register(app: typer.Typer) -> None:
    app.command()(completion)


def completion(shell: Annotated[Shell, typer.Argument(help="The shell that is to complete.")]) -> None:
    """Print the completion script of a shell: `eval "$(citewire completion bash)"`, for fish `… | source`."""
    from typer._completion_shared import get_completion_script  # typer has no public name for it

    sys.stdout.write(get_completion_script(prog_name="citewire", complete_var=COMPLETING, shell=shell.value) + "\n")


def prepare() -> None:
    """Have this process answer a shell that asks. Without it typer's shells are not known."""
    from typer._completion_classes import completion_init  # as above

    completion_init()
