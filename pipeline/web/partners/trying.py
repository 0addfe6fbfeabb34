"""/partners/{channel}: a test event, and a check of signatures, for partners who set up their end."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from pipeline.channels import SignedChannel
from pipeline.errors import ConfigError
from pipeline.stages.accept import Intake
from pipeline.stages.context import Context
from pipeline.views import own_channel
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.limits import Limiter
from pipeline.web.openapi.answers import problems
from pipeline.web.partners.admitted import Partner, admitted
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room
from pipeline.web.trying import Trials

MAX_BODY = 8_000_000  # bytes of a message whose signature is checked
_MESSAGE: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    ],
    "requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
}


def router(context: Context, intake: Intake, limiter: Limiter, trials: Trials) -> Room:
    own = Room("/partners/{channel}", tags=["partners"], dependencies=[UNLESS_OUTDATED])
    Mine = Annotated[Partner, Depends(admitted(context, limiter))]  # noqa: N806 # a type, made for this router
    answers = problems(401, 403, 404, 422, 429)

    @own.post("/test", responses=answers | problems(409))
    def test_own_channel(mine: Mine) -> own_channel.OwnTest:
        """Be sent a signed test event: the withdrawal of an article that never was. Answer it as any other."""
        if not mine.plan.takes_sample:
            raise Problem(409, "takes-no-sample", "a test event can be sent to webhooks only")
        made = trials.of(mine.plan, by=mine.grant.name)
        tried = made.tried
        return own_channel.OwnTest(tried.ok, tried.status, tried.code, made.operation)

    @own.post("/signature", max_body_size=MAX_BODY, responses=answers | problems(409, 413, 503), openapi_extra=_MESSAGE)
    async def check_signature(request: Request, mine: Mine) -> own_channel.SignatureReport:
        """Say whether a message was signed by your channel, and if not, which check fails and why. Nothing is kept.

        Send the body and the headers as you received them, with your token in `Authorization`.
        """
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await run_in_threadpool(verified, mine, headers, await request.body())

    def verified(mine: Partner, headers: Mapping[str, str], body: bytes) -> own_channel.SignatureReport:
        try:
            channel = mine.plan.open()
        except ConfigError:
            raise Problem(503, "not-served", "the channel cannot be opened at the moment") from None
        try:
            if not isinstance(channel, SignedChannel):
                raise Problem(409, "nothing-signed", "this channel signs nothing")
            return own_channel.signature_report(channel.verify(headers, body, now=intake.clock()))
        finally:
            channel.close()

    return own
