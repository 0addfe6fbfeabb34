"""deliver: bring each channel to the newest revision, a batch at a time, withdrawals first.

    claim             a few of the channel's rows, unless it is resting
    last look         is it still ours, and which revision is wanted now?
    send              the rendition, or for a withdrawal the tombstone
    settle            taken: held. Not now: due later. Refused: abandoned; but a withdrawal goes on daily

A channel that fails several times in a row rests, and is then tried with one delivery. While it rests nobody's attempts
are used up. As long as a withdrawal is owed, nothing else goes to its channel.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from msgspec import Struct

from pipeline.backoff import next_delay
from pipeline.channels import Channel
from pipeline.errors import CitewireError, EndpointGone, PermanentError, TransientError
from pipeline.ledger import Transaction, attempts, channels, deliveries, renditions, revisions, withheld
from pipeline.ledger.channels import Health
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery
from pipeline.model.delivery import DeliveryState, Parcel, Receipt
from pipeline.model.rendition import Format, Rendition
from pipeline.model.revision import EventType
from pipeline.stages.context import LEASE, ChannelPlan, Context, Stage
from pipeline.stages.render import stored_body
from pipeline.stages.work import Claim, backoff

name: Stage = "deliver"

RESTS_AFTER = 3  # failures in a row; the first one is enough while a withdrawal is owed
REST = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)  # seconds, by the failures since; the last one stays

_log = structlog.get_logger()


class _Outcome(Struct, frozen=True):
    """What became of one attempt."""

    sent: Delivery
    event: EventType
    at: dt.datetime
    milliseconds: int
    receipt: Receipt | None = None
    error: CitewireError | None = None


def claim(context: Context, key: str) -> list[Claim]:
    """Rows that channel `key` is owed: fewer while it is in doubt, none while it rests."""
    if key not in context.channels:
        return []
    now, policy, token = context.clock(), context.policy, context.new_id(LEASE)
    with context.ledger.write() as transaction:
        health = channels.health(transaction, key)
        if health.paused_until is not None and health.paused_until > now:
            return []
        if health.disabled is not None:
            deliveries.abandon_all(transaction, key, error="the channel is disabled: " + str(health.reason), now=now)
        limit = 1 if health.failures >= RESTS_AFTER else policy.deliver_batch
        if deliveries.in_flight(transaction, key, now=now) > limit * (policy.deliver_parallel - 1):
            return []
        ids = deliveries.claim_due(transaction, key, token=token, now=now, seconds=policy.deliver_lease, limit=limit)
    return [Claim(token, (delivery_id,)) for delivery_id in ids]


def do(context: Context, claim: Claim) -> bool:
    """One attempt at one delivery. False: the channel rests from now on."""
    (delivery_id,) = claim.keys
    with context.ledger.write() as transaction:
        sent = deliveries.begin_attempt(
            transaction, delivery_id, token=claim.token, now=context.clock(), seconds=context.policy.deliver_lease
        )
    if sent is None:
        return True
    outcome = _attempt(context, context.channels[sent.channel], sent)
    with context.ledger.write() as transaction:
        health = channels.health(transaction, sent.channel)
        rests = _settle(context, transaction, claim, outcome, health)
    _tell(outcome)
    return not rests


def failed(context: Context, claim: Claim, error: Exception) -> None:
    (delivery_id,) = claim.keys
    now = context.clock()
    with context.ledger.write() as transaction:
        row = deliveries.one(transaction, delivery_id)
        due = now + dt.timedelta(seconds=backoff(row.attempts))
        text = f"{type(error).__name__}: {error}"
        deliveries.failed(transaction, row, token=claim.token, state="pending", due=due, error=text, now=now)


def release(context: Context, claims: Sequence[Claim]) -> None:
    if claims:
        with context.ledger.write() as transaction:
            deliveries.release(transaction, [key for claim in claims for key in claim.keys], token=claims[0].token)


# --- sending ------------------------------------------------------------------------------------------------------


def _attempt(context: Context, plan: ChannelPlan, sent: Delivery) -> _Outcome:
    at, started = context.clock(), time.perf_counter()
    event: EventType = "updated"
    receipt, problem = None, None
    try:
        parcel = _parcel(context, sent, at)
        event = parcel.event
        with _open(plan) as channel:
            receipt = channel.deliver(parcel)
    except (TransientError, PermanentError) as error:
        problem = error
    elapsed = round((time.perf_counter() - started) * 1000)
    return _Outcome(sent, event, at, elapsed, receipt, problem)


@contextmanager
def _open(plan: ChannelPlan) -> Iterator[Channel]:
    channel = plan.open()
    try:
        yield channel
    finally:
        channel.close()


def _parcel(context: Context, sent: Delivery, at: dt.datetime) -> Parcel:
    format = context.formats[sent.format]
    with context.ledger.read() as transaction:
        title, rendition = _rendition(context, transaction, sent, format)
    return Parcel(
        message_id=_message_id(sent),
        article_id=sent.article,
        title=title,
        revision=sent.wanted,
        event=_event(sent),
        rendition=rendition,
        extension=format.extension,
        at=at,
        remote_id=sent.remote_id,
    )


def _message_id(sent: Delivery) -> str:
    """The same at every attempt at one revision. By the digest a ledger restored from a backup gives no id again."""
    what = "withdrawn" if sent.wanted_digest is None else sent.wanted_digest.removeprefix("sha256:")[:8]
    return f"{sent.id.replace('dlv_', 'msg_', 1)}.{sent.wanted}.{what}"


def _event(sent: Delivery) -> EventType:
    """What it is to the channel: the first that it gets of an article is published, whatever came before."""
    if sent.urgency == WITHDRAWAL:
        return "withdrawn"
    return "published" if sent.held_event in (None, "withdrawn") else "updated"


def _rendition(context: Context, transaction: Transaction, sent: Delivery, format: Format) -> tuple[str, Rendition]:
    """The bytes to send. A withdrawal's are made here: it needs nothing but the ledger."""
    if sent.urgency == WITHDRAWAL:
        reason = withheld.reason(transaction, sent.article, sent.channel)
        withdrawal = revisions.withdrawal(transaction, sent.article, sent.wanted, reason=reason)
        return withdrawal.title, Rendition(format.name, format.media_type, format.tombstone(withdrawal, context.site))
    revision = revisions.get(transaction, sent.article, sent.wanted)
    stored = renditions.one(transaction, sent.article, sent.wanted, sent.format)
    assert stored is not None, "a delivery is owed only of what was rendered"
    body = stored_body(context, stored, revision)
    return revision.article.title, Rendition(format.name, stored.media_type, body)


