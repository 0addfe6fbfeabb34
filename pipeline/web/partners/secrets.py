"""/partners/{channel}/secret: a partner replaces the secrets that its webhooks are signed with."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from pipeline.channels import RotatingChannel
from pipeline.errors import ConfigError
from pipeline.stages.accept import Intake
from pipeline.stages.acts import Act
from pipeline.stages.context import Context
from pipeline.stages.partners import rotation
from pipeline.views import own_channel
from pipeline.web.changing import refusing_when_outdated
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.openapi.answers import problems
from pipeline.web.partners.admitted import Partner, admitted
from pipeline.web.problems import Problem

_ROTATIONS = Rate(1 / 3600, 3)  # of one channel
_LONGEST = 168  # hours
_PRIVATE = {"Cache-Control": "private, no-store"}


def router(context: Context, intake: Intake, limiter: Limiter) -> APIRouter:
    unchanging = Depends(refusing_when_outdated(context))
    own = APIRouter(prefix="/partners/{channel}/secret", tags=["partners"], dependencies=[unchanging])
    Mine = Annotated[Partner, Depends(admitted(context, limiter))]  # noqa: N806 # a type, made for this router
    answers = problems(401, 403, 404, 409, 422, 429, 503)

    def act_of(mine: Partner) -> Act:
        return Act(intake.new_id("op_"), mine.grant.name, intake.clock())

    @own.post("/rotate", responses=answers)
    def rotate_own_secret(
        mine: Mine,
        response: Response,
        overlap_hours: Annotated[
            float, Query(ge=0, le=_LONGEST, description="How long the former secrets sign too. 0: they have leaked.")
        ] = 24,
    ) -> own_channel.NewSecret:
        """Make a new secret for your channel. It is shown in this answer alone, so keep it.

        Until the overlap ends, or you end it, each message has a signature by the new secret and by the former ones. If
        the channel signs with Ed25519, the new key's public half is shown.
        """
        act, overlap = act_of(mine), dt.timedelta(hours=overlap_hours)
        with _opened(mine) as channel:
            allow(limiter, f"rotate:{mine.plan.id}", _ROTATIONS)
            with context.ledger.write() as transaction:
                new = rotation.rotate(context, transaction, act, channel, mine.plan.id, overlap=overlap)
        response.headers.update(_PRIVATE)
        return own_channel.NewSecret(mine.plan.id, new.secret, new.public_key, new.former_until, act.operation)

    @own.post("/end-former", responses=answers)
    def end_own_former_secrets(mine: Mine) -> own_channel.OwnChannel:
        """End the overlap: your messages are signed by the newest secret alone."""
        with _opened(mine) as channel, context.ledger.write() as transaction:
            rotation.end_former(context, transaction, act_of(mine), channel, mine.plan.id)
            return own_channel.own_channel(transaction, mine.plan, now=intake.clock())

    return own


@contextlib.contextmanager
def _opened(mine: Partner) -> Iterator[RotatingChannel]:
    """Open the channel. Raises Problem if it signs nothing, or cannot be opened for a reason that is the operator's."""
    try:
        channel = mine.plan.open()
        try:
            if not isinstance(channel, RotatingChannel):
                raise Problem(409, "nothing-signed", "this channel signs nothing")
            yield channel
        finally:
            channel.close()
    except ConfigError:
        raise Problem(503, "not-served", "the channel cannot be opened at the moment") from None
