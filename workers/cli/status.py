"""`status`: the state of an article or of the whole system, now or at an earlier time."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles
from workers.cli import FAILED, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    UtcOption,
    existing_ledger,
    find,
    find_in_force,
    moment_of,
    now,
    print_json,
    reading,
    settings_state,
)
from workers.cli.names import check_article, unknown_article, unknown_channel

_PATIENCE = dt.timedelta(seconds=5)  # an article may be due this long unnoticed: the sweep runs each second


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(
    article_id: Annotated[str | None, typer.Argument(metavar="ARTICLE_ID")] = None,
    channel: Annotated[str | None, typer.Option(help="What this channel holds of it; with --at, held.")] = None,
    at: Annotated[str | None, typer.Option(help="What was shown at this time: 2026-03-01T12:00Z.")] = None,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the state of an article, or of the whole system, with status 1 if it needs a person."""
    if channel is not None or at is not None:
        _show_then(article_id, channel, at, json=json, system=find(data, config))
        return
    system = find_in_force(data, config)
    if article_id is None:
        _show_system(system, json=json, utc=utc)
        return
    from pipeline.views import articles as articles_views

    with reading(system) as (transaction, moment):
        shape = articles_views.article(transaction, article_id)
    if shape is None:
        raise unknown_article(article_id)
    print_json(shape) if json else output.standing(shape, moment, utc=utc)


def _show_system(system: System, *, json: bool, utc: bool) -> None:
    """Print the state of the whole system, and exit with 1 if it needs a person."""
    from pipeline.views import system as system_views
    from workers.cli.attention import needed

    settings = settings_state(system)
    web = system.running.web if system.running else None
    channels = system.known.channels
    with reading(system) as (transaction, moment):
        whole = system_views.system(transaction, channels, now=moment, web=web)
        waiting = _waiting(transaction, system.known.data, moment)
        needs_you = needed(transaction, system, moment).attention
    if json:
        print_json(msgspec.to_builtins(whole) | {"waiting": waiting, "settings": settings})
    else:
        output.system(whole, moment)
        if settings["differ"]:
            why = f": {settings['error']}" if settings["error"] else "; `citewire reload` takes them up"
            output.line(f"the settings on disk are not those in force{why}")
        if waiting["articles"]:
            output.waiting(waiting)
        if needs_you:
            output.attention(needs_you, moment, utc=utc)
    if needs_you:
        raise typer.Exit(FAILED)


def _show_then(article_id: str | None, channel: str | None, at: str | None, *, json: bool, system: System) -> None:
    """Print what a channel (None: the site itself) held of the article at a given time (None: now)."""
    from pipeline.ledger.deliveries import channel_contents
    from pipeline.views import snapshots as snapshots_views

    if article_id is None:
        raise InvalidEvent("no article was named", code="nothing-named", hint="give the article's id")
    moment = moment_of(at, option="at") if at is not None else now()
    configured = set(system.known.channels)
    with existing_ledger(system) as ledger, ledger.read() as transaction:
        check_article(transaction, article_id)
        if (
            channel is not None
            and channel not in configured
            and not channel_contents.ever(transaction, article_id, channel)
        ):
            raise unknown_channel(channel, configured)
        shape = snapshots_views.snapshot(transaction, article_id, channel, moment)
    print_json(shape) if json else output.shown(shape)


def _waiting(transaction: Transaction, data: Path, now: dt.datetime) -> dict[str, Any]:
    """Return how many articles are overdue, an error that keeps one waiting, and the number of free bytes."""
    count, error = articles.waiting(transaction, now - _PATIENCE)
    folder = data.absolute()
    try:
        free = shutil.disk_usage(folder).free
    except OSError:  # the ledger is elsewhere, and nothing has run on this machine
        free = None
    return {"articles": count, "error": error, "folder": str(folder), "free": free}
