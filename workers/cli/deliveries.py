"""`deliveries` and `replay`: list the dead letters and retry them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import deliveries as ledger_deliveries
from pipeline.stages.accept.replay import Replayed, replay_failure
from pipeline.stages.accept.replay import replay as replay_stage
from pipeline.views import deliveries as deliveries_views
from pipeline.views import events as events_views
from workers.cli import output
from workers.cli.accepting import intake_of
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    UtcOption,
    existing_ledger,
    find,
    moment_of,
    print_json,
    reading,
)
from workers.cli.names import check_article, check_channel, delivery_named

_MOST = 1000  # deliveries shown by default


class State(StrEnum):
    pending = "pending"
    sending = "sending"
    delivered = "delivered"
    abandoned = "abandoned"


def register(app: typer.Typer) -> None:
    app.command()(deliveries)
    app.command()(replay)


def deliveries(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel's.")] = None,
    attempts: Annotated[str | None, typer.Option(metavar="ID", help="One delivery, with every attempt.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show at most.")] = _MOST,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the deliveries to each channel. `--state abandoned` shows the dead letters."""
    if attempts is not None:
        _show_attempts(attempts, json=json, utc=utc, system=find(data, config))
        return
    in_state, system = state.value if state else None, find(data, config)
    with reading(system) as (transaction, now):
        if channel is not None:
            check_channel(transaction, system, channel)
        found = ledger_deliveries.search(transaction, state=in_state, channel=channel, limit=limit + 1)
        shown = deliveries_views.delivery_list(transaction, found, limit=limit)
    print_json(shown) if json else output.deliveries(shown.deliveries, now, utc=utc)
    if shown.next is not None:
        output.note(f"there are more than these {limit:,}: raise --limit, or narrow with --state and --channel")


def _show_attempts(delivery_id: str, *, json: bool, utc: bool, system: System) -> None:
    with reading(system) as (transaction, now):
        shape = deliveries_views.delivery_with_attempts(transaction, delivery_named(transaction, delivery_id))
    print_json(shape) if json else output.tried(shape, now, utc=utc)


def replay(
    delivery: Annotated[str | None, typer.Option(help="One delivery, by its id.")] = None,
    channel: Annotated[str | None, typer.Option(help="All of a channel's; a disabled channel is enabled.")] = None,
    article: Annotated[str | None, typer.Option(help="All of an article's.")] = None,
    failure: Annotated[
        str | None, typer.Option(metavar="KEY", help="All of a cause, by its key in `citewire failures`.")
    ] = None,
    seen: Annotated[
        str | None, typer.Option(metavar="TIME", help="With --failure: leave alone what failed only later.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Delivered ones too, from then on: 2026-03-01T12:00Z.")
    ] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Retry abandoned deliveries with a full set of attempts. The sweep picks them up within a second.

    With --since, everything delivered since then is also sent again, under the same ids, for a partner who lost it.
    """
    if not (delivery or channel or article or failure):
        hint = "give --delivery, --channel, --article or --failure"
        raise InvalidEvent("nothing was named", code="nothing-named", hint=hint)
    system = find(data, config)
    with existing_ledger(system) as ledger:
        intake = intake_of(ledger, system)
        if failure:
            if delivery or channel or article or since:
                hint = "give --failure alone, or with --seen"
                raise InvalidEvent("a failure is a channel and a cause already", code="nothing-named", hint=hint)
            until = intake.clock() if seen is None else moment_of(seen, option="seen")
            done = replay_failure(intake, failure, seen=until, by="citewire replay")
        else:
            with ledger.read() as transaction:
                if delivery:
                    named = delivery_named(transaction, delivery)
                    delivery = named.id
                    _warn_of_success(named, since)
                if article:
                    check_article(transaction, article)
                if channel:
                    check_channel(transaction, system, channel)
            done = replay_stage(
                intake,
                by="citewire replay",
                id=delivery,
                channel=channel,
                article_id=article,
                since=None if since is None else moment_of(since, option="since"),
            )
    _print_replayed(done, json=json)


def _warn_of_success(one: ledger_deliveries.Delivery, since: str | None) -> None:
    if one.state == "delivered" and since is None:
        output.note(f"{one.channel} has accepted this delivery; add --since to send it a second time all the same")


def _print_replayed(done: Replayed, *, json: bool) -> None:
    if json:
        print_json(events_views.replayed(done))
    else:
        output.line(f"{done.count} to be delivered again")
    if done.retried:
        output.note("the article had been set aside, and is rendered again")
    if done.delivered:
        output.note(f"{done.delivered} of them had been accepted: their partners get them a second time")
    if done.newer:
        output.note(f"{done.newer} more have failed of this cause since you looked, and were left alone")
