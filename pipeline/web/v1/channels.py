"""/v1/channels: whether each can be sent to. An operator pauses, resumes and enables them."""

from typing import Annotated

from fastapi import Depends, Query, Response

from pipeline.intake.fields.reasons import MAX_REASON, reason_of
from pipeline.ledger import Transaction, deliveries
from pipeline.stages import acts
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import replay
from pipeline.stages.acts import Act, act_of
from pipeline.stages.context import Context
from pipeline.stages.partners import rotation
from pipeline.views import channels as channels_views
from pipeline.views import events as events_views
from pipeline.views import own_channel
from pipeline.views.system import channel_health, channel_healths
from pipeline.web import rotating
from pipeline.web.auth import Grant, granted
from pipeline.web.changing import UNLESS_OUTDATED
from pipeline.web.channels import check_channel, known_channel
from pipeline.web.openapi.answers import problems
from pipeline.web.rooms import Room
from pipeline.web.trying import Trials


def router(context: Context, intake: Intake, trials: Trials) -> Room:
    api = Room("/v1/channels", tags=["channels"], dependencies=[UNLESS_OUTDATED])
    caller = granted(context)

    @api.get("", responses=problems(401, 403))
    def get_channels(_: Annotated[Grant, Depends(caller)]) -> channels_views.ChannelList:
        """List the channels with their health."""
        now = context.clock()
        with context.ledger.read() as transaction:
            plans = [one for one in context.channels_now(transaction).values() if not one.retired]
            return channels_views.ChannelList(tuple(channel_healths(transaction, [one.id for one in plans], now)))

    @api.get("/{channel}", responses=problems(401, 403, 404, 422))
    def get_channel(channel: str, _: Annotated[Grant, Depends(caller)]) -> channels_views.WholeChannel:
        """Return a channel with its health, how quickly it answers, and what failed last."""
        with context.ledger.read() as transaction:
            check_channel(context, transaction, channel)
            return channels_views.whole_channel(transaction, channel, context.clock())

    @api.post("/{channel}/pause", responses=problems(401, 403, 404, 422))
    def pause_channel(
        channel: str,
        grant: Annotated[Grant, Depends(caller)],
        reason: Annotated[str, Query(max_length=MAX_REASON, description="Why; shown until it is resumed.")],
    ) -> channels_views.ChannelChanged:
        """Send the channel nothing until it is resumed, withdrawals included. What becomes due is kept for it."""
        why = f"{reason_of(reason, field='reason')} ({grant.name})"
        act = act_of(intake, grant.name)
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            changed = acts.pause(transaction, act, channel, reason=why)
            return changed_channel(transaction, act, channel, changed)

    @api.post("/{channel}/resume", responses=problems(401, 403, 404, 422))
    def resume_channel(channel: str, grant: Annotated[Grant, Depends(caller)]) -> channels_views.ChannelChanged:
        """Send to the paused channel again, withdrawals first. Of several revisions only the newest is sent."""
        act = act_of(intake, grant.name)
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            changed = acts.resume(transaction, act, channel)
            return changed_channel(transaction, act, channel, changed)

    @api.post("/{channel}/enable", responses=problems(401, 403, 404, 422))
    def enable_channel(channel: str, grant: Annotated[Grant, Depends(caller)]) -> events_views.Replayed:
        """Enable a disabled channel, and replay what was given up there."""
        with context.ledger.read() as transaction:
            check_channel(context, transaction, channel)
        return events_views.replayed(replay(intake, by=grant.name, channel=channel))

    @api.post("/{channel}/test", responses=problems(401, 403, 404, 422, 429))
    def test_channel(channel: str, grant: Annotated[Grant, Depends(caller)]) -> channels_views.ChannelTested:
        """Send a webhook a signed test event, which it shows nobody: the withdrawal of an article that never was.

        A channel that takes no such event is only reached: a file is written and removed again, or the server is asked.
        """
        made = trials.of(known_channel(context, channel), by=grant.name)
        return channels_views.channel_tested(made.tried, made.operation)

    @api.post("/{channel}/secret/rotate", responses=problems(401, 403, 404, 409, 422, 503))
    def rotate_secret(
        channel: str,
        grant: Annotated[Grant, Depends(caller)],
        response: Response,
        overlap_hours: Annotated[
            float, Query(ge=0, le=rotating.LONGEST, description="How long the former secrets sign too. 0: they leaked.")
        ] = rotating.USUAL,
    ) -> own_channel.NewSecret:
        """Make a new secret for a webhook, in its partner's place. It is shown in this answer alone: hand it over."""
        act = act_of(intake, grant.name)
        new = rotating.rotate(context, act, known_channel(context, channel), overlap_hours=overlap_hours)
        response.headers.update(rotating.PRIVATE)
        return own_channel.new_secret(channel, new, act.operation)

    @api.post("/{channel}/secret/end-former", responses=problems(401, 403, 404, 409, 422, 503))
    def end_former_secrets(channel: str, grant: Annotated[Grant, Depends(caller)]) -> channels_views.SecretChanged:
        """End the overlap: messages are signed by the newest secret alone."""
        act = act_of(intake, grant.name)
        changed = rotating.end_former(context, act, known_channel(context, channel))
        with context.ledger.read() as transaction:
            return changed_secret(transaction, act, channel, changed)

    @api.post("/{channel}/secret/drop", responses=problems(401, 403, 404, 422))
    def drop_secret(channel: str, grant: Annotated[Grant, Depends(caller)]) -> channels_views.SecretChanged:
        """Sign with the secrets of the settings again, and forget those that were made since."""
        act = act_of(intake, grant.name)
        with context.ledger.write() as transaction:
            check_channel(context, transaction, channel)
            changed = rotation.drop(transaction, act, channel)
            return changed_secret(transaction, act, channel, changed)

    return api


def changed_channel(transaction: Transaction, act: Act, channel: str, changed: bool) -> channels_views.ChannelChanged:
    health = channel_health(transaction, channel, act.at)
    owed = deliveries.count_outstanding_withdrawals(transaction, channel)
    return channels_views.ChannelChanged(health, changed, owed, act.operation)


def changed_secret(transaction: Transaction, act: Act, channel: str, changed: bool) -> channels_views.SecretChanged:
    health = channel_health(transaction, channel, act.at)
    return channels_views.SecretChanged(health, changed, act.operation if changed else None)
