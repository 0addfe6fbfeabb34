"""Send a channel again what it had since a time: counted first, and then exactly that."""

from typing import Annotated

from fastapi import Depends, Query, Response

from pipeline.ledger import deliveries
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay_portion
from pipeline.stages.context import Context
from pipeline.views.system import channel_health
from pipeline.web.channels import check_channel
from pipeline.web.console.channels import address_of_channel
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.moments import moment_of, shown_at
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, pages: Pages, intake: Intake) -> Room:
    routes = pages.router()
    who_is = signed_in(context)

    @routes.get("/channels/{channel}/replay")
    def replay_page(
        channel: str, who: Annotated[SignedIn, Depends(who_is)], since: Annotated[str, Query(max_length=40)] = ""
    ) -> Response:
        now = context.clock()
        first = moment_of(since, field="since") if since else None
        with context.ledger.read() as transaction:
            check_channel(context, transaction, channel)
            disabled = channel_health(transaction, channel, now).disabled
            left = deliveries.left_to_replay(transaction, channel, since=first, before=now) if first else (0, None)
        return pages.page(
            "replay",
            who,
            now=now,
            channel=channel,
            here=address_of_channel(channel),
            since=first,
            number=left[0],
            disabled=disabled,
            place="channels",
        )

    @routes.post("/channels/{channel}/replay", max_body_size=MAX_BODY)
    def replay_since(channel: str, act: Annotated[Acting, Depends(acting(who_is))]) -> Response:
        """Send again what the page counted: no more than it said, and nothing that ended later."""
        since, seen = moment_of(act.form["since"], field="since"), shown_at(act.form["seen"])
        with context.ledger.read() as transaction:
            check_channel(context, transaction, channel)
        most = _number(act.form["number"])
        done = replay_portion(intake, by=act.by, channel=channel, since=since, before=seen, limit=most).done
        if done.operation is None:
            raise Problem(409, "nothing-to-replay", "what the page counted was sent again in the meantime")
        return see(address_of(done.operation))

    return routes


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Problem(400, "invalid-form", "`number` is not a number: load the page again")
    return int(text)
