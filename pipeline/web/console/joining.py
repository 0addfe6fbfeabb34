"""Accepting an invitation: a link that makes one person, with the passkey that their browser makes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from pipeline.identity.recovery import new_codes
from pipeline.ledger import Transaction, passkeys
from pipeline.ledger.passkeys import Invitation
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import Context
from pipeline.web.console import sessions
from pipeline.web.console.adding_passkeys import made_by, new_handle, store
from pipeline.web.console.challenges import Challenges
from pipeline.web.console.cookies import CHALLENGE
from pipeline.web.console.forms import MAX_BODY, Form, own_form
from pipeline.web.console.pages import Pages
from pipeline.web.refusals import Refused
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages, challenges: Challenges) -> Room:
    routes = pages.router()

    @routes.get("/join")
    def join_page() -> Response:
        """Show where an invitation leads. Its secret follows a `#`, so that no request and no log has it."""
        challenges.site  # noqa: B018  raises where there are no passkeys
        return pages.page("join", None, script=True)

    @routes.post("/join/begin", max_body_size=MAX_BODY)
    def begin(request: Request, form: Annotated[Form, Depends(own_form)]) -> Response:
        """Have the browser make a passkey."""
        site = challenges.site
        challenges.allow(request)
        secret, handle = form["invitation"].strip(), new_handle()
        with context.ledger.read() as transaction:
            found = _invitation(transaction, secret)
        challenge = challenges.new(asker=secret, person=handle)
        options = site.to_add(challenge, handle=handle, name=found.name, has=())
        return challenges.page(request, "passkey_join", challenge, options, who=None, invited=found, invitation=secret)

    @routes.post("/join", max_body_size=MAX_BODY)
    def join(request: Request, form: Annotated[Form, Depends(own_form)]) -> Response:
        """Make a person of the invitation, sign them in, and show their recovery codes once."""
        challenges.allow(request)
        handle, made = made_by(challenges, request, form["answer"], asker=form["invitation"])
        codes, now = new_codes(), context.clock()
        with context.ledger.write() as transaction:
            found = _invitation(transaction, form["invitation"])
            if not passkeys.end_invitation(transaction, found):
                raise _used()
            person = passkeys.add_person(transaction, handle, name=found.name, role=found.role, token=None, now=now)
            act = Act(context.new_id("op_"), person.by, now)
            passkey = store(transaction, act, person, made, form["name"])
            acts.put_codes(transaction, Act(context.new_id("op_"), person.by, now), person, codes)
            how = f"by passkey {passkey.id} ({passkey.name})"
            secret = sessions.begin_in(
                transaction, context, request, person, by=person.by, passkey=passkey.hash, reason=how
            )
        response = pages.page("recovery_codes", None, codes=codes)
        sessions.keep(context, request, response, secret)
        CHALLENGE.drop(request, response)
        return response

    def _invitation(transaction: Transaction, secret: str) -> Invitation:
        """Return the invitation. Raises Refused 403 if it is none that can be accepted."""
        found = passkeys.invited(transaction, secret, now=context.clock())
        if found is None:
            raise _used()
        return found

    return routes


def _used() -> Refused:
    words = "this invitation is unknown, was accepted or withdrawn, or is too old: ask for another one"
    return Refused(403, "invitation-invalid", words)
