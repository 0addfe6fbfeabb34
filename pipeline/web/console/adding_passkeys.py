"""Adding a passkey: for somebody who is signed in, and what adding one after an invitation has in common with that."""

import datetime as dt
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Response

from pipeline.identity import NotIdentified
from pipeline.identity.recovery import new_codes
from pipeline.ledger import Transaction, passkeys
from pipeline.ledger.passkeys import Passkey, Person
from pipeline.ledger.tokens import Token
from pipeline.model.identity import PASSKEY, shown_name
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import Context
from pipeline.web.console.challenges import Challenges, note
from pipeline.web.console.cookies import CHALLENGE
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.refusals import Refused
from pipeline.web.rooms import Room

if TYPE_CHECKING:  # a site without passkeys needs none of their library
    from pipeline.identity.passkeys import NewPasskey

PAGE = f"{HOME}/passkeys"
_FRESH = dt.timedelta(minutes=10)  # after signing in, in which somebody may add what lets them in later
_MOST = 20  # passkeys of one person
_HANDLE = 16  # random bytes


def router(context: Context, pages: Pages, challenges: Challenges) -> Room:
    routes = pages.router()
    admitted = acting(signed_in(context))

    @routes.post("/passkeys/begin", max_body_size=MAX_BODY)
    def begin(request: Request, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Have the browser make a passkey."""
        site, who, now = challenges.site, act.who, context.clock()
        check_may_add(who, now)
        challenges.allow(request)
        with context.ledger.read() as transaction:
            person = person_of(transaction, who, now)
            has = passkeys.of_people(transaction, [person.handle]) if person else []
        _check_room(has)
        handle = person.handle if person else new_handle()
        challenge = challenges.new(asker=who.secret, person=handle)
        options = site.to_add(challenge, handle=handle, name=who.name, has=[one.credential for one in has])
        given = shown_name(act.form["name"])
        return challenges.page(request, "passkey_add", challenge, options, who=who, given=given, place="passkeys")

    @routes.post("/passkeys", max_body_size=MAX_BODY)
    def add(request: Request, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Add the passkey that the browser has made. With the first one come recovery codes."""
        who, now = act.who, context.clock()
        check_may_add(who, now)
        challenges.allow(request)
        handle, made = made_by(challenges, request, act.form["answer"], asker=who.secret)
        codes, doing = new_codes(), Act(context.new_id("op_"), act.by, now)
        with context.ledger.write() as transaction:
            person = person_of(transaction, who, now, lock=True)
            is_first = person is None
            if person is None:
                person = _holder(transaction, who, handle, now)
                acts.put_codes(transaction, Act(context.new_id("op_"), act.by, now), person, codes)
            elif person.handle != handle:  # the authenticator would give another person's handle ever after
                raise Problem(409, "passkey-overtaken", "your first passkey was added elsewhere meanwhile: begin again")
            _check_room(passkeys.of_people(transaction, [person.handle]))
            store(transaction, doing, person, made, act.form["name"])
        response = pages.page("recovery_codes", who, codes=codes, place="passkeys") if is_first else see(PAGE)
        CHALLENGE.drop(request, response)
        return response

    return routes


def person_of(transaction: Transaction, who: SignedIn, now: dt.datetime, *, lock: bool = False) -> Person | None:
    """Return the person with passkeys that somebody is, if any. `lock`: who else asks waits."""
    known = who.session.who
    if isinstance(known, Token):
        return passkeys.holder_of(transaction, known.id, lock=lock)
    return passkeys.person_of(transaction, known.subject, now=now) if known.issuer == PASSKEY else None


def is_known_elsewhere(who: SignedIn) -> bool:
    """Return whether a provider says who they are: a passkey of ours would outlive its word."""
    return not isinstance(who.session.who, Token) and who.session.who.issuer != PASSKEY


def is_fresh(who: SignedIn, now: dt.datetime) -> bool:
    """Return whether somebody has just signed in: who finds a console that was left open adds no way in."""
    return now - who.session.created < _FRESH


def check_may_add(who: SignedIn, now: dt.datetime) -> None:
    """Raise Problem 403 or 409 unless they may add what lets them in later."""
    if is_known_elsewhere(who):
        raise Problem(409, "passkey-elsewhere", "you sign in at your provider: it keeps any passkeys that you have")
    if not is_fresh(who, now):
        raise Problem(403, "sign-in-too-old", "sign out and in again first: you signed in more than 10 minutes ago")


def new_handle() -> str:
    """Return a handle for a person, which their authenticators will keep. It says nothing about them."""
    return secrets.token_urlsafe(_HANDLE)


def made_by(challenges: Challenges, request: Request, answer: str, *, asker: str) -> "tuple[str, NewPasskey]":
    """Return the handle that a browser has made a passkey for, as the asker, and the passkey. Raises Refused."""
    site = challenges.site
    try:
        challenge, asked = challenges.taken(request, asker=asker)
        assert asked.person is not None
        return asked.person, site.added(answer, challenge)
    except NotIdentified as error:
        note(error)
        raise Refused(403, error.code, error.message) from error


def store(transaction: Transaction, act: Act, person: Person, made: "NewPasskey", name: str) -> Passkey:
    """Keep a passkey that a browser has made. Raises Problem 409 if it is somebody's already."""
    added = passkeys.add(
        transaction,
        made.credential,
        person=person.handle,
        name=shown_name(name) or "Passkey",
        key=made.key,
        counter=made.counter,
        now=act.at,
    )
    if added is None:
        raise Problem(409, "passkey-known", "this passkey was added already")
    acts.add_passkey(transaction, act, person, added)
    return added


def _holder(transaction: Transaction, who: SignedIn, handle: str, now: dt.datetime) -> Person:
    """Record that the holder of the token has passkeys from now on."""
    assert isinstance(who.session.who, Token)
    token = passkeys.hash_of_token(transaction, who.session.who.id)
    return passkeys.add_person(transaction, handle, name=who.name, role=who.role, token=token, now=now)


def _check_room(has: Sequence[Passkey]) -> None:
    if len(has) >= _MOST:
        raise Problem(409, "too-many-passkeys", f"you have {_MOST} passkeys, the most that are kept: remove one first")
