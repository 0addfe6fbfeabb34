"""/partners/{channel}: what partners see of their own deliveries, and what they can do about them by themselves."""

import datetime as dt
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.deliveries import Delivery, channels
from pipeline.model.delivery import DeliveryState
from pipeline.stages import acts
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay, replay_portion
from pipeline.stages.acts import act_of
from pipeline.stages.context import Context
from pipeline.views import deliveries as deliveries_views
from pipeline.views import events as events_views
from pipeline.views import own_channel
from pipeline.views.own_channel import PAUSED_BY_PARTNER
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.openapi.answers import problems
from pipeline.web.partners.admitted import Partner, admitted
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room

FARTHEST = dt.timedelta(days=7)  # from which a partner may have everything sent again
_REPLAYS = Rate(1 / 60, 3)  # of all that a channel was sent: each writes a line to the audit for every delivery


def router(context: Context, intake: Intake, limiter: Limiter) -> Room:
    own = Room("/partners/{channel}", tags=["partners"], dependencies=[UNLESS_OUTDATED])
    Mine = Annotated[Partner, Depends(admitted(context, limiter))]  # noqa: N806 # a type, made for this router
    answers = problems(401, 403, 404, 422, 429)

    def known(transaction: Transaction, mine: Partner, delivery_id: str) -> Delivery:
        one = deliveries.find(transaction, delivery_id)
        if one is None or one.channel != mine.plan.id:  # another partner's is as if it were not there
            raise Problem(404, "unknown-delivery", f"no delivery {delivery_id!r} is known")
        return one

    @own.get("", responses=answers)
    def get_own_channel(mine: Mine) -> own_channel.OwnChannel:
        """Return whether your channel can be sent to; if not, since when."""
        with context.ledger.read() as transaction:
            return own_channel.own_channel(transaction, mine.plan, now=intake.clock())

    @own.get("/deliveries", responses=answers)
    def get_own_deliveries(
        mine: Mine,
        state: Annotated[DeliveryState | None, Query(description="Only deliveries in this state.")] = None,
        after: Annotated[str | None, Query(description="The `next` of the previous page.")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
    ) -> deliveries_views.DeliveryList:
        """List the deliveries to your channel by article. `next` is null on the last page."""
        with context.ledger.read() as transaction:
            last = None if after is None else known(transaction, mine, after)
            some = deliveries.search(transaction, state=state, channel=mine.plan.id, after=last, limit=limit + 1)
            return own_channel.own_deliveries(deliveries_views.delivery_list(transaction, some, limit=limit))

    @own.get("/deliveries/{delivery_id}", responses=answers)
    def get_own_delivery(delivery_id: str, mine: Mine) -> deliveries_views.DeliveryWithAttempts:
        """Return a delivery to your channel with its newest attempts, and what you answered."""
        with context.ledger.read() as transaction:
            one = known(transaction, mine, delivery_id)
            return own_channel.own_delivery(deliveries_views.delivery_with_attempts(transaction, one))

    @own.post("/deliveries/{delivery_id}/replay", responses=answers)
    def replay_own_delivery(delivery_id: str, mine: Mine) -> events_views.Replayed:
        """Have a delivery that was given up attempted again, with all its attempts."""
        with context.ledger.read() as transaction:
            known(transaction, mine, delivery_id)
        done = replay(intake, by=mine.grant.name, id=delivery_id)
        if not done.count:
            raise Problem(404, "nothing-to-replay", f"the delivery {delivery_id!r} was not given up")
        return events_views.replayed(done)

    @own.post("/replay", responses=answers)
    def replay_own_since(
        mine: Mine,
        since: Annotated[AwareDatetime, Query(description="A time of the last seven days.")],
        before: Annotated[
            AwareDatetime | None, Query(description="Only what you were sent until then. Without: until now.")
        ] = None,
    ) -> own_channel.OwnReplayed:
        """Have everything sent again that you were sent, or should have been, since a time.

        It comes with the same message ids as before. If your channel is disabled, it is enabled. At most a thousand
        deliveries are sent again, the oldest first; the answer says how many are left, and from where to go on.
        """
        now = intake.clock()
        if since < now - FARTHEST:
            raise Problem(
                422, "invalid-field", f"since: must be within the last {FARTHEST.days} days; ask the operator"
            )
        allow(limiter, f"replay:{mine.plan.id}", _REPLAYS)
        until = min(before or now, now)
        again = replay_portion(
            intake,
            by=mine.grant.name,
            channel=mine.plan.id,
            since=since,
            before=until,
            limit=context.policy.partner_replay,
        )
        return own_channel.own_replayed(again, before=until)

    @own.post("/pause", responses=answers)
    def pause_own_channel(mine: Mine) -> own_channel.OwnChannel:
        """Be sent nothing until you resume, withdrawals included: until then you may show what was withdrawn."""
        with context.ledger.write() as transaction:
            acts.pause(
                transaction, act_of(intake, mine.grant.name), mine.plan.id, reason=PAUSED_BY_PARTNER, by="partner"
            )
            return own_channel.own_channel(transaction, mine.plan, now=intake.clock())

    @own.post("/resume", responses=answers | problems(409))
    def resume_own_channel(mine: Mine) -> own_channel.OwnChannel:
        """Be sent deliveries again, withdrawals first. What an operator has paused, an operator resumes."""
        with context.ledger.write() as transaction:
            health = channels.health(transaction, mine.plan.id, lock=True)
            if health.paused is not None and health.paused_by != "partner":
                raise Problem(409, "paused-by-operator", "the operator has paused the channel, and can resume it")
            acts.resume(transaction, act_of(intake, mine.grant.name), mine.plan.id, by="partner")
            return own_channel.own_channel(transaction, mine.plan, now=intake.clock())

    return own
