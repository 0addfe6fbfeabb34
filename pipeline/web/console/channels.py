"""Channels: their states in words, what was given up at each, and what can be done about it."""

import datetime as dt
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Query, Response

from pipeline.intake.fields.reasons import MAX_REASON, reason_of
from pipeline.ledger import deliveries
from pipeline.stages import acts
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay
from pipeline.stages.acts import act_of
from pipeline.stages.context import Context
from pipeline.stages.partners import rotation
from pipeline.views.channel_figures import figures_of
from pipeline.views.channel_state import ChannelState, state_of
from pipeline.views.system import ChannelHealth, channel_health, channel_healths
from pipeline.web import rotating
from pipeline.web.channels import check_channel, known_channel
from pipeline.web.console import words
from pipeline.web.console.forms import MAX_BODY, Acting, acting
from pipeline.web.console.operations import address_of
from pipeline.web.console.pages import HOME, Pages, see
from pipeline.web.console.sessions import SignedIn, signed_in
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room
from pipeline.web.trying import Trials

_PAGE = 100  # abandoned deliveries


def address_of_channel(channel: str) -> str:
    return f"{HOME}/channels/{quote(channel, safe='')}"


def router(context: Context, pages: Pages, intake: Intake, trials: Trials) -> Room:
    routes = pages.router()
    who_is = signed_in(context)
    admitted = acting(who_is)

    @routes.get("/channels")
    def channels(who: Annotated[SignedIn, Depends(who_is)]) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            plans = [one for one in context.channels_now(transaction).values() if not one.retired]
            found = channel_healths(transaction, [one.id for one in plans], now)
        rows = [(plan, one, _state(one, now)) for plan, one in zip(plans, found, strict=True)]
        return pages.page("channels", who, now=now, rows=rows, place="channels")

    @routes.get("/channels/{channel}")
    def channel_page(
        channel: str, who: Annotated[SignedIn, Depends(who_is)], after: Annotated[str, Query(max_length=200)] = ""
    ) -> Response:
        now = context.clock()
        with context.ledger.read() as transaction:
            check_channel(context, transaction, channel)
            plan, one = context.channels_now(transaction)[channel], channel_health(transaction, channel, now)
            dead = deliveries.abandoned_at(transaction, channel, after=after, limit=_PAGE + 1)
            owed = deliveries.count_outstanding_withdrawals(transaction, channel)
            figures = figures_of(transaction, channel, now)
        return pages.page(
            "channel",
            who,
            now=now,
            plan=plan,
            one=one,
            state=_state(one, now),
            dead=dead[:_PAGE],
            more=dead[_PAGE - 1].article if len(dead) > _PAGE else None,
            owed=owed,
            figures=figures,
            most=MAX_REASON,
            can_seal=context.sealer is not None,
            usual=rotating.USUAL,
            longest=rotating.LONGEST,
            place="channels",
        )

    @routes.post("/channels/{channel}/pause", max_body_size=MAX_BODY)
    def pause(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        reason = reason_of(act.form["reason"], field="reason")
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            acts.pause(transaction, act_of(intake, act.by), channel, reason=f"{reason} ({act.by})")
        return see(address_of_channel(channel))

    @routes.post("/channels/{channel}/resume", max_body_size=MAX_BODY)
    def resume(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            acts.resume(transaction, act_of(intake, act.by), channel)
        return see(address_of_channel(channel))

    @routes.post("/channels/{channel}/enable", max_body_size=MAX_BODY)
    def enable(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Enable a disabled channel, and replay what was given up there."""
        with context.ledger.read() as transaction:
            check_channel(context, transaction, channel)
        done = replay(intake, by=act.by, channel=channel)
        return see(address_of(done.operation) if done.operation else address_of_channel(channel))

    @routes.post("/channels/{channel}/test", max_body_size=MAX_BODY)
    def test(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Try the channel out; what it answered is on the page of the operation."""
        return see(address_of(trials.of(known_channel(context, channel), by=act.by).operation))

    @routes.post("/channels/{channel}/secret/rotate", max_body_size=MAX_BODY)
    def rotate_secret(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        """Make a new secret, and show it once."""
        hours = _hours(act.form["overlap_hours"])
        plan = known_channel(context, channel)
        new = rotating.rotate(context, act_of(intake, act.by), plan, overlap_hours=hours)
        return pages.page("new_secret", act.who, plan=plan, new=new, place="channels")

    @routes.post("/channels/{channel}/secret/end-former", max_body_size=MAX_BODY)
    def end_former_secrets(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        rotating.end_former(context, act_of(intake, act.by), known_channel(context, channel))
        return see(address_of_channel(channel))

    @routes.post("/channels/{channel}/secret/drop", max_body_size=MAX_BODY)
    def drop_secret(channel: str, act: Annotated[Acting, Depends(admitted)]) -> Response:
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            rotation.drop(transaction, act_of(intake, act.by), channel)
        return see(address_of_channel(channel))

    return routes


def _state(channel: ChannelHealth, now: dt.datetime) -> ChannelState:
    return state_of(channel, now, at=lambda moment: words.clock(moment, now))


def _hours(text: str) -> float:
    """Return the hours that somebody has filled in. Raises Problem 422 for what is none, or too many."""
    try:
        hours = float(text)
    except ValueError:
        hours = -1.0
    if not 0 <= hours <= rotating.LONGEST:
        raise Problem(422, "invalid-field", f"overlap_hours: must be a number from 0 to {rotating.LONGEST}")
    return hours
