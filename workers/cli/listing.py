"""`articles`: list every article, or those in a state, on a topic, at a channel, and do something with all of them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger, Transaction
from pipeline.ledger.articles import listing
from pipeline.ledger.articles.listing import ArticleFilter
from pipeline.ledger.bulk import Action, Chosen, Holder
from pipeline.views import listing as listing_views
from workers.cli import output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    UtcOption,
    existing_ledger,
    find,
    print_json,
    reading,
)
from workers.cli.names import check_channel

_TOGETHER = 1000  # articles read from the ledger at a time
_BY = "citewire articles"


class State(StrEnum):
    live = "live"
    scheduled = "scheduled"
    withdrawn = "withdrawn"


class Do(StrEnum):
    replay = "replay"
    publish_again = "publish-again"
    release = "release"
    withdraw = "withdraw"


def register(app: typer.Typer) -> None:
    app.command()(articles)


def articles(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only those of this topic.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only those that were meant for this channel.")] = None,
    query: Annotated[str | None, typer.Option(help="Only those with this in their title or id.")] = None,
    held: Annotated[bool, typer.Option("--held", help="Only those kept from a channel because of evidence.")] = False,
    do: Annotated[
        Do | None, typer.Option("--do", help="Do this with all of them, as they are now, instead of listing them.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option(help="With --do withdraw: why, for everyone downstream to read.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --do: do it without asking.")] = False,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show every article: its state and dates, why it was withdrawn, its evidence, and its worst delivery."""
    system, filters = find(data, config), ArticleFilter(state.value if state else None, topic, channel, query, held)
    if do is not None:
        if do is Do.withdraw:
            from pipeline.intake.fields.reasons import reason_of

            reason = reason_of(reason or "", field="reason")
        elif reason is not None:
            raise InvalidEvent("only a withdrawal has a reason", code="nothing-named", hint="leave --reason out")
        _act(system, filters, do.value, reason, yes=yes, json=json)
        return
    if reason is not None or yes:
        raise InvalidEvent("nothing is to be done", code="nothing-named", hint="give --reason and --yes with --do")
    with reading(system) as (transaction, now):
        if channel is not None:
            check_channel(transaction, system, channel)
        found = _every(transaction, filters)
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


def _act(system: System, filters: ArticleFilter, action: Action, reason: str | None, *, yes: bool, json: bool) -> None:
    """Have the workers do this with all articles that match now."""
    from pipeline.stages.bulk.starting import prepare, start
    from pipeline.views import bulk as bulk_views
    from workers.cli.accepting import intake_of
    from workers.cli.confirming import confirm_action

    with existing_ledger(system) as ledger:
        if filters.channel is not None:
            _check(ledger, system, filters.channel)

        def matching(transaction: Transaction) -> list[Chosen]:
            return [Chosen(one.id, one.revision) for one in listing.every(transaction, filters)]

        intake = intake_of(ledger, system)
        found = prepare(intake, action, matching, by=_BY)
        if action == "withdraw":
            _show(found.holders)
        if not yes:
            confirm_action(action, found.one.count)
        started = start(intake, found.one.operation, by=_BY, reason=reason)
    if json:
        print_json(bulk_views.StartedAction(started.id, found.one.count))
    else:
        output.line(f"{started.id}: {action} {found.one.count:,} articles, as they were now")
        output.note(f"the workers do it: `citewire operations {started.id}` says how far they are, and what they skip")


def _check(ledger: Ledger, system: System, channel: str) -> None:
    with ledger.read() as transaction:
        check_channel(transaction, system, channel)


def _show(holders: Sequence[Holder]) -> None:
    if not holders:
        output.note("nobody shows any of them now")
    for one in holders:
        output.note(f"{one.channel or 'this site'} shows {one.articles:,} of them")
