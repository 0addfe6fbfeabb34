"""A round: one delivery to each of many healthy channels, sent concurrently, and settled a few at a time.

An article for a thousand channels, or one after the other for three, would cost each channel a claim, a beginning and a
settlement of its own. A round has one of each for all. A channel that hangs keeps one thread and its own row: what the
others answered is settled meanwhile, and the next round is claimed without it.

Channels that have never answered may occupy half of the threads. While all of those hang, the others of them are left
to batches, so that the rounds of channels that answer go on.

A delivery that could not be sent within half a second of its claim is put back, so that nothing is sent that was
overtaken. What is not well, has a rate or gathers deliveries is left to batches (`batch.py`).
"""

from __future__ import annotations

import datetime as dt
import functools
import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from pipeline.ledger import Transaction
from pipeline.ledger.deliveries import channels, proofs, rounds, sending
from pipeline.ledger.deliveries.channels import DueChannel, Health
from pipeline.ledger.deliveries.sending import PendingDelivery
from pipeline.stages.bells import can_join
from pipeline.stages.context import LEASE, ChannelPlan, Context
from pipeline.stages.deliver import circuit
from pipeline.stages.deliver.batch import attempt, build, expected, ids_of, outcome_of
from pipeline.stages.deliver.outcomes import Outcome, log_outcomes, record, settle
from pipeline.stages.deliver.reading_back import can_be_read
from pipeline.stages.deliver.senders import THREADS, senders_of
from pipeline.stages.deliver.shared import Shared
from pipeline.stages.deliver.taken_back import TakenBack, taken_back_from_many
from pipeline.stages.deliver.traced import delivered
from pipeline.stages.stage import guarded, guarded_within

SIZE, _LEAST = 200, 16  # deliveries in a round: fewer after one of which some could not be sent in time
_MOST = 5_000  # channels that a claim considers, so that one statement can name them
_EVERY = 0.1  # seconds between settlements while answers arrive
_TOGETHER = 50  # answers that are settled at once, even if the last time is not so long ago
_AHEAD = 2 * THREADS // 3  # deliveries on their way, from which no further round is claimed
_FAILURES, _PAUSE = 60, 0.5  # how often in a row the ledger may not answer, and seconds between
_NOTHING = (None,) * 5
_LATE = 3  # times that a channel's turn may come too late, in rounds of the least size, before it is left to batches
_STUCK = 4  # times as long without an answer as a delivery may be late: then channels that never answered do hang
_TRIES = 5  # settlements that pass over a row which another transaction has locked, before one waits for it

T = TypeVar("T")


