"""`token`: manage who may call the API."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import sys
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import tokens
from pipeline.ledger.tokens import Token
from pipeline.model.moment import rfc3339
from pipeline.model.roles import ROLES
from pipeline.stages import acts
from workers.cli import UNKNOWN, output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    act_of,
    existing_ledger,
    find,
    ledger_now,
    now,
    open_ledger,
    print_json,
    writing,
)

_SCOPE = re.compile(r"publish|admin|partner:[a-z0-9][a-z0-9._-]*")
_NAMES = "viewer, editor, operator or admin"
_DAYS = re.compile(r"([1-9][0-9]{0,4})d")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Tokens for the API.", no_args_is_help=True)
    group.command()(create)
    group.command(name="list")(list_all)
    group.command()(revoke)
    group.callback()(_group)
    app.add_typer(group, name="token")


def _group() -> None:
    """Tokens for the API."""


def create(
    name: Annotated[str, typer.Option(help="A name by which you recognise it.")],
    role: Annotated[str | None, typer.Option(help="viewer, editor, operator or admin.")] = None,
    scope: Annotated[str | None, typer.Option(help="Instead of a role: publish, partner:ID or admin.")] = None,
    expires: Annotated[str | None, typer.Option(help="When it expires: 90d, or 2027-03-01. Default: never.")] = None,
    data: DataOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Print a new token, once, alone on the last line. Only its hash is kept."""
    scope = _wanted(role, scope)
    ends = None if expires is None else expiry(expires, now())
    token = f"cw_{secrets.token_urlsafe(32)}"
    system = find(data, config)
    _, _, channel = scope.partition(":")
    if channel and channel not in system.known.channels:
        print(f"citewire: no channel {channel} is configured (yet): the token opens nothing", file=sys.stderr)
    with open_ledger(system) as ledger:
        at = ledger_now(ledger, system)
        with ledger.write() as transaction:
            act = act_of("token create", at)
            acts.create_token(transaction, act, token, name=name, scope=scope, expires=ends)
    if json:
        print_json({"token": token, "name": name, "scope": scope, "expires": rfc3339(ends) if ends else None})
    else:
        print(token)


def _wanted(role: str | None, scope: str | None) -> str:
    """Return what the token is made for. Raises InvalidEvent."""
    if (role is None) == (scope is None):
        raise InvalidEvent("is needed, or a scope: one of the two", field="role", hint=f"give --role {_NAMES}")
    if role is not None and role not in ROLES:
        raise InvalidEvent("is not a role", field="role", hint=f"give {_NAMES}")
    if scope is not None and not _SCOPE.fullmatch(scope):
        raise InvalidEvent("is not a scope", field="scope", hint="give publish, admin, or partner: and a channel's id")
    return role or scope or ""


def list_all(json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """List all tokens ever created, without their values, which are not kept."""
    with existing_ledger(find(data, config)) as ledger, ledger.read() as transaction:
        shape = {"tokens": [_shape(token, now()) for token in tokens.every(transaction)]}
    print_json(shape) if json else output.tokens(shape)


def revoke(
    name: Annotated[str, typer.Argument(help="Its name, or its id in the list.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Revoke every token with this name immediately."""
    system = find(data, config)
    with writing(system) as (transaction, at):
        ended = acts.revoke_token(transaction, act_of("token revoke", at), name)
    if not ended:
        print(f"citewire: no token {name!r} is good any more, or ever was", file=sys.stderr)
        raise typer.Exit(UNKNOWN)
    print(f"{ended} revoked")


def expiry(text: str, at: dt.datetime) -> dt.datetime:
    """Parse an expiry: `90d` from `at`, the beginning of a date (UTC), or a time. Raises InvalidEvent."""
    days = _DAYS.fullmatch(text)
    if days:
        return at + dt.timedelta(days=int(days[1]))
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    moment = moment and (moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC))
    if moment is None or moment <= at:
        hint = "give a number of days, as 90d, or a day to come, as 2027-03-01"
        raise InvalidEvent("is no time to come", code="invalid-time", field="expires", hint=hint)
    return moment


def _shape(token: Token, at: dt.datetime) -> dict[str, str | None]:
    expired = token.expires is not None and token.expires <= at
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        "state": "revoked" if token.revoked else "expired" if expired else "good",
        "created": rfc3339(token.created),
        "expires": rfc3339(token.expires) if token.expires else None,
        "used": rfc3339(token.used) if token.used else None,
    }
