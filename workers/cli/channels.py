"""`channels`: show the channels, pause and resume them, and what to do when one is added or removed."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import deliveries, places
from pipeline.ledger.deliveries import channels
from pipeline.model.moment import rfc3339
from pipeline.stages import acts
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver import fill as fill_stage
from pipeline.stages.places.leaving import give_up
from pipeline.views.system import channel_healths
from workers.cli import output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    UtcOption,
    act_of,
    existing_ledger,
    find,
    ledger_now,
    log_to_stderr,
    moment_of,
    print_json,
    reading,
    writing,
)
from workers.cli.contexts import context_to_act
from workers.cli.names import check_channel, unknown_channel
from workers.cli.trying_out import try_out_channel

_Channel = Annotated[str, typer.Argument(metavar="ID")]


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Show, test, pause, resume, fill, replace and forget channels.", no_args_is_help=True)
    group.command(name="list")(list_all)
    group.command()(show)
    group.command()(pause)
    group.command()(resume)
    group.command()(fill)
    group.command("test")(try_out_channel)
    group.command()(forget)
    group.command("replace")(replace_partner)
    group.command()(rotate)
    group.command("end-former")(end_former)
    group.command("drop-secret")(drop_secret)
    app.add_typer(group, name="channels")


def list_all(json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """Show every channel: whether it is healthy, since when it is not, and when it is tried again."""
    system = find(data, config)
    with reading(system) as (transaction, moment):
        found = channel_healths(transaction, system.known.channels, moment)
    if json:
        print_json({"channels": found})
    else:
        output.channels(found, moment)


def show(
    channel: _Channel,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show how a channel has answered in the last day: how much it accepted, how quickly, and what failed last."""
    from pipeline.views.channels import whole_channel

    system = find(data, config)
    with reading(system) as (transaction, moment):
        check_channel(transaction, system, channel)
        found = whole_channel(transaction, channel, moment)
    print_json(found) if json else output.channel(found, moment, utc=utc)


