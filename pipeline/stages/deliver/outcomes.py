"""Outcomes of attempts, and how a batch of them is settled: delivered, due later, or abandoned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import structlog
from msgspec import Struct, structs

from pipeline.errors import CitewireError, EndpointGone, PermanentError, TransientError, UnsendableError, code_of
from pipeline.ledger import Transaction, deliveries
from pipeline.ledger.deliveries import BLOCKING_ATTEMPTS, WITHDRAWAL, channels, proofs, sending
from pipeline.ledger.deliveries.channels import Health
from pipeline.ledger.deliveries.sending import AttemptRecord, PendingDelivery
from pipeline.model.delivery import DeliveryState, Receipt
from pipeline.model.moment import rfc3339
from pipeline.model.revision import EventType
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver import circuit
from pipeline.stages.redaction import ANSWER, redacted
from pipeline.timing import CIRCUIT, next_delay, repeating

_log = structlog.get_logger()


class Outcome(Struct, frozen=True, kw_only=True):
    """The outcome of one attempt: a receipt or an error.

    `ours` marks an error of our own, which says nothing about the channel and counts against the delivery alone.
    """

    pending: PendingDelivery
    event: EventType
    at: dt.datetime
    milliseconds: int
    receipt: Receipt | None = None
    error: Exception | None = None
    ours: bool = False

    @property
    def attempt(self) -> int:
        """Its number, from 1, among the attempts at this revision."""
        return self.pending.row.attempts + 1

    @property
    def refusals(self) -> int:
        """How many of the last attempts in a row were refused, this one included."""
        refused = isinstance(self.error, PermanentError)
        return self.pending.row.refusals + 1 if refused else 0

    @property
    def urgent(self) -> bool:
        return self.pending.row.urgency == WITHDRAWAL


def updated_health(health: Health, outcome: Outcome, now: dt.datetime) -> Health:
    """Return the channel's health after an attempt.

    A withdrawal that blocks its channel is claimed whether due or not. After an error of our own, which says nothing
    about the channel, only the channel's rest keeps that withdrawal from being tried again at once.
    """
    error = outcome.error
    if outcome.ours or not (error is None or isinstance(error, CitewireError)):
        attempts = outcome.attempt
        if not outcome.urgent or isinstance(error, PermanentError) or attempts >= BLOCKING_ATTEMPTS:
            return health
        seconds = repeating(CIRCUIT, attempts - 1)
        return structs.replace(health, paused_until=now + dt.timedelta(seconds=seconds))
    return circuit.after(health, error, urgent=outcome.urgent, now=now)


def settle(
    context: Context,
    transaction: Transaction,
    plan: ChannelPlan,
    token: str,
    outcomes: Sequence[Outcome],
    *,
    readable: bool,
) -> tuple[Health, Health]:
    """Settle these outcomes, and return the channel's health before and after.

    `readable` says that the channel can be read back, so that withdrawals can be proved.
    """
    now = context.clock()
    before = after = channels.health(transaction, plan.id, lock=True)
    sent = []
    for outcome in outcomes:
        after = updated_health(after, outcome, now)
        sent.append(record(context, plan, outcome, after, now))
    sending.settle(transaction, sent, token=token, now=now)
    if circuit.has_recovered(before, after, now):
        forward = deliveries.bring_forward(transaction, plan.id, now=now)
        _log.info("failed deliveries are due again", channel=plan.id, count=forward)
    if after != before:
        channels.keep(transaction, plan.id, after)
    if readable:
        gone = [outcome.pending.row for outcome in outcomes if outcome.urgent and outcome.receipt is not None]
        proofs.require(transaction, gone, now=now)
    return before, after


def log_outcomes(channel: str, outcomes: Sequence[Outcome], before: Health, after: Health) -> None:
    """Log each attempt, and once each that a channel's circuit opened or closed."""
    for outcome in outcomes:
        row = outcome.pending.row
        facts = {
            "channel": channel,
            "delivery": row.id,
            "article": row.article,
            "revision": row.target_revision,
            "attempt": outcome.attempt,
        }
        if outcome.pending.event_id is not None:
            facts["event_id"] = outcome.pending.event_id
        if outcome.error is None:
            _log.info("delivered", event_type=outcome.event, milliseconds=outcome.milliseconds, **facts)
        else:
            code, text = _words(outcome.error)
            _log.warning("not delivered", code=code, error=text, **facts)
    refused = [one.error for one in outcomes if one.refusals]
    if before.failing is None and refused and refused[0] is not None:
        _log.error("channel refuses", channel=channel, error=": ".join(_words(refused[0])))
    if after.opened is not None and before.opened is None:
        _log.error("channel opened", channel=channel, failures=after.failures, reason=redacted(after.reason or ""))
    if after.opened is None and before.opened is not None:
        _log.warning("channel closed", channel=channel, opened=rfc3339(before.opened))


