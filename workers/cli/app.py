"""Assemble the commands, and turn each error into one clear line and an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Annotated

import typer

from pipeline.errors import CitewireError, ConfigError, InvalidEvent, TransientError
from workers.cli import BAD_INPUT, COMPLETING, FAILED, INTERRUPTED, TIMED_OUT, UNKNOWN
from workers.cli.commands import Commands
from workers.cli.plain_values import HELP
from workers.cli.standard_files import OUTPUT, discard_output, prepare_standard_files

app = typer.Typer(
    name="citewire",
    help="Syndicates medical articles with their evidence attached.",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": HELP},
)

# typer vendors click's exceptions and exports only this one: every usage error derives from its base classes.
_USAGE: type[Exception] = typer.BadParameter.__mro__[2]
NAMED = (
    "article", "channel", "delivery", "failure", "feed", "reference",
    "operation", "place", "recall", "revision", "session", "passkey",
)  # fmt: skip
_UNKNOWN = frozenset(f"unknown-{what}" for what in NAMED)


def _show_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(f"citewire {version('citewire')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Syndicates medical articles with their evidence attached."""


def main() -> None:
    """Run a command and exit with its status."""
    prepare_standard_files()
    if COMPLETING in os.environ:
        from workers.cli.completion import prepare

        prepare()
    command = typer.main.get_command(app)
    try:
        status = command.main(prog_name="citewire", standalone_mode=False) or 0
        sys.stdout.flush()  # what cannot be written is said here, and not by the interpreter as it ends
        sys.exit(status)
    except _USAGE as error:
        message, status = _misused(error)
        _print_json([{"code": "usage", "message": message}] if message else [])
        _exit(message, status)
    except typer.Abort:
        _exit("interrupted", INTERRUPTED)
    except CitewireError as error:
        _exit_with(error)
    except BrokenPipeError:  # `citewire status | head`
        discard_output()
        sys.exit(FAILED)
    except OSError as error:
        if error.filename == OUTPUT:
            discard_output()
        _exit(f"{error.filename or 'a file'}: {error.strerror or error}", BAD_INPUT)


def _misused(error: Exception) -> tuple[str, int]:
    """Return a one-line description of a usage error, and the exit status."""
    message = str(getattr(error, "format_message", error.__str__)()).rstrip(".")
    path = getattr(getattr(error, "ctx", None), "command_path", "citewire")
    return f"{message} (see `{path} --help`)" if message else "", int(getattr(error, "exit_code", BAD_INPUT))


def _exit_with(error: CitewireError) -> None:
    every = (error, *getattr(error, "further", ()))
    _print_json([_shape(one) for one in every])
    for one in every:
        _say(str(one) if isinstance(one, InvalidEvent | ConfigError) else f"{one} [{one.code}]")
    sys.exit(_status(error))


def _shape(error: CitewireError) -> dict[str, object]:
    """Return an error as `--json` shows it."""
    places = {name: getattr(error, name, None) for name in ("file", "line", "field", "key", "hint")}
    return {"code": error.code, "message": error.message} | {k: v for k, v in places.items() if v is not None}


def _print_json(errors: list[dict[str, object]]) -> None:
    """Print errors on standard output too, if a document is expected there.

    A command that has printed its answer raises no error.
    """
    if errors and "--json" in sys.argv[1:]:
        import json

        with contextlib.suppress(OSError):
            print(json.dumps({"errors": errors}, indent=2, ensure_ascii=False))


def _status(error: CitewireError) -> int:
    match error:
        case InvalidEvent() if error.code in _UNKNOWN:
            return UNKNOWN
        case InvalidEvent() | ConfigError():
            return BAD_INPUT
        case TransientError():
            return TIMED_OUT
        case _:
            return FAILED


def _exit(message: str, status: int) -> None:
    if message:
        _say(message)
    sys.exit(status)


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # of standard error there is nowhere left to say anything
        print(f"citewire: {message}", file=sys.stderr)
