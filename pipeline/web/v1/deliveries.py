"""/v1/deliveries: what each channel should have, the attempts at it, and replays."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from pipeline.ledger import deliveries
from pipeline.model.delivery import DeliveryState
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay
from pipeline.stages.context import Context
from pipeline.views import deliveries as deliveries_views
from pipeline.views import events as events_views
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.openapi.answers import problems
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room


def router(context: Context, intake: Intake) -> Room:
    api = Room("/v1/deliveries", tags=["deliveries"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("", responses=problems(401, 403, 404, 422))
    def get_deliveries(
        _: Annotated[Grant, Depends(caller)],
        state: Annotated[DeliveryState | None, Query(description="Only deliveries in this state.")] = None,
        channel: Annotated[str | None, Query(description="Only deliveries to this channel.")] = None,
        after: Annotated[str | None, Query(description="The `next` of the previous page.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> deliveries_views.DeliveryList:
        """List deliveries by article and channel. `next` is null on the last page."""
        with context.ledger.read() as transaction:
            last = None if after is None else _known(deliveries.find(transaction, after), after)
            found = deliveries.search(transaction, state=state, channel=channel, after=last, limit=limit + 1)
            return deliveries_views.delivery_list(transaction, found, limit=limit)

    @api.get("/{delivery_id}", responses=problems(401, 403, 404, 422))
    def get_delivery(delivery_id: str, _: Annotated[Grant, Depends(caller)]) -> deliveries_views.DeliveryWithAttempts:
        """Return a delivery with its newest attempts."""
        with context.ledger.read() as transaction:
            one = _known(deliveries.find(transaction, delivery_id), delivery_id)
            return deliveries_views.delivery_with_attempts(transaction, one)

    @api.post("/replay", responses=problems(401, 403, 404, 422))
    def replay_since(
        grant: Annotated[Grant, Depends(caller)],
        channel: Annotated[str, Query(description="A channel's id. A disabled channel is enabled.")],
        since: Annotated[AwareDatetime, Query(description="A time.")],
    ) -> events_views.Replayed:
        """Send a channel everything again that it was sent, or should have been sent, since the given time."""
        if channel not in context.channels:
            raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
        done = replay(intake, by=grant.name, channel=channel, since=since)
        return events_views.replayed(done)

    @api.post("/{delivery_id}/replay", responses=problems(401, 403, 404, 422))
    def replay_one(delivery_id: str, grant: Annotated[Grant, Depends(caller)]) -> events_views.Replayed:
        """Attempt an abandoned delivery again, with all its attempts."""
        done = replay(intake, by=grant.name, id=delivery_id)
        if not done.count:
            raise Problem(404, "nothing-to-replay", f"no abandoned delivery {delivery_id!r} is known")
        return events_views.replayed(done)

    return api


def _known(found: deliveries.Delivery | None, id: str) -> deliveries.Delivery:
    if found is None:
        raise Problem(404, "unknown-delivery", f"no delivery {id!r} is known")
    return found
