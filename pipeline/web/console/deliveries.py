"""A delivery: each attempt at it, and what the other end answered."""

from typing import Annotated

from fastapi import Depends, Response

from pipeline.ledger import deliveries
from pipeline.stages.context import Context
from pipeline.views.deliveries import MAX_ATTEMPTS, delivery_with_attempts
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/deliveries/{delivery_id}")
    def delivery_page(delivery_id: str, who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        with context.ledger.read() as transaction:
            found = deliveries.find(transaction, delivery_id)
            if found is None:
                raise Problem(404, "unknown-delivery", f"no delivery {delivery_id!r} is known")
            one = delivery_with_attempts(transaction, found)
        return pages.page("delivery", who, one=one, most=MAX_ATTEMPTS, place="channels")

    return routes
