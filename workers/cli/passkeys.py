"""`passkeys`: who can sign in to the console with a passkey, inviting people, and removing what they have."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import Annotated

import typer

from pipeline.errors import ConfigError, InvalidEvent
from pipeline.ledger import Transaction, passkeys
from pipeline.model.identity import shown_name
from pipeline.model.moment import rfc3339
from pipeline.model.roles import ROLES
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.views.passkeys import PersonSummary, invitation_summary, person_summary
from workers.cli import output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    UtcOption,
    act_of,
    find,
    ledger_now,
    open_ledger,
    print_json,
    reading,
    writing,
)

_ROLES = "viewer, editor, operator or admin"
_MOST_HOURS = 168


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who signs in to the console with a passkey.", no_args_is_help=True)
    group.command(name="list")(list_all)
    group.command()(invite)
    group.command()(remove)
    app.add_typer(group, name="passkeys")


def list_all(
    utc: UtcOption = False, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Show the people who have passkeys, with their roles, and the invitations that are open."""
    with reading(find(data, config)) as (transaction, now):
        people = _people(transaction, now)
        invited = [invitation_summary(one) for one in passkeys.open_invitations(transaction, now=now)]
    if json:
        print_json({"people": people, "invitations": invited})
    else:
        output.passkeys(people, invited, now, utc=utc)


def invite(
    role: Annotated[str, typer.Option(help="viewer, editor, operator or admin.")],
    name: Annotated[str, typer.Option(help="Who it is. The console shows it, and the audit.")],
    hours: Annotated[int, typer.Option(min=1, max=_MOST_HOURS, help="How long the link can be used.")] = 24,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a link, once, alone on the last line, with which one person makes a passkey and has this role."""
    if role not in ROLES:
        raise InvalidEvent("is not a role", field="role", hint=f"give {_ROLES}")
    if not (shown := shown_name(name)):
        raise InvalidEvent("has nothing that could be shown", field="name", hint="give the person's name")
    system = find(data, config)
    if system.settings.web.passkeys is None:
        hint = 'add `console_url = "https://…"` to [web.passkeys]: the address at which browsers reach the console'
        message = "has to name the address that passkeys belong to"
        raise ConfigError(message, key="web.passkeys", hint=hint, code="passkeys-off")
    secret = secrets.token_urlsafe(32)
    with open_ledger(system) as ledger:
        at = ledger_now(ledger, system)
        ends = at + dt.timedelta(hours=hours)
        with ledger.write() as transaction:
            acts.invite(transaction, act_of("passkeys invite", at), secret, name=shown, role=role, expires=ends)
    link = f"{system.settings.web.passkeys.console_url}/console/join#{secret}"
    if json:
        print_json({"link": link, "name": shown, "role": role, "expires": rfc3339(ends)})
    else:
        print(link)


def remove(
    named: Annotated[str, typer.Argument(metavar="ID", help="Of a passkey, an invitation or a person; or their name.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove a passkey with the sessions that it began, an invitation, or all that a person has."""
    with writing(find(data, config)) as (transaction, at):
        removed = _remove(transaction, act_of("passkeys remove", at), named)
    if not removed:
        hint = "give an id or a name from `citewire passkeys list`"
        raise InvalidEvent(f"nothing here is {named!r}", code="unknown-passkey", hint=hint)
    for what in removed:
        output.line(f"{what} removed")


def _remove(transaction: Transaction, act: Act, named: str) -> Sequence[str]:
    """Remove what has this id, or the people who have this name; return what that was."""
    people = {one.handle: one for one in passkeys.everybody(transaction, now=act.at)}
    for passkey in passkeys.of_people(transaction, list(people)):
        if passkey.id == named:
            acts.remove_passkey(transaction, act, people[passkey.person], passkey)
            return [f"passkey {passkey.id}"]
    for invitation in passkeys.open_invitations(transaction, now=act.at):
        if invitation.id == named:
            acts.withdraw_invitation(transaction, act, invitation)
            return [f"invitation {invitation.id}"]
    gone = [one for one in people.values() if named in (one.id, one.handle, one.name)]
    for one in gone:
        acts.remove_person(transaction, act, one)
    return [f"everything of {one.name} ({one.id})" for one in gone]


def _people(transaction: Transaction, now: dt.datetime) -> list[PersonSummary]:
    people = passkeys.everybody(transaction, now=now)
    handles = [one.handle for one in people]
    found, left = passkeys.of_people(transaction, handles), passkeys.codes_left(transaction, handles)
    return [
        person_summary(one, [key for key in found if key.person == one.handle], left.get(one.handle, 0))
        for one in people
    ]
