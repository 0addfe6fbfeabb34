"""Send a batch over one connection, settling what is done and checking the rest every half second."""

from __future__ import annotations

import datetime as dt
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from pipeline.channels import BatchChannel, Channel, MarkedChannel
from pipeline.errors import CitewireError, PermanentError, UnsendableError
from pipeline.ledger.deliveries import channels, sending
from pipeline.ledger.deliveries.channels import Health
from pipeline.ledger.deliveries.sending import INTERRUPTIONS, PendingDelivery
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver.admission import AHEAD
from pipeline.stages.deliver.outcomes import Outcome, log_outcomes, settle, updated_health
from pipeline.stages.deliver.parcels import event_of, parcel
from pipeline.stages.deliver.reading_back import can_be_read
from pipeline.stages.deliver.shared import Shared
from pipeline.stages.deliver.taken_back import TakenBack
from pipeline.stages.deliver.traced import all_delivered, batch_span, delivered
from pipeline.stages.ids import named
from pipeline.stages.stage import Claim, guarded
from pipeline.stages.still_shared import check_folder, nonce_of

T = TypeVar("T")


class Batch(Claim, frozen=True, kw_only=True):
    """Rows of one channel."""

    channel: str
    slot: dt.datetime | None = None  # of a channel with a rate: when the first may be sent
    more: bool = False  # is pending, and another batch may be sent concurrently


class ChannelConnection:
    """A channel that is opened when it is first used, and again after an error that may have broken it."""

    def __init__(self, plan: ChannelPlan) -> None:
        self.plan = plan
        self._open: Channel | None = None

        self.batch: BatchChannel | None = None
        self.readable = False

    def channel(self) -> Channel:
        if self._open is None:
            opened = self._open = self.plan.open()
            self.batch = opened if isinstance(opened, BatchChannel) else None
            self.readable = can_be_read(opened, self.plan)
        return self._open

    def reset(self) -> None:
        channel, self._open = self._open, None
        if channel is not None:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.reset()


class Sending:
    """Sends one batch."""

    def __init__(self, context: Context, batch: Batch, connection: ChannelConnection) -> None:
        self._context = context
        self._batch = batch
        self._connection = connection
        self._plan = connection.plan
        self._waiting: deque[PendingDelivery] = deque()
        self._done: list[Outcome] = []
        self._health = Health()
        self._mark: tuple[str | None] | None = None  # of a folder that hosts share, once it is known
        self._looked_at = self._slot = context.clock()

    def run(self) -> bool:
        """Send the batch. Return False if the channel rests now or has reached its rate."""
        self._begin()
        with batch_span(self._context, self._batch.channel, self._waiting):
            try:
                while self._waiting and self._may_continue():
                    if not self._look_if_due():
                        self._send()
            finally:
                self._end()
        return self._may_continue() and self._plan.rate is None

    def _may_continue(self) -> bool:
        resting = self._health.rests(self._context.clock())
        return not resting and not self._gone and self._context.hold() is None

    @property
    def _gone(self) -> bool:
        """Return whether the endpoint has just answered that it is permanently gone."""
        return bool(self._done) and self._health.disabled is not None and self._done[-1].error is not None

    # --- with the ledger

    def _begin(self) -> None:
        context, batch = self._context, self._batch
        now = self._looked_at = context.clock()
        self._slot = max(batch.slot or now, now)
        with context.ledger.write() as transaction:
            self._health = channels.health(transaction, batch.channel)
            self._waiting.extend(
                sending.begin(
                    transaction,
                    batch.keys,
                    channel=batch.channel,
                    token=batch.token,
                    now=now,
                    seconds=context.policy.deliver_lease,
                )
            )

    def _look_if_due(self) -> bool:
        """Look at the ledger if the last time was half a second ago, and return whether it was."""
        if abs((self._context.clock() - self._looked_at).total_seconds()) <= self._context.policy.deliver_look:
            return False
        self._look()
        return True

    def _look(self) -> None:
        """Settle finished deliveries, and find out which of the rest may still be sent as they are."""
        context, batch, waiting = self._context, self._batch, list(self._waiting)
        now = self._looked_at = context.clock()
        with context.ledger.write() as transaction:
            still = sending.look(
                transaction,
                waiting,
                channel=batch.channel,
                token=batch.token,
                now=now,
                seconds=context.policy.deliver_lease,
            )
            going = {one.row.id for one in still}
            sending.unsent(transaction, [one for one in waiting if one.row.id not in going], token=batch.token)
            known = settle(
                context, transaction, self._plan, batch.token, self._done, readable=self._connection.readable
            )
        self._waiting = deque(still)
        self._settled(*known)

    def _end(self) -> None:
        context, token = self._context, self._batch.token
        with context.ledger.write() as transaction:
            sending.unsent(transaction, self._waiting, token=token)
            known = settle(context, transaction, self._plan, token, self._done, readable=self._connection.readable)
        self._settled(*known)

    def _settled(self, before: Health, after: Health) -> None:
        log_outcomes(self._batch.channel, self._done, before, after)
        self._health, self._done = after, []

    # --- with the channel

    def _send(self) -> None:
        at, started = self._context.clock(), time.perf_counter()
        opened = self._attempt([self._waiting[0]], self._connection.channel)
        if isinstance(opened, Exception):
            self._record(outcome_of(self._waiting.popleft(), at, started, opened))
        elif self._connection.batch is not None:
            for outcome in self._all(self._connection.batch):
                self._record(outcome)
        else:
            self._pace()
            sent = self._one(opened)
            if sent is not None:
                self._record(sent)

    def _one(self, channel: Channel) -> Outcome | None:
        """Send the first delivery that waits. Return None if building it took so long that it may be sent no longer."""
        pending, at, started = self._waiting[0], self._context.clock(), time.perf_counter()
        built = self._build(pending, at)
        if self._look_if_due() and not (pending in self._waiting and self._may_continue()):
            return None
        self._waiting.popleft()
        if isinstance(built, Exception):
            return outcome_of(pending, at, started, built, ours=True)
        return outcome_of(
            pending, at, started, self._attempt([pending], lambda: self._delivered(channel, pending, built))
        )

    def _delivered(self, channel: Channel, pending: PendingDelivery, built: Parcel) -> Receipt:
        return delivered(self._context, pending, built, lambda parcel: self._deliver(channel, parcel))

    def _deliver(self, channel: Channel, built: Parcel) -> Receipt:
        """Deliver. Into a folder that hosts share, only while this host sees it."""
        if not isinstance(channel, MarkedChannel):
            return channel.deliver(built)
        if self._mark is None:
            self._mark = (nonce_of(self._context.ledger, channel.place),)
        check_folder(channel, *self._mark)
        receipt = channel.deliver(built)
        check_folder(channel, *self._mark)
        return receipt

    def _all(self, channel: BatchChannel) -> list[Outcome]:
        """Send all that wait in one call. Their lease is renewed while they are being built, which may take a while."""
        at, started = self._context.clock(), time.perf_counter()
        built = []
        for one in list(self._waiting):
            built.append((one, self._build(one, at)))
            self._look_if_due()
        going = {one.row.id for one in self._waiting}
        self._waiting.clear()
        built = [(one, its) for one, its in built if one.row.id in going]
        spoilt = [
            outcome_of(one, at, started, error, ours=True) for one, error in built if isinstance(error, Exception)
        ]
        ready = [(one, its) for one, its in built if isinstance(its, Parcel)]
        if not ready:
            return spoilt
        parcels, theirs = [its for _, its in ready], [one for one, _ in ready]
        went = self._attempt(
            theirs,
            lambda: all_delivered(
                self._context, theirs, parcels, lambda sent: _each(channel.deliver_all(sent), len(sent))
            ),
        )
        answers = [went] * len(ready) if isinstance(went, Exception) else went
        return spoilt + [outcome_of(one, at, started, its) for (one, _), its in zip(ready, answers, strict=True)]

    def _build(self, pending: PendingDelivery, at: dt.datetime) -> Parcel | Exception:
        return self._attempt([pending], lambda: build(self._context, self._plan, pending, at))

    def _attempt(self, pending: Sequence[PendingDelivery], step: Callable[[], T]) -> T | Exception:
        return attempt(self._context, self._batch.token, pending, step)

    def _record(self, outcome: Outcome) -> None:
        self._done.append(outcome)
        self._health = updated_health(self._health, outcome, self._context.clock())
        if outcome.error is not None and not isinstance(outcome.error, PermanentError) and not outcome.ours:
            self._connection.reset()

    def _pace(self) -> None:
        if self._plan.rate:
            wait = (self._slot - self._context.clock()).total_seconds()
            if wait > 0:
                self._context.pause(min(wait, AHEAD))
            apart = dt.timedelta(seconds=1 / self._plan.rate)
            self._slot = max(self._slot, self._context.clock()) + apart