class Turn(Struct, frozen=True):
    """A delivery that is handed to the threads.

    `gone`: what is known of an article that is taken back. `shared`: what is the same for other channels of the round.
    """

    pending: PendingDelivery
    plan: ChannelPlan
    begun: float  # when it was claimed, by time.monotonic()
    gone: TakenBack | None
    shared: Shared | None


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a delivery. Without an outcome it was not sent, because its turn came too late.

    `slow`: building it took too long, so it is left to a batch, which looks at the ledger again before it sends.
    """

    pending: PendingDelivery
    plan: ChannelPlan
    outcome: Outcome | None = None
    readable: bool = False
    slow: bool = False
    tries: int = 0

    @property
    def channel(self) -> str:
        return self.pending.row.channel


class Rounds:
    """Rounds, one after the other, until nothing is due that they may send."""

    def __init__(self, context: Context, *, withdrawals: bool = False) -> None:
        """`withdrawals`: send nothing else."""
        self._context = context
        self._withdrawals = withdrawals
        self._rang = False
        self._senders = senders_of(withdrawals=withdrawals)
        self._size, self._step, self._late = SIZE // 2, SIZE, False
        self._token = context.new_id(LEASE)
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._done: list[Answer] = []
        self._held: set[str] = set()  # channels whose delivery is being sent, or was sent and is not settled yet
        self._untried: deque[Turn] = deque()  # that no thread has begun yet
        self._settled_at = 0.0
        self._failed = 0
        self._missed: Counter[str] = Counter()  # how often a channel's turn came too late
        self._slow: set[str] = set()  # channels that are left to batches
        self.count = 0

    def run(self) -> int:
        """Return how many deliveries were sent."""
        stop, more = time.monotonic() + self._context.policy.drain_seconds, True
        while True:
            may = self._sending < _AHEAD and self._senders.are_free and time.monotonic() < stop
            if more and may and self._context.hold() is None:
                more = self._guarded(self._begin)
            if not self._sending and not self._done:
                return self.count
            more = self._collect() or more

    def _guarded(self, step: Callable[[], bool]) -> bool:
        """Do something with the ledger, unless it does not answer: what is being sent is still waited for."""
        went = guarded("deliver", {}, step)
        if not isinstance(went, Exception):
            self._failed = 0
            return went
        self._failed += 1
        if self._failed > _FAILURES or not (self._sending or self._done):
            raise went
        self._context.pause(_PAUSE)
        return False

    def _begin(self) -> bool:
        """Claim a round and hand it to the senders; return whether it was full, so that more may be due."""
        context, now = self._context, self._context.clock()
        if self._rang and not self._is_any_due(now):
            return False
        self._adapt()
        are_stuck = self._senders.are_stuck(_STUCK * context.policy.deliver_look)
        with context.ledger.write() as transaction:
            plans = context.channels_now(transaction)
            due = self._due(transaction, plans, now)
            due.sort(key=lambda one: (one.withdrawals is None, one.since))
            found = self._split(transaction, plans, due[:_MOST], now, whole=are_stuck or not self._rang)
            joining = [one.id for one in found.joining if not (are_stuck and one.id in found.untried)]
            chosen = {id: plans[id] for id in joining[: self._size]}  # another thread may take up other settings
            channels.introduce(transaction, found.unknown & chosen.keys())
            pending = rounds.claim(
                transaction,
                chosen,
                token=self._token,
                now=now,
                seconds=context.policy.deliver_lease,
                withdrawals=self._withdrawals,
            )
            gone = taken_back_from_many(transaction, [one.row for one in pending])
        self._hand_over(_turns(pending, chosen, gone), found.untried)
        if not self._rang:
            self._rang = True
            for channel in found.others:
                context.doorbell.ring("deliver", channel.id, urgent=channel.withdrawals is not None)
        if are_stuck:
            self._leave_to_batches(one.id for one in found.joining if one.id in found.untried)
        return bool(pending) and len(joining) >= self._size

    def _is_any_due(self, now: dt.datetime) -> bool:
        """Look before a further claim, which would keep the ledger's writers waiting if it found nothing."""
        with self._context.ledger.read() as transaction:
            return bool(self._due(transaction, self._context.channels_now(transaction), now))

    def _due(self, transaction: Transaction, plans: Mapping[str, ChannelPlan], now: dt.datetime) -> list[DueChannel]:
        return [one for one in channels.with_due_deliveries(transaction, now) if self._concerns(plans, one)]

    def _split(
        self,
        transaction: Transaction,
        plans: Mapping[str, ChannelPlan],
        due: Sequence[DueChannel],
        now: dt.datetime,
        *,
        whole: bool,
    ) -> Split:
        """Divide all of the channels, or else as many of the first as have enough for this round among them.

        An article for a thousand channels takes several rounds, before each of which all that are left are due.
        """
        if whole:
            return split(transaction, plans, due, now)
        parts: list[Split] = []
        for start in range(0, len(due), 2 * SIZE):
            parts.append(split(transaction, plans, due[start : start + 2 * SIZE], now))
            if sum(len(one.joining) for one in parts) >= self._size:
                break
        return Split(
            [one for part in parts for one in part.joining],
            [one for part in parts for one in part.others],
            frozenset().union(*(part.untried for part in parts)),
            frozenset().union(*(part.unknown for part in parts)),
        )

    def _adapt(self) -> None:
        """Halve the round if some of the last came too late, and let it grow slowly from then on."""
        if self._late:
            self._size, self._step = max(_LEAST, self._size // 2), _LEAST
        else:
            self._size = min(SIZE, self._size + self._step)
        self._late = False

    def _hand_over(self, turns: Sequence[Turn], untried: Collection[str]) -> None:
        if not self._held:  # what the first of them answers waits for the others, too
            self._settled_at = time.monotonic()
        for turn in turns:
            channel = turn.pending.row.channel
            self._held.add(channel)
            if channel in untried:
                self._untried.append(turn)
            else:
                self._senders.submit(functools.partial(self._send, turn))
        self._spread()

    def _spread(self) -> None:
        """Have as many threads send to channels that have never answered as may."""
        for _ in range(len(self._untried)):
            if not self._senders.submit_untried(self._send_untried):
                return

    def _leave_to_batches(self, channel_ids: Iterable[str]) -> None:
        for id in channel_ids:
            self._slow.add(id)
            self._context.doorbell.ring("deliver", id)

    def _concerns(self, plans: Mapping[str, ChannelPlan], channel: DueChannel) -> bool:
        if channel.id in self._slow or channel.id in self._held:
            return False
        return channel.id in plans and not (self._withdrawals and channel.withdrawals is None)

    # --- in the threads of the senders

    def _send_untried(self) -> None:
        """Send to channels that have never answered, one after the other, until none is left."""
        while True:
            try:
                turn = self._untried.popleft()
            except IndexError:
                return
            self._send(turn)
            self._senders.moved()

    def _send(self, turn: Turn) -> None:
        at, started = self._context.clock(), time.perf_counter()
        went = attempt(self._context, self._token, [turn.pending], lambda: self._answer(turn))
        if isinstance(went, Exception):  # it may have been sent
            fault = outcome_of(turn.pending, at, started, went, ours=True)
            went = Answer(pending=turn.pending, plan=turn.plan, outcome=fault)
        self._answers.put(went)

    def _answer(self, turn: Turn) -> Answer:
        pending, plan = turn.pending, turn.plan
        answer = functools.partial(Answer, pending=pending, plan=plan)
        if self._is_late(turn):
            return answer()
        at, started = self._context.clock(), time.perf_counter()
        outcome = functools.partial(outcome_of, pending, at, started)
        channel = _tried(pending, plan.open)
        if isinstance(channel, Exception):
            return answer(outcome=outcome(channel))
        try:
            built = _tried(pending, lambda: build(self._context, plan, pending, at, turn.gone, turn.shared))
            if self._is_late(turn):
                return answer(slow=True)
            if isinstance(built, Exception):
                return answer(outcome=outcome(built, ours=True))
            went = outcome(_tried(pending, lambda: delivered(self._context, pending, built, channel.deliver)))
            return answer(outcome=went, readable=went.urgent and can_be_read(channel, plan))
        finally:
            channel.close()

    def _is_late(self, turn: Turn) -> bool:
        return time.monotonic() - turn.begun > self._context.policy.deliver_look

    # --- with the ledger

    @property
    def _sending(self) -> int:
        return len(self._held) - len(self._done)

    def _collect(self) -> bool:
        """Wait for answers, and settle them when it is time; return whether anything was settled."""
        try:
            patience = _EVERY if self._done or self._untried else None
            self._take(self._answers.get(timeout=patience))
            while len(self._done) < _TOGETHER:
                self._take(self._answers.get_nowait())
        except queue.Empty:
            self._put_back()
            self._spread()
        soon = self._sending and time.monotonic() - self._settled_at < _EVERY and len(self._done) < _TOGETHER
        return False if soon or not self._done else self._guarded(self._settle)

    def _put_back(self) -> None:
        """Put back what channels keep waiting that have never answered: it is not sent in time any more."""
        while self._untried:
            try:
                turn = self._untried.popleft()
            except IndexError:  # a thread was faster
                return
            if not self._is_late(turn):
                self._untried.appendleft(turn)
                return
            self._take(Answer(pending=turn.pending, plan=turn.plan))

    def _take(self, answer: Answer) -> None:
        self.count += answer.outcome is not None
        self._late = self._late or answer.outcome is None
        self._done.append(answer)

    def _settle(self) -> bool:
        self._settled_at = time.monotonic()
        apart: list[Answer] = []
        together: list[Answer] = []
        for one in self._done:
            (apart if self._failed or _is_apart(one) else together).append(one)
        left = self._settle_together(together) if together else []
        self._done = [structs.replace(one, tries=one.tries + 1) for one in left] + apart
        self._let_go(together)
        first = len(self._done) - len(apart)
        for one in apart:
            del self._done[first]
            self._done.append(one)  # if it cannot be settled, the others are before it
            self._settle_alone(one)
            self._done.pop()
            self._let_go([one])
        return bool(apart) or len(left) < len(together)

    def _let_go(self, answers: Sequence[Answer]) -> None:
        """Forget the channels of those answers that are settled, and leave those that take long to batches."""
        unsettled = {one.channel for one in self._done}
        for one in answers:
            if one.channel not in unsettled:
                self._held.discard(one.channel)
                self._missed[one.channel] += one.outcome is None and self._size <= _LEAST
                if one.slow or self._missed[one.channel] >= _LATE:
                    self._leave_to_batches([one.channel])

    def _settle_together(self, answers: Sequence[Answer]) -> list[Answer]:
        """Settle what needs no more than that, and return what another transaction has locked."""
        context, now = self._context, self._context.clock()
        with context.ledger.write() as transaction:
            free = rounds.unlocked(transaction, [one.pending.row.id for one in answers])
            known = channels.healths(transaction, {one.channel for one in answers}, lock=True)
            ready = [one for one in answers if one.pending.row.id in free and is_well(known.get(one.channel))]
            sending.unsent(transaction, [one.pending for one in ready if one.outcome is None], token=self._token)
            sent = [(one, one.outcome) for one in ready if one.outcome is not None]
            records = [record(context, one.plan, outcome, known[one.channel], now) for one, outcome in sent]
            sending.settle(transaction, records, token=self._token, now=now)
            stale = [one.channel for one, _ in sent if circuit.is_stale(known[one.channel], now)]
            channels.mark_answered(transaction, stale, now=now)
            gone = [one.pending.row for one, outcome in sent if outcome.urgent and one.readable]
            proofs.require(transaction, gone, now=now)
        for one, outcome in sent:
            log_outcomes(one.channel, [outcome], known[one.channel], known[one.channel])
        settled = {one.pending.row.id for one in ready}
        return [one for one in answers if one.pending.row.id not in settled]

    def _settle_alone(self, answer: Answer) -> None:
        """Settle an answer with all that follows from it for its channel, and wait for whatever is locked."""
        context, outcome = self._context, answer.outcome
        if outcome is None:
            with context.ledger.write() as transaction:
                sending.unsent(transaction, [answer.pending], token=self._token)
            return
        with context.ledger.write() as transaction:
            known = settle(context, transaction, answer.plan, self._token, [outcome], readable=answer.readable)
        log_outcomes(answer.channel, [outcome], *known)


class Split(Struct, frozen=True):
    """Channels with something due, without those to which a round is sending."""

    joining: Sequence[DueChannel]  # that rounds are for
    others: Sequence[DueChannel]  # that batches are for
    untried: frozenset[str]  # those of `joining` that have never answered
    unknown: frozenset[str]  # those of them that have no row yet


def split(
    transaction: Transaction, plans: Mapping[str, ChannelPlan], due: Sequence[DueChannel], now: dt.datetime
) -> Split:
    """Divide channels between rounds and batches."""
    may = frozenset(one.id for one in due if can_join(plans[one.id]))
    apart = rounds.apart(transaction, may, now) if may else rounds.Apart()
    joining = may - apart.batches - apart.busy
    return Split(
        [one for one in due if one.id in joining],
        [one for one in due if one.id not in joining | apart.busy],
        apart.untried,
        apart.unknown,
    )


def _turns(
    pending: Sequence[PendingDelivery], plans: Mapping[str, ChannelPlan], gone: Mapping[str, TakenBack]
) -> list[Turn]:
    """Return the turns of a round that was claimed now."""
    begun, shared = time.monotonic(), Shared()
    rows = [(one.row.article, one.row.target_revision, one.row.format) for one in pending]
    times = Counter(rows)
    return [
        Turn(one, plans[one.row.channel], begun, gone.get(one.row.id), shared if times[row] > 1 else None)
        for one, row in zip(pending, rows, strict=True)
    ]


def _tried(pending: PendingDelivery, step: Callable[[], T]) -> T | Exception:
    """Return what a part of an attempt returns, or the exception that it raised, expected or not."""
    return guarded_within("deliver", ids_of([pending]), lambda: expected(step))


def _is_apart(answer: Answer) -> bool:
    """Return whether the answer says something about its channel, or its row was locked each time."""
    failed = answer.outcome is not None and answer.outcome.receipt is None
    return failed or answer.tries >= _TRIES


def is_well(health: Health | None) -> bool:
    """Return whether nothing speaks against the channel, so that a success changes only when it last answered."""
    return (
        health is not None
        and health.failures == 0
        and (health.paused_until, health.disabled, health.paused, health.opened, health.failing) == _NOTHING
    )
