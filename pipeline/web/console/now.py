"""What goes on at the moment, and what went on in the last day."""

from typing import Annotated

from fastapi import Depends, Response

from pipeline.stages.context import Context
from pipeline.views.now import now_view
from pipeline.web.console.live import Watched
from pipeline.web.console.pages import Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.console.streams import watched_site
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()

    @routes.get("/now")
    def now_page(
        who: Annotated[SignedIn, Depends(signed_in(context))], live: Annotated[Watched, Depends(watched_site(context))]
    ) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            seen = now_view(context, transaction, now)
        return pages.page("now", who, now=now, seen=seen, live=live, place="now")

    return routes