# --- settling -----------------------------------------------------------------------------------------------------


def _settle(context: Context, transaction: Transaction, claim: Claim, outcome: _Outcome, health: Health) -> bool:
    """Write down what became of the attempt. Whether the channel rests now."""
    now, sent = context.clock(), outcome.sent
    if isinstance(outcome.error, TransientError):
        _keep(transaction, outcome, "transient", outcome.error.status, str(outcome.error))
        return _not_now(context, transaction, claim, outcome, outcome.error, health)
    channels.answered(transaction, sent.channel)
    if outcome.receipt is not None:
        _keep(transaction, outcome, "delivered", outcome.receipt.status, outcome.receipt.detail)
        deliveries.delivered(transaction, sent, outcome.receipt, token=claim.token, event=outcome.event, now=now)
        return False
    error = outcome.error
    assert isinstance(error, PermanentError)
    _keep(transaction, outcome, "permanent", error.status, str(error))
    if isinstance(error, EndpointGone):
        channels.disable(transaction, sent.channel, now=now, reason=str(error))
    _give_up(context, transaction, claim, sent, f"{error.code}: {error}")
    return False


def _not_now(
    context: Context,
    transaction: Transaction,
    claim: Claim,
    outcome: _Outcome,
    error: TransientError,
    health: Health,
) -> bool:
    now, sent, policy = context.clock(), outcome.sent, context.policy
    failures = health.failures + 1
    rest = _rest(failures, error.retry_after) if failures >= RESTS_AFTER or sent.urgency == WITHDRAWAL else None
    paused_until = None if rest is None else now + dt.timedelta(seconds=rest)
    channels.failed(transaction, sent.channel, failures=failures, paused_until=paused_until, reason=str(error))
    wait = next_delay(sent.attempts, policy.retries, jitter=context.chance(), retry_after=error.retry_after)
    if sent.urgency == WITHDRAWAL:  # is never given up while it is a matter of time, and never put off for long
        wait = max(min(wait or policy.withdrawal_wait, policy.withdrawal_wait), rest or 0.0)
    if wait is None:
        _give_up(context, transaction, claim, sent, f"{error.code}: {error}")
    else:
        due = now + dt.timedelta(seconds=wait)
        text = f"{error.code}: {error}"
        deliveries.failed(transaction, sent, token=claim.token, state="pending", due=due, error=text, now=now)
    return rest is not None


def _rest(failures: int, retry_after: float | None) -> float:
    step = REST[min(max(failures - RESTS_AFTER, 0), len(REST) - 1)]
    return max(step, min(retry_after or 0.0, 3600.0))


def _give_up(context: Context, transaction: Transaction, claim: Claim, sent: Delivery, error: str) -> None:
    """A dead letter. A withdrawal stands among them too, and is tried again every day all the same."""
    now = context.clock()
    state: DeliveryState = "abandoned"
    again = now + dt.timedelta(seconds=context.policy.withdrawal_retry)
    due = again if sent.urgency == WITHDRAWAL else None
    deliveries.failed(transaction, sent, token=claim.token, state=state, due=due, error=error, now=now)


def _keep(transaction: Transaction, outcome: _Outcome, result: str, status: int | None, detail: str) -> None:
    attempts.add(
        transaction,
        outcome.sent,
        at=outcome.at,
        outcome=result,
        status=status,
        milliseconds=outcome.milliseconds,
        detail=detail[:1000],
    )


def _tell(outcome: _Outcome) -> None:
    sent = outcome.sent
    facts = {"channel": sent.channel, "article": sent.article, "revision": sent.wanted, "attempt": sent.attempts}
    if outcome.error is None:
        _log.info("delivered", event_type=outcome.event, milliseconds=outcome.milliseconds, **facts)
    else:
        _log.warning("not delivered", code=outcome.error.code, error=str(outcome.error), **facts)
