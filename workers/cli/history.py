"""`history` and `show`: the revisions of an article, and the newest of them as its readers see it."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import articles
from pipeline.ledger.articles import names, renditions, revisions
from pipeline.views import history as history_views
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, UtcOption, find, print_json, reading
from workers.cli.names import unknown_article
from workers.cli.tables import table
from workers.cli.times import shown

_Article = Annotated[str, typer.Argument(metavar="ARTICLE_ID")]


def register(app: typer.Typer) -> None:
    app.command()(history)
    app.command()(show)


def history(
    article_id: _Article,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the revisions of an article, the newest first: when each was made and rendered, and why."""
    with reading(find(data, config)) as (transaction, now):
        found = history_views.history(transaction, article_id)
    if found is None:
        raise unknown_article(article_id)
    print_json(found) if json else _show(found, now, utc=utc)


def show(
    article_id: _Article,
    format: Annotated[str, typer.Option(help="The format's name.")] = "html",
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a live article in a format, as its readers get it. Nothing is kept."""
    from pipeline.renditions import format_named
    from pipeline.store import RenditionStore
    from workers.site import site_of

    chosen = format_named(format)
    system = find(data, config)
    with reading(system) as (transaction, _):
        known = names.article_named(transaction, article_id)
        current = articles.get(transaction, known)
        if current is None:
            raise unknown_article(article_id)
        if current.state != "live" or current.rendered is None:
            raise _not_shown(known, current.state)
        stored = renditions.one(transaction, known, current.rendered, format)
        revision = revisions.get(transaction, known, current.rendered)
    body = RenditionStore.at(system.settings.store_location).get(stored.digest, stored.bytes) if stored else None
    sys.stdout.buffer.write(chosen.render(revision, site_of(system.settings)) if body is None else body)


def _not_shown(article_id: str, state: str) -> InvalidEvent:
    why = f"is {state}" if state != "live" else "is not rendered yet"
    return InvalidEvent(
        f"{article_id} {why}: its readers see nothing",
        code="not-live",
        hint="see `citewire status`",
        article=article_id,
    )


def _show(found: history_views.History, now: dt.datetime, *, utc: bool) -> None:
    rows = [
        (
            one.number,
            one.event,
            shown(one.at, now, utc=utc),
            shown(one.rendered_at, now, utc=utc),
            one.reason or ("an event" if one.by_event else one.cause or "its evidence changed"),
        )
        for one in found.revisions
    ]
    columns = ("revision", "event", "made", "rendered", "why")
    table(output.answers(), found.article, columns, rows, prose=("why",))
