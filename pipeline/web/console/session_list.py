"""Sessions: one's own, and for administrators everybody's, with what ends them."""

from typing import Annotated

from fastapi import Depends, Request, Response

from pipeline.ledger import Transaction, sessions
from pipeline.ledger.sessions import Session
from pipeline.stages import acts
from pipeline.stages.acts import act_of
from pipeline.stages.context import Context
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.provider import signed_out
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_PAGE = f"{HOME}/sessions"


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()
    who_is = signed_in(context)
    admitted = acting(who_is)

    @routes.get("/sessions")
    def session_page(who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        with context.ledger.read() as transaction:
            found = _visible(context, transaction, who)
        own = [one for one in found if one.is_of_same_person(who.session)]
        others = [one for one in found if not one.is_of_same_person(who.session)]
        return pages.page("sessions", who, own=own, others=others, limits=context.policy.sessions, place="sessions")

    @routes.post("/sessions/end", max_body_size=MAX_BODY)
    def end_own(request: Request, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Sign out everywhere, here too."""
        with context.ledger.write() as transaction:
            found = _visible(context, transaction, act.who)
            own = [one for one in found if one.is_of_same_person(act.who.session)]
            acts.end_sessions(transaction, act_of(context, act.by), own)
        return signed_out(pages, request, act.who)

    @routes.post("/sessions/{session}/end", max_body_size=MAX_BODY)
    def end_one(request: Request, session: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        with context.ledger.write() as transaction:
            ended = [one for one in _visible(context, transaction, act.who) if one.id == session]
            if not ended:
                raise Problem(404, "unknown-session", "there is no such session, or it has ended")
            acts.end_sessions(transaction, act_of(context, act.by), ended)
        if session != act.who.session.id:
            return see(_PAGE)
        return signed_out(pages, request, act.who)

    return routes


def _visible(context: Context, transaction: Transaction, who: SignedIn) -> list[Session]:
    """Return the sessions that this person may see and end."""
    found = sessions.every(transaction, now=context.clock(), limits=context.policy.sessions)
    return [one for one in found if who.may("sessions") or one.is_of_same_person(who.session)]
