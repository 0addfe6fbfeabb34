"""`articles`: list every article, or those in a state, on a topic, at a channel, or with given words in their title."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipeline.ledger import Transaction
from pipeline.ledger.articles.listing import ArticleFilter
from pipeline.views import listing as listing_views
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, UtcOption, find, print_json, reading
from workers.cli.names import check_channel

_TOGETHER = 1000  # articles read from the ledger at a time


class State(StrEnum):
    live = "live"
    scheduled = "scheduled"
    withdrawn = "withdrawn"


def register(app: typer.Typer) -> None:
    app.command()(articles)


def articles(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only those of this topic.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only those that were meant for this channel.")] = None,
    query: Annotated[str | None, typer.Option(help="Only those with this in their title or id.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Only those kept from a channel because of evidence.")] = False,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show every article: its state and dates, why it was withdrawn, its evidence, and its worst delivery."""
    system = find(data, config)
    with reading(system) as (transaction, now):
        if channel is not None:
            check_channel(transaction, system, channel)
        found = _every(transaction, ArticleFilter(state.value if state else None, topic, channel, query, held))
    print_json({"articles": found}) if json else output.articles(found, now, utc=utc)


def _every(transaction: Transaction, filters: ArticleFilter) -> list[listing_views.ArticleSummary]:
    found: list[listing_views.ArticleSummary] = []
    after = None
    while True:
        page = listing_views.articles(transaction, filters, after=after, limit=_TOGETHER)
        found += page.articles
        if page.next is None:
            return found
        after = page.next