def pause(
    channel: _Channel,
    reason: Annotated[str, typer.Option(help="Why; shown until it is resumed.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Send nothing to a channel until it is resumed, withdrawals included. What becomes due is kept for it."""
    system = find(data, config)
    with writing(system) as (transaction, at):
        check_channel(transaction, system, channel)
        changed = acts.pause(transaction, act_of("channels pause", at), channel, reason=reason)
        outstanding = deliveries.count_outstanding_withdrawals(transaction, channel)
    output.line(f"{channel} is paused" if changed else f"{channel} was paused already")
    if outstanding:
        articles = "1 withdrawn article" if outstanding == 1 else f"{outstanding} withdrawn articles"
        output.note(f"{channel} may still show {articles}, and will until it is resumed")


def resume(channel: _Channel, data: DataOption = None, config: ConfigOption = None) -> None:
    """Send to a paused channel again, withdrawals first. Of several revisions of an article only the newest is sent."""
    system = find(data, config)
    with writing(system) as (transaction, at):
        check_channel(transaction, system, channel)
        changed = acts.resume(transaction, act_of("channels resume", at), channel)
    output.line(f"{channel} is resumed" if changed else f"{channel} was not paused")


def fill(
    channel: _Channel,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Only what changed since.")] = None,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Send a new channel the articles published before it was added. Articles that were ever due to it are skipped."""
    moment = None if since is None else moment_of(since, option="since")
    system = find(data, config)
    configured = system.known.channels
    if channel not in configured:
        raise unknown_channel(channel, configured)
    with context_to_act(system) as context:
        if channel not in context.channels:
            raise not_in_force(channel)
        act = act_of("channels fill", context.clock())
        outstanding = fill_stage.fill(context, context.channels[channel], since=moment, act=act)
    if json:
        print_json({"channel": channel, "owed": outstanding})
    else:
        output.answers().print(f"{outstanding} more to be sent to {channel}", highlight=False, markup=False)


def forget(channel: _Channel, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """Give up the outstanding deliveries of a channel that is no longer configured, withdrawals included.

    Deliveries that a worker with the former settings is still sending are left to it, and counted as `sending`.
    """
    system = find(data, config)
    if channel in system.known.channels:
        raise InvalidEvent(
            f"the channel {channel!r} is configured",
            code="channel-configured",
            hint="take it out of the settings first",
        )
    with writing(system) as (transaction, at):
        check_channel(transaction, system, channel)
        forgotten = deliveries.forget(transaction, channel, now=at)
        channels.forget(transaction, channel)
        words = f"{forgotten.given_up} deliveries given up"
        acts.record(transaction, act_of("channels forget", at), "forget", "forgotten", channel=channel, reason=words)
        place = places.find(transaction, channel)
        if place is not None:
            reason = "the channel was forgotten"
            give_up(transaction, place, reason=reason, by="citewire channels forget", now=at)
    if json:
        print_json({"channel": channel, "given_up": forgotten.given_up, "sending": forgotten.sending})
        return
    output.answers().print(f"{forgotten.given_up} given up", highlight=False)
    if forgotten.sending:
        output.answers().print(f"{forgotten.sending} still being sent: run this again in a minute", highlight=False)


def replace_partner(
    channel: _Channel, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Say that the address of a channel in the settings is that of another partner, not a new one of the same.

    Puts the settings in force. The former partner becomes an orphan with its former address, and the new one is sent
    what the former one had.
    """
    from workers.planning import replaced

    log_to_stderr()
    system = find(data, config)
    configured = system.known.channels
    if channel not in configured:
        raise unknown_channel(channel, configured)
    with existing_ledger(system) as ledger:
        replaced(ledger, system.settings, channel, by="citewire channels replace", now=ledger_now(ledger, system))
    if json:
        print_json({"channel": channel, "replaced": True})
    else:
        output.line(f"{channel} has another partner from now on; the former one is an orphan: see `citewire places`")


def rotate(
    channel: _Channel,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=168, help="How long the former secrets sign too. 0: they have leaked.")
    ] = 24,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a new secret for a webhook, and print it alone on the last line: hand it to the partner.

    Until the overlap ends, each message is signed by the new secret and by the former ones. It needs `sealing_key`.
    """
    from pipeline.stages.partners import rotation
    from pipeline.views.own_channel import new_secret

    system = find(data, config)
    with _signing(system, channel) as (context, plan), rotation.opened(plan) as opened:
        act = act_of("channels rotate", context.clock())
        overlap = dt.timedelta(hours=overlap_hours)
        with context.ledger.write() as transaction:
            new = rotation.rotate(context.sealer, transaction, act, opened, channel, overlap=overlap)
    if json:
        print_json(new_secret(channel, new, act.operation))
        return
    ends = f"until {rfc3339(new.former_until)}" if new.former_until else "no longer"
    output.note(f"former secrets of {channel} sign {ends}")
    if new.public_key:
        output.note(f"the public key, for the partner: {new.public_key}")
    if new.secret:
        print(new.secret)


def end_former(channel: _Channel, data: DataOption = None, config: ConfigOption = None) -> None:
    """End the overlap after a rotation: messages are signed by the newest secret alone."""
    from pipeline.stages.partners import rotation

    system = find(data, config)
    with _signing(system, channel) as (context, plan), rotation.opened(plan) as opened:
        act = act_of("channels end-former", context.clock())
        with context.ledger.write() as transaction:
            changed = rotation.end_former(context.sealer, transaction, act, opened, channel)
    output.line(f"former secrets of {channel} have ended" if changed else f"no former secret of {channel} signs")


@contextlib.contextmanager
def _signing(system: System, channel: str) -> Iterator[tuple[Context, ChannelPlan]]:
    """Yield the channel as it is in force, and what its secret is rotated with."""
    with context_to_act(system) as context:
        with context.ledger.read() as transaction:
            check_channel(transaction, system, channel)
        if channel not in context.channels:
            raise not_in_force(channel)
        yield context, context.channels[channel]


def drop_secret(channel: _Channel, data: DataOption = None, config: ConfigOption = None) -> None:
    """Sign with the secrets of the settings again, and forget those that were made for the channel since."""
    from pipeline.stages.partners import rotation

    system = find(data, config)
    with writing(system) as (transaction, at):
        check_channel(transaction, system, channel)
        changed = rotation.drop(transaction, act_of("channels drop-secret", at), channel)
    if changed:
        output.line(f"{channel} is signed with the secrets of the settings, which its partner must have")
    else:
        output.line(f"{channel} was signed with the secrets of the settings already")


def not_in_force(channel: str) -> InvalidEvent:
    hint = "run `citewire apply`, or start the system"
    message = f"the channel {channel!r} is in the settings, but not in force yet"
    return InvalidEvent(message, code="channel-not-in-force", hint=hint)