def build(
    context: Context,
    plan: ChannelPlan,
    pending: PendingDelivery,
    at: dt.datetime,
    gone: TakenBack | None = None,
    shared: Shared | None = None,
) -> Parcel:
    """Return the parcel. Raises UnsendableError, and what `parcel` raises, whose last two values these are."""
    if pending.interruptions >= INTERRUPTIONS:
        raise UnsendableError(
            f"the last {pending.interruptions} attempts never ended: the worker was killed each time",
            code="send-interrupted",
        )
    most = plan.max_bytes
    if most is not None and pending.size is not None and pending.size > most:
        raise UnsendableError(
            f"the rendition has {pending.size} bytes, and the channel takes {most} at most (its `max_bytes`)",
            code="rendition-too-large",
        )
    return parcel(context, pending, at, gone, shared)


def ids_of(pending: Sequence[PendingDelivery]) -> dict[str, object]:
    """Return the ids of what is sent, for the log. All of it goes to one channel."""
    if len(pending) != 1:
        return {"channel": pending[0].row.channel, **named("delivery", [one.row.id for one in pending])}
    row = pending[0].row
    ids: dict[str, object] = {"channel": row.channel, "delivery": row.id, "article": row.article}
    return ids | ({"event_id": pending[0].event_id} if pending[0].event_id else {})


def attempt(context: Context, token: str, pending: Sequence[PendingDelivery], step: Callable[[], T]) -> T | Exception:
    """Return what the step returns, or the exception that it raised, expected or not."""
    keys = tuple(one.row.id for one in pending)
    with context.working.on("deliver", token, keys, context.policy.send_budget):
        return guarded("deliver", ids_of(pending), lambda: expected(step))


def expected(step: Callable[[], T]) -> T | CitewireError:
    """Return what the step returns, or the error that it raised, if it is one of those that are expected."""
    try:
        return step()
    except CitewireError as error:
        return error


def _each(answers: Sequence[Receipt | CitewireError], sent: int) -> Sequence[Receipt | CitewireError]:
    if len(answers) != sent:
        raise ValueError(f"{sent} parcels were handed over, and {len(answers)} answers came back")
    return answers


def outcome_of(
    pending: PendingDelivery, at: dt.datetime, started: float, went: Receipt | Exception, *, ours: bool = False
) -> Outcome:
    return Outcome(
        pending=pending,
        event=event_of(pending.row),
        at=at,
        milliseconds=round((time.perf_counter() - started) * 1000),
        receipt=went if isinstance(went, Receipt) else None,
        error=went if isinstance(went, Exception) else None,
        ours=ours,
    )
