"""/partners/{channel}/secret: a partner replaces the secrets that its webhooks are signed with."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Query, Response

from pipeline.stages.accept import Intake
from pipeline.stages.acts import act_of
from pipeline.stages.context import Context
from pipeline.views import own_channel
from pipeline.web import rotating
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.openapi.answers import problems
from pipeline.web.partners.admitted import Partner, admitted
from pipeline.web.rooms import Room

_ROTATIONS = Rate(1 / 3600, 3)  # of one channel


def router(context: Context, intake: Intake, limiter: Limiter) -> Room:
    own = Room("/partners/{channel}/secret", tags=["partners"], dependencies=[UNLESS_OUTDATED])
    Mine = Annotated[Partner, Depends(admitted(context, limiter))]  # noqa: N806 # a type, made for this router
    answers = problems(401, 403, 404, 409, 422, 429, 503)

    @own.post("/rotate", responses=answers)
    def rotate_own_secret(
        mine: Mine,
        response: Response,
        overlap_hours: Annotated[
            float,
            Query(ge=0, le=rotating.LONGEST, description="How long the former secrets sign too. 0: they have leaked."),
        ] = rotating.USUAL,
    ) -> own_channel.NewSecret:
        """Make a new secret for your channel. It is shown in this answer alone, so keep it.

        Until the overlap ends, or you end it, each message has a signature by the new secret and by the former ones. If
        the channel signs with Ed25519, the new key's public half is shown.
        """
        act, name = act_of(intake, mine.grant.name), f"rotate:{mine.plan.id}"
        counted = partial(allow, limiter, name, _ROTATIONS)
        new = rotating.rotate(context, act, mine.plan, overlap_hours=overlap_hours, allow=counted)
        response.headers.update(rotating.PRIVATE)
        return own_channel.new_secret(mine.plan.id, new, act.operation)

    @own.post("/end-former", responses=answers)
    def end_own_former_secrets(mine: Mine) -> own_channel.OwnChannel:
        """End the overlap: your messages are signed by the newest secret alone."""
        rotating.end_former(context, act_of(intake, mine.grant.name), mine.plan)
        with context.ledger.read() as transaction:
            return own_channel.own_channel(transaction, mine.plan, now=intake.clock())

    return own
