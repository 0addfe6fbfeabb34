"""The passkeys of whoever is signed in, and for administrators everybody's: removing them, and recovery codes."""

from typing import Annotated

from fastapi import Depends, Request, Response

from pipeline.identity.recovery import new_codes
from pipeline.ledger import Transaction, passkeys
from pipeline.ledger.passkeys import Person
from pipeline.stages import acts
from pipeline.stages.acts import act_of
from pipeline.stages.context import Context
from pipeline.web.console.adding_passkeys import PAGE, check_may_add, is_fresh, is_known_elsewhere, person_of
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.pages import Pages, see
from pipeline.web.console.provider import signed_out
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()
    who_is = signed_in(context)
    admitted = acting(who_is)

    @routes.get("/passkeys")
    def passkey_page(who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            person = person_of(transaction, who, now)
            people = _visible(transaction, who)
            found = passkeys.of_people(transaction, list(people))
            codes = passkeys.codes_left(transaction, list(people))
        own = person.handle if person else ""
        return pages.page(
            "passkeys",
            who,
            offered=context.passkeys is not None,
            elsewhere=is_known_elsewhere(who),
            fresh=is_fresh(who, now),
            own=[(person, one) for one in found if one.person == own],
            codes=codes.get(own, 0),
            others=[(people[one.person], one) for one in found if one.person != own],
            place="passkeys",
        )

    @routes.post("/passkeys/codes", max_body_size=MAX_BODY)
    def renew_codes(act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Make recovery codes in place of the former ones, and show them once."""
        now = context.clock()
        check_may_add(act.who, now)
        codes = new_codes()
        with context.ledger.write() as transaction:
            person = person_of(transaction, act.who, now)
            if person is None:
                raise Problem(409, "passkey-missing", "recovery codes are for people with a passkey: add one first")
            acts.put_codes(transaction, act_of(context, act.by), person, codes)
        return pages.page("recovery_codes", act.who, codes=codes, place="passkeys")

    @routes.post("/passkeys/{passkey}/remove", max_body_size=MAX_BODY)
    def remove(request: Request, passkey: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Remove a passkey, with the sessions that it began."""
        with context.ledger.write() as transaction:
            people = _visible(transaction, act.who)
            found = next((one for one in passkeys.of_people(transaction, list(people)) if one.id == passkey), None)
            if found is None:
                raise Problem(404, "unknown-passkey", "there is no such passkey, or it was removed")
            acts.remove_passkey(transaction, act_of(context, act.by), people[found.person], found)
        return signed_out(pages, request, act.who) if act.who.session.passkey == found.hash else see(PAGE)

    def _visible(transaction: Transaction, who: SignedIn) -> dict[str, Person]:
        """Return the people whose passkeys somebody may see and remove, by their handles."""
        if who.may("sessions"):
            return {one.handle: one for one in passkeys.everybody(transaction, now=context.clock())}
        person = person_of(transaction, who, context.clock())
        return {} if person is None else {person.handle: person}

    return routes