def record(context: Context, plan: ChannelPlan, outcome: Outcome, health: Health, now: dt.datetime) -> AttemptRecord:
    """Return the attempt as the ledger keeps it. `health`: the channel's, after it."""
    row, receipt, error = outcome.pending.row, outcome.receipt, outcome.error
    if receipt is not None:
        return AttemptRecord(
            row=row,
            event=outcome.event,
            at=outcome.at,
            outcome="delivered",
            status=receipt.status,
            milliseconds=outcome.milliseconds,
            detail=redacted(receipt.detail)[:1000],
            answer=_answer(receipt.answer),
            remote_id=receipt.remote_id,
        )
    assert error is not None
    state, due = _next(context, plan, outcome, error, health, now)
    code, text = _words(error)
    known = error if isinstance(error, TransientError | PermanentError) else None
    return AttemptRecord(
        row=row,
        event=outcome.event,
        at=outcome.at,
        outcome=_name(error),
        status=known.status if known else None,
        milliseconds=outcome.milliseconds,
        detail=f"{code}: {text}"[:1000],
        answer=_answer(known.answer) if known else None,
        remote_id=known.ids.get("remote_id") if known else None,
        state=state,
        due=due,
        refusals=outcome.refusals,
    )


def _next(
    context: Context, plan: ChannelPlan, outcome: Outcome, error: Exception, health: Health, now: dt.datetime
) -> tuple[DeliveryState, dt.datetime | None]:
    """Return the state of a delivery after an error, and the time of its next attempt.

    A withdrawal that met a transient error is never abandoned, and never has to wait long. One that was refused is
    tried every hour at least, and shown as abandoned once its attempts are used up.
    """
    policy = context.policy
    if isinstance(error, EndpointGone | UnsendableError):
        return "abandoned", _later(now, policy.withdrawal_retry) if outcome.urgent else None
    retries = plan.retries or policy.retries
    if isinstance(error, PermanentError):
        return _after_refusal(context, plan, outcome, retries, now)
    retry_after = error.retry_after if isinstance(error, TransientError) else None
    wait = next_delay(outcome.attempt, retries, jitter=context.random(), retry_after=retry_after)
    if outcome.urgent:
        rest = (health.paused_until - now).total_seconds() if health.paused_until is not None else 0.0
        wait = max(min(wait or policy.withdrawal_wait, policy.withdrawal_wait), rest)
    return ("abandoned", None) if wait is None else ("pending", _later(now, wait))


def _after_refusal(
    context: Context, plan: ChannelPlan, outcome: Outcome, retries: Sequence[float], now: dt.datetime
) -> tuple[DeliveryState, dt.datetime | None]:
    shorter = context.policy.refused_retries if plan.refused_retries is None else plan.refused_retries
    wait = next_delay(outcome.refusals, retries if shorter is None else shorter, jitter=context.random())
    state: DeliveryState = "abandoned" if wait is None else "pending"
    if outcome.urgent:
        longest = context.policy.withdrawal_refused_wait
        wait = min(wait or longest, longest)
    return state, None if wait is None else _later(now, wait)


def _later(now: dt.datetime, seconds: float) -> dt.datetime:
    return now + dt.timedelta(seconds=seconds)


def _name(error: Exception) -> str:
    if isinstance(error, PermanentError):
        return "permanent" if isinstance(error, EndpointGone | UnsendableError) else "refused"
    return "transient" if isinstance(error, CitewireError) else "fault"


def _words(error: Exception) -> tuple[str, str]:
    code = code_of(error)
    return code, redacted(str(error))


def _answer(answer: str | None) -> str | None:
    """Return the first kilobyte of an answer. Secrets are removed first, so that no half of one remains."""
    return redacted(answer[: 8 * ANSWER])[:ANSWER] if answer else None
