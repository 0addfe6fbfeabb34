"""/v1/deliveries: what each channel is owed, every attempt at it, and its second chance."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime

from pipeline import views
from pipeline.ledger import deliveries
from pipeline.ledger.deliveries import channels as ledger_channels
from pipeline.stages.context import Context
from pipeline.web.auth import require
from pipeline.web.problems import Problem


def router(context: Context) -> APIRouter:
    api = APIRouter(prefix="/v1")

    @api.get("/deliveries")
    def get_deliveries(
        request: Request,
        state: str | None = Query(None, pattern="^(pending|sending|delivered|abandoned)$"),
        channel: str | None = None,
        limit: int = Query(100, ge=1, le=1000),
    ) -> views.DeliveryList:
        require(context, request, "publish")
        with context.ledger.read() as transaction:
            found = deliveries.search(transaction, state=state, channel=channel, limit=limit + 1)
            return views.DeliveryList(views.deliveries(transaction, found[:limit]), truncated=len(found) > limit)

    @api.get("/deliveries/{delivery_id}")
    def get_delivery(request: Request, delivery_id: str) -> views.DeliveryWithAttempts:
        """A delivery with every attempt that is kept, the newest first."""
        require(context, request, "publish")
        with context.ledger.read() as transaction:
            one = deliveries.find(transaction, delivery_id)
            if one is None:
                raise Problem(404, "unknown-delivery", f"no delivery {delivery_id!r} is known")
            return views.delivery_with_attempts(transaction, one)

    @api.post("/deliveries/replay")
    def replay_since(request: Request, channel: str, since: AwareDatetime) -> views.Replayed:
        """Send a channel everything once more that it was sent, or should have been, since a time."""
        require(context, request, "admin")
        if channel not in context.channels:
            raise Problem(404, "unknown-channel", f"there is no channel {channel!r}")
        with context.ledger.write() as transaction:
            ledger_channels.enable(transaction, channel)
            again = deliveries.replay(transaction, now=context.clock(), channel=channel, since=since)
        context.doorbell.ring("deliver", channel)
        return views.Replayed(len(again))

    @api.post("/deliveries/{delivery_id}/replay")
    def replay(request: Request, delivery_id: str) -> views.Replayed:
        require(context, request, "admin")
        with context.ledger.write() as transaction:
            channels = deliveries.replay(transaction, now=context.clock(), id=delivery_id)
        if not channels:
            raise Problem(404, "nothing-to-replay", f"no abandoned delivery {delivery_id!r} is known")
        for channel in channels:
            context.doorbell.ring("deliver", channel)
        return views.Replayed(len(channels))

    return api
