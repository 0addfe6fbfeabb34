"""`sessions`: who is signed in to the console, and ending sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import sessions
from pipeline.ledger.sessions import Session
from pipeline.model.identity import Identity
from pipeline.stages import acts
from pipeline.views.sessions import summary
from workers.cli import output
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    UtcOption,
    act_of,
    find,
    print_json,
    reading,
    writing,
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who is signed in to the console.", no_args_is_help=True)
    group.command(name="list")(list_all)
    group.command()(end)
    app.add_typer(group, name="sessions")


def list_all(
    utc: UtcOption = False, json: JsonOption = False, data: DataOption = None, config: ConfigOption = None
) -> None:
    """Show who is signed in, with which role, since when, when they were last active, and from where."""
    system = find(data, config)
    with reading(system) as (transaction, now):
        every = sessions.every(transaction, now=now, limits=system.settings.web.session_limits)
    found = [summary(one) for one in every]
    print_json({"sessions": found}) if json else output.sessions(found, now, utc=utc)


def end(
    named: Annotated[
        str | None,
        typer.Argument(metavar="[SESSION]", help="Its id; or the name or subject of a person, for all."),
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Sign somebody out immediately: one session, all of one person, or everybody."""
    if (named is None) != everybody:
        hint = "give an id or a name from `citewire sessions list`, or --all"
        raise InvalidEvent("one of the two is needed: a session, or --all", code="nothing-named", hint=hint)
    system = find(data, config)
    with writing(system) as (transaction, at):
        every = sessions.every(transaction, now=at, limits=system.settings.web.session_limits)
        ended = every if named is None else _named(every, named)
        acts.end_sessions(transaction, act_of("sessions end", at), ended)
    output.line(f"{len(ended)} ended")


def _names(session: Session) -> tuple[str, ...]:
    """Return by what a session can be named. Names may be shared; a subject is one person's."""
    subject = (session.who.subject,) if isinstance(session.who, Identity) else ()
    return (session.id, session.name, *subject)


def _named(every: Sequence[Session], named: str) -> list[Session]:
    """Return the session with this id, or those of people of this name or subject. Raises InvalidEvent."""
    found = [one for one in every if named in _names(one)]
    if not found:
        hint = "give an id or a name from `citewire sessions list`"
        raise InvalidEvent(f"nobody is signed in as {named!r}", code="unknown-session", hint=hint)
    return found
