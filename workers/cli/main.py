"""Puts the commands together, and turns errors into a clear word and an exit status."""

from __future__ import annotations

import sys

import typer

from pipeline.errors import CitewireError, ConfigError, InvalidEvent, TransientError
from workers.cli import (
    articles,
    channels,
    checks,
    deliveries,
    processes,
    references,
    releasing,
    rendering,
    tokens,
    watching,
)
from workers.cli.common import BAD_INPUT, FAILED, TIMED_OUT

app = typer.Typer(
    name="citewire",
    help="Syndicates medical articles with their evidence attached.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (processes, articles, releasing, rendering, deliveries, channels, checks, tokens, references, watching):
    group.register(app)


def main() -> None:
    """The `citewire` command."""
    try:
        app()
    except (InvalidEvent, ConfigError) as error:
        sys.exit(_say(error, BAD_INPUT))
    except TransientError as error:
        sys.exit(_say(error, TIMED_OUT))
    except CitewireError as error:
        sys.exit(_say(error, FAILED))
    except BrokenPipeError:  # `citewire status | head`
        sys.stderr.close()
        sys.exit(FAILED)


def _say(error: CitewireError, status: int) -> int:
    print(f"citewire: {error}", file=sys.stderr)
    return status
