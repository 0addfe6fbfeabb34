"""Signing in with a passkey."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from pipeline.identity import NotIdentified
from pipeline.ledger import passkeys
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import Context
from pipeline.web.console import sessions
from pipeline.web.console.challenges import Challenges, note
from pipeline.web.console.cookies import CHALLENGE
from pipeline.web.console.forms import MAX_BODY, Form, own_form
from pipeline.web.console.pages import Pages, own_address, see
from pipeline.web.console.sessions import opens_console
from pipeline.web.console.ways_in import sign_in_page
from pipeline.web.refusals import refusals
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages, challenges: Challenges) -> Room:
    routes = pages.router()

    @routes.post("/sign-in/passkey", max_body_size=MAX_BODY)
    def ask(request: Request, form: Annotated[Form, Depends(own_form)]) -> Response:
        """Have the browser ask for a passkey."""
        site = challenges.site
        challenges.allow(request)
        challenge = challenges.new()
        options, next = site.to_sign_in(challenge), own_address(form["next"])
        return challenges.page(request, "passkey", challenge, options, who=None, next=next)

    @routes.post("/sign-in/passkey/answer", max_body_size=MAX_BODY)
    def answer(request: Request, form: Annotated[Form, Depends(own_form)]) -> Response:
        challenges.allow(request)
        next = own_address(form["next"])
        try:
            secret = _signed_in(request, form["answer"])
        except NotIdentified as error:
            note(error)
            refusals(request).count(request, error.code)
            response = sign_in_page(pages, status=403, next=next, refused=f"{error.message} ({error.code})")
        else:
            response = see(next)
            sessions.keep(context, request, response, secret)
        CHALLENGE.drop(request, response)
        return response

    def _signed_in(request: Request, answer: str) -> str:
        """Begin a session for whoever has answered; return its secret. Raises NotIdentified."""
        site, now = challenges.site, context.clock()
        challenge, _ = challenges.taken(request)
        said = site.read(answer)
        with context.ledger.write() as transaction:
            found = passkeys.find(transaction, said.credential, now=now)
            if found is None or not opens_console(found[1].role):
                raise NotIdentified(_UNKNOWN, code="passkey-unknown")
            passkey, person = found
            if said.handle != person.handle:
                raise NotIdentified(_OF_ANOTHER, code="passkey-refused")
            counter = site.counter_of(said, challenge, key=passkey.key)
            how = f"by passkey {passkey.id} ({passkey.name})"
            if counter > passkey.counter or counter == passkey.counter == 0:
                passkeys.record_use(transaction, passkey, counter=counter, now=now)
                return sessions.begin_in(
                    transaction, context, request, person, by=person.by, passkey=passkey.hash, reason=how
                )
            why = f"{how}: it has signed {counter} times, after {passkey.counter}, so there may be a copy"
            acts.record(transaction, Act(context.new_id("op_"), person.by, now), "sign-in", "refused", reason=why)
        raise NotIdentified(_COPY, code="passkey-counter", answer=why)

    return routes


_UNKNOWN = "This passkey opens nothing here: it was removed, or what it was added with is no longer valid."
_OF_ANOTHER = "This passkey is another person’s than your device says. Sign in with a token or a recovery code."
_COPY = (
    "Your passkey counts fewer sign-ins than this site has seen, so there may be a copy of it. Sign in with a token or "
    "a recovery code, and remove it."
)
