"""What people change beside articles: channels, tokens, passkeys, sessions, settings.

Each change and the operation that says who made it are written in one transaction, so that neither is there alone.
Commands, API and console change these things through this module.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from pipeline.ledger import Transaction, operations, passkeys, sessions, tokens
from pipeline.ledger.deliveries import channels
from pipeline.ledger.deliveries.channels import PausedBy
from pipeline.ledger.evidence import checks, rechecks, verdicts
from pipeline.ledger.operations import Kind, Operation, Part, PartOutcome
from pipeline.ledger.passkeys import Invitation, Passkey, Person
from pipeline.ledger.sessions import Session
from pipeline.model.words import count


class Act(Struct, frozen=True):
    """Who changes something, and when, under the id by which the audit shows it."""

    operation: str
    by: str  # the command, or the name of the token
    at: dt.datetime


class _IdsAndTime(Protocol):
    """A context, or what accepting needs of it."""

    @property
    def new_id(self) -> Callable[[str], str]: ...

    @property
    def clock(self) -> Callable[[], dt.datetime]: ...


def act_of(made: _IdsAndTime, by: str) -> Act:
    """Return what somebody begins to do now."""
    return Act(made.new_id("op_"), by, made.clock())


def record(
    transaction: Transaction,
    act: Act,
    kind: Kind,
    outcome: PartOutcome,
    *,
    channel: str | None = None,
    file: str | None = None,
    reason: str | None = None,
) -> None:
    """Add a line to the audit, and the operation with the first one."""
    operation = Operation(act.operation, kind, act.by, act.at)
    operations.record(transaction, operation, [Part(None, None, None, outcome, file, channel, reason)])


def pause(transaction: Transaction, act: Act, channel: str, *, reason: str, by: PausedBy | None = None) -> bool:
    """Send nothing to the channel until it is resumed; return False if it is paused already, by whomever.

    `by`: None: an operator. What an operator did is in the audit also if it changed nothing.
    """
    changed = channels.pause(transaction, channel, reason=reason, now=act.at, by=by)
    if changed:
        record(transaction, act, "pause", "paused", channel=channel, reason=reason)
    elif by is None:
        record(transaction, act, "pause", "unchanged", channel=channel, reason="it was paused already")
    return changed


def resume(transaction: Transaction, act: Act, channel: str, *, by: PausedBy | None = None) -> bool:
    """Send to a paused channel again; return False if it is not paused. `by`: as for `pause`."""
    changed = channels.resume(transaction, channel)
    if changed:
        record(transaction, act, "resume", "resumed", channel=channel)
    elif by is None:
        record(transaction, act, "resume", "unchanged", channel=channel, reason="it was not paused")
    return changed


def recheck(transaction: Transaction, act: Act, pmids: Sequence[str]) -> None:
    """Have PubMed and the other sources asked about these papers again, at the rate at which they are asked anyway."""
    record(transaction, act, "recheck", "asked", reason=f"PMID {', '.join(pmids)}")
    rechecks.request_recheck(transaction, pmids, due=act.at)
    checks.request(transaction, [f"pmid:{pmid}" for pmid in pmids], due=act.at)
    verdicts.ask_lists_again(transaction)


def create_token(
    transaction: Transaction, act: Act, token: str, *, name: str, scope: str, expires: dt.datetime | None
) -> None:
    """Add a token. The audit has its name and scope."""
    tokens.add(transaction, token, name=name, scope=scope, now=act.at, expires=expires)
    record(transaction, act, "token-create", "created", reason=f"{name} ({scope})")


def revoke_token(transaction: Transaction, act: Act, name: str) -> int:
    """Revoke the tokens of this name, or the one of this id; return how many were valid.

    The sessions that they began end, and what their holders could sign in with besides is removed.
    """
    ended = tokens.revoke(transaction, name, now=act.at)
    if ended:
        signed_out = sessions.end_with_tokens(transaction)
        passkeys.remove_holders(transaction)
        also = f", and {count(signed_out, 'session')} with them" if signed_out else ""
        record(transaction, act, "token-revoke", "revoked", reason=f"{name}: {ended}{also}")
    return ended


def end_sessions(transaction: Transaction, act: Act, ended: Sequence[Session]) -> int:
    """Sign these people out; return how many sessions there still were. The audit has the name of each person."""
    there = sessions.end_each(transaction, [one.id for one in ended])
    for one in ended:
        record(transaction, act, "sign-out", "signed-out", reason=f"session {one.id} of {one.by}")
    return there


def invite(
    transaction: Transaction, act: Act, secret: str, *, name: str, role: str, expires: dt.datetime
) -> Invitation:
    """Invite somebody to add a passkey, and to have this role."""
    made = passkeys.invite(transaction, secret, name=name, role=role, now=act.at, expires=expires)
    record(transaction, act, "passkey-invite", "created", reason=f"invitation {made.id} for {name} ({role})")
    return made


def add_passkey(transaction: Transaction, act: Act, person: Person, passkey: Passkey) -> None:
    """Add to the audit that a person has added a passkey."""
    record(transaction, act, "passkey-add", "added", reason=f"passkey {passkey.id} ({passkey.name}) of {person.by}")


def remove_passkey(transaction: Transaction, act: Act, person: Person, passkey: Passkey) -> None:
    """Remove a passkey, and end the sessions that it began."""
    ended = passkeys.remove(transaction, passkey)
    what = f"passkey {passkey.id} ({passkey.name}) of {person.by}"
    record(transaction, act, "passkey-remove", "removed", reason=f"{what}{_with_sessions(ended)}")


def remove_person(transaction: Transaction, act: Act, person: Person) -> None:
    """Remove a person: their passkeys, recovery codes and sessions. What they did stays in the audit."""
    ended = passkeys.remove_person(transaction, person)
    what = f"everything of {person.by} ({person.role})"
    record(transaction, act, "passkey-remove", "removed", reason=f"{what}{_with_sessions(ended)}")


def withdraw_invitation(transaction: Transaction, act: Act, invitation: Invitation) -> None:
    passkeys.end_invitation(transaction, invitation)
    what = f"invitation {invitation.id} for {invitation.name} ({invitation.role})"
    record(transaction, act, "passkey-remove", "removed", reason=what)


def put_codes(transaction: Transaction, act: Act, person: Person, codes: Collection[str]) -> None:
    """Give a person recovery codes in place of any former ones."""
    passkeys.put_codes(transaction, person.handle, codes)
    record(transaction, act, "recovery-codes", "created", reason=f"{len(codes)} of {person.by}")


def _with_sessions(ended: int) -> str:
    return f", and {count(ended, 'session')} with it" if ended else ""
