"""What was shown of an article at a time: on the site, or at a channel."""

from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Query, Response

from pipeline.ledger import articles
from pipeline.ledger.deliveries import channel_contents
from pipeline.stages.context import Context
from pipeline.views.snapshots import snapshot
from pipeline.web.console.moments import moment_of
from pipeline.web.console.pages import HOME, Pages
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages) -> Room:
    routes = pages.router()

    @routes.get("/articles/{article_id}/shown")
    def shown_then(
        article_id: str,
        who: Annotated[SignedIn, Depends(signed_in(context))],
        at: Annotated[str, Query(max_length=40)] = "",
        channel: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        now = context.clock()
        moment = moment_of(at, field="at") if at else now
        with context.ledger.read() as transaction:
            if articles.get(transaction, article_id) is None:
                raise Problem(404, "unknown-article", f"no article {article_id!r} is known")
            channels = sorted(context.channels_now(transaction))
            if channel and channel not in channels and not channel_contents.ever(transaction, article_id, channel):
                raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
            found = snapshot(transaction, article_id, channel or None, moment)
        channels = sorted({*channels, channel} - {""})
        here = f"{HOME}/articles/{quote(article_id, safe='')}"
        return pages.page("shown", who, now=now, one=found, here=here, channels=channels, place="articles")

    return routes
