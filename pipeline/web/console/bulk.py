"""An action on all articles that match a search: chosen, shown with what it concerns, and started."""

from collections.abc import Mapping
from typing import Annotated, get_args

from fastapi import Depends, Response

from pipeline.intake.fields.reasons import MAX_REASON
from pipeline.ledger import Transaction
from pipeline.ledger.articles import searching
from pipeline.ledger.articles.searching import Wanted
from pipeline.ledger.bulk import Action, Chosen
from pipeline.stages.accept import Intake
from pipeline.stages.bulk.starting import prepare, prepared, start, waiting
from pipeline.stages.context import Context
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, check_may, signed_in
from pipeline.web.needed import OF_ACTION
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

_FILTERS = ("q", "state", "channel", "evidence", "trouble")
_LABELS: dict[Action, str] = {
    "replay": "Replay what was given up",
    "publish-again": "Publish again, as the next revision",
    "release": "Release from being held",
    "withdraw": "Withdraw everywhere",
}


def filters_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return the filters of the list of articles that are set in an address or a form."""
    return {name: given[name] for name in _FILTERS if given.get(name)}


def wanted_of(given: Mapping[str, str]) -> Wanted:
    """Return what these filters look for."""
    return Wanted(
        given.get("q", "").strip() or None,
        given.get("state"),
        given.get("channel"),
        given.get("evidence"),
        bool(given.get("trouble")),
    )


def allowed(who: SignedIn) -> dict[Action, str]:
    """Return what somebody may do with many articles, in words."""
    return {one: label for one, label in _LABELS.items() if who.may("bulk") and who.may(OF_ACTION[one])}


def router(context: Context, pages: Pages, intake: Intake) -> Room:
    routes = pages.router()
    who_is = signed_in(context)
    acts = acting(who_is)

    @routes.post("/bulk", max_body_size=MAX_BODY)
    def choose(act: Annotated[Acting, Depends(acts)]) -> Response:
        """Write down what matches now, and lead to the page that shows it."""
        action = _action(act.form["action"])
        check_may(act.who, OF_ACTION[action])
        wanted = wanted_of(filters_of(act.form.fields))

        def matching(transaction: Transaction) -> list[Chosen]:
            return [Chosen(*one) for one in searching.every(transaction, wanted)]

        found = prepare(intake, action, matching, by=act.by)
        return see(f"{HOME}/bulk/{found.one.operation}")

    @routes.get("/bulk/{operation}")
    def ask(operation: str, who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        found = prepared(intake, operation)
        return pages.page(
            "bulk",
            who,
            one=found.one,
            label=_LABELS[found.one.action],
            holders=found.holders,
            may=found.one.by == who.by and found.one.action in allowed(who),
            most=MAX_REASON,
            place="articles",
        )

    @routes.post("/bulk/{operation}/start", max_body_size=MAX_BODY)
    def begin(operation: str, act: Annotated[Acting, Depends(acts)]) -> Response:
        check_may(act.who, OF_ACTION[waiting(intake, operation).action])
        return see(address_of(start(intake, operation, by=act.by, reason=act.form["reason"]).id))

    return routes


def _action(name: str) -> Action:
    for action in get_args(Action):
        if name == action:
            found: Action = action
            return found
    raise Problem(422, "invalid-parameter", "there is no such action")
