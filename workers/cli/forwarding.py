"""`listen`: forward what a channel is sent to a receiver on this machine, for whoever develops one."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import msgspec
import typer
from msgspec import Struct

from pipeline.errors import CitewireError, InvalidEvent
from pipeline.ledger.partners import changes
from pipeline.model.moment import rfc3339
from pipeline.web_address import web_address
from workers.cli import output
from workers.cli.channels import not_in_force
from workers.cli.common import (
    ConfigOption,
    DataOption,
    System,
    find,
    moment_of,
    now,
)
from workers.cli.contexts import context_to_look
from workers.cli.interrupting import Interruption, interruptible
from workers.cli.names import check_channel

if TYPE_CHECKING:
    import datetime as dt

    from pipeline.channels import Channel
    from pipeline.stages.context import ChannelPlan, Context
    from pipeline.stages.partners.forward import Forwarded

SECRET = "CITEWIRE_LISTEN_SECRET"  # noqa: S105 # the variable that may hold one
_POLL = 0.5  # seconds between looks at the ledger
_PAGE = 50  # changes of a look
_LOOPBACK = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


class Line(Struct, frozen=True, kw_only=True):
    """What became of a change. `status`: the receiver's; `code`: why it failed, or was not sent."""

    at: dt.datetime
    event: str
    article: str
    revision: int
    status: int | None
    code: str | None
    milliseconds: int | None
    detail: str
    cursor: str


def register(app: typer.Typer) -> None:
    app.command()(listen)


def listen(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL")],
    forward: Annotated[str, typer.Option(metavar="URL", help="An address on this machine: http://localhost:3000/in.")],
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Begin with what changed since.")] = None,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="Go on where an earlier one ended.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=40, help="Seconds to wait for an answer.")] = 10.0,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON document in each line.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Forward what a channel is sent to a receiver on this machine, signed, until Ctrl-C, and print each answer.

    Each message is sent once, whatever is answered, and the channel's own deliveries are as if nothing had been.
    """
    _check_address(forward)
    moment = None if since is None else moment_of(since, option="since")
    system = find(data, config)
    with context_to_look(system) as context:
        with context.ledger.read() as transaction:
            check_channel(transaction, system, channel)
        if channel not in context.channels:
            raise not_in_force(channel)
        plan = context.channels[channel]
        with _receiver(system, channel, forward, timeout) as receiver, interruptible(signal.SIGTERM) as interruption:
            begin = _begin(context, plan, moment, after)
            _follow(context, plan, receiver, begin, interruption, json=json)


def _follow(
    context: Context, plan: ChannelPlan, receiver: Channel, position: int, interruption: Interruption, *, json: bool
) -> None:
    """Forward until Ctrl-C; then say where to go on."""
    from pipeline.stages.partners.forward import following

    cursor = None
    try:
        while True:
            found = list(following(context, plan, position, limit=_PAGE, at=now()))
            for one in found:
                with interruption.allowed():
                    line = _forwarded(receiver, one)
                    position, cursor = one.change.seq or position, line.cursor
                    _print(line, json=json)
            if not found:
                interruption.sleep(_POLL)
    except KeyboardInterrupt:
        if cursor is not None:
            output.note(f"to go on from here: --after {cursor}")


def _forwarded(receiver: Channel, one: Forwarded) -> Line:
    change, began = one.change, time.monotonic()
    status, code, detail = None, None, ""
    if one.parcel is None:
        newer = change.superseded_by
        code, detail = (
            "superseded",
            f"not sent: revision {newer} follows" if newer else "not sent: no longer owed",
        )
    else:
        try:
            receipt = receiver.deliver(replace(one.parcel, at=now()))
            status, detail = receipt.status, receipt.detail
        except CitewireError as error:
            status, code, detail = getattr(error, "status", None), error.code, error.message
    return Line(
        at=now(),
        event=change.event,
        article=change.article,
        revision=change.revision,
        status=status,
        code=code,
        milliseconds=None if one.parcel is None else round((time.monotonic() - began) * 1000),
        detail=detail,
        cursor=change.cursor,
    )


def _begin(context: Context, plan: ChannelPlan, since: dt.datetime | None, after: str | None) -> int:
    """Return the sequence number after which to begin. Raises InvalidEvent for what is no cursor of the channel."""
    from pipeline.stages.partners.pull import assign_sequence

    assign_sequence(context, plan)
    with context.ledger.read() as transaction:
        found = (
            changes.before(transaction, plan.id, since)
            if after is None
            else changes.sequence_of(transaction, plan.id, after)
        )
    if found is None:
        hint = "give the one that this command printed, or --since"
        raise InvalidEvent("is no cursor of this channel", code="invalid-cursor", field="after", hint=hint)
    return found


@contextmanager
def _receiver(system: System, channel: str, address: str, timeout: float) -> Iterator[Channel]:
    """Yield a webhook channel to the address, and print the secret that it signs with.

    It has the channel's own headers and compression, and none of its credentials.
    """
    from pipeline.channels.webhook import Webhook
    from pipeline.channels.webhook.settings import WebhookSettings
    from pipeline.channels.webhook.signing import new_secret
    from pipeline.http import EgressGuard, Http
    from workers.wiring import own_settings

    configured = next((one for one in system.settings.channels if one.id == channel), None)
    own = own_settings(configured) if configured is not None else None
    plain = {"gzip": own.gzip, "headers": _plain(own.headers)} if isinstance(own, WebhookSettings) else {}
    secret = os.environ.setdefault(SECRET, new_secret())
    limits = {"connect_timeout": timeout, "read_timeout": timeout, "total_timeout": timeout}
    settings = WebhookSettings.model_validate({"url": address, "secret": f"env:{SECRET}", **plain, **limits})
    webhook = Webhook(settings, Http(EgressGuard(_LOOPBACK), contact_url=system.settings.site.url))
    output.note(f"forwarding what {channel} is sent to {address}, signed with the secret {secret}")
    try:
        yield webhook
    finally:
        webhook.close()


def _plain(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not value.startswith(("env:", "file:/"))}


def _check_address(address: str) -> None:
    """Raise InvalidEvent `not-this-machine` unless the address is one of this machine's own."""
    try:
        web_address(address)
        parts = urlsplit(address)
        host = parts.hostname or ""
        ours = parts.scheme in ("http", "https") and (host == "localhost" or _is_loopback(host))
    except ValueError:
        ours = False
    if not ours:
        hint = "give an address like http://localhost:3000/in: what is public may be under an embargo elsewhere"
        raise InvalidEvent("is not an address on this machine", code="not-this-machine", field="forward", hint=hint)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _print(line: Line, *, json: bool) -> None:
    if json:
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()
        return
    took = "" if line.milliseconds is None else f"{line.milliseconds} ms"
    code = f"[{line.code}]" if line.code else ""
    words = [rfc3339(line.at), line.event, line.article, f"revision {line.revision}", line.detail, code, took]
    output.line("  ".join(filter(None, words)))
