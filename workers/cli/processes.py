"""`up`, and the processes that it starts, `worker` and `web`, for running each of them separately."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from config import load
from workers.cli.common import ConfigOption, DataOption


class Kind(StrEnum):
    pipeline = "pipeline"
    deliver = "deliver"


def register(app: typer.Typer) -> None:
    app.command()(up)
    app.command()(worker)
    app.command()(web)
    app.command()(migrate)


def up(
    data: DataOption = None,
    config: ConfigOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the web server; 0 for a free one.")] = 8080,
) -> None:
    """Run the embedded system: queue, workers and web, until SIGTERM or Ctrl-C."""
    from workers import embedded

    file = config or (Path(named) if (named := os.environ.get("CITEWIRE_CONFIG")) else None)
    embedded.up(load(os.environ, file=file, data=data), config=file, port=port)


def worker(
    kind: Annotated[Kind, typer.Argument(help="deliver, or pipeline for everything else.")],
    name: Annotated[str | None, typer.Option(help="Its name in the log (default: made from host and process).")] = None,
    bells: Annotated[int | None, typer.Option(help="A socket for bells that was handed down.", hidden=True)] = None,
) -> None:
    """Run one Celery worker."""
    from workers import worker as process

    process.run(kind.value, name, bells)


def web(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
    fd: Annotated[int | None, typer.Option(help="A listening socket that was handed down.", hidden=True)] = None,
) -> None:
    """Run the web server."""
    from workers import web as process

    process.run(host=host, port=port, fd=fd)


def migrate(data: DataOption = None, config: ConfigOption = None) -> None:
    """Migrate the ledger's schema to this release."""
    from workers.cli.common import find, open_ledger

    with open_ledger(find(data, config)):
        pass
