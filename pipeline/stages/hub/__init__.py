"""hub: WebSub (W3C Recommendation of 2018) for our own feeds. It pushes each feed's newest document to subscribers.

    requests    verify subscription requests with the subscriber (verification of intent)
    pushes      send the newest document to the subscribers that answered last time
    slow        … and to those that were slow or did not answer, separately, so that the others never wait for them

The three lanes make their calls concurrently. A doorbell's key names the lane that it rings for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline.ledger import Transaction
from pipeline.ledger.claims import NOTHING_DUE, DueRows
from pipeline.ledger.hub import requests as subscription_requests
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.hub.requests import Request
from pipeline.ledger.hub.subscriptions import Subscription
from pipeline.stages.context import LEASE, Context
from pipeline.stages.hub import push, verify
from pipeline.stages.hub.pool import run
from pipeline.stages.stage import Bell, Claim, Stage, guarded

_NAME = "hub"

PUSHES, SLOW, REQUESTS = "", "slow", "requests"  # lanes
LANES = (PUSHES, SLOW, REQUESTS)

CALL_LEASE = 45.0  # seconds: longer than a call and the wait before it can take
_FEW = 8  # concurrent calls to slow subscribers, and to strangers


class Hub(Stage):
    name = _NAME
    worker = "deliver"
    threads_with_key = 1  # which make a lane's calls concurrently: with more, strangers would take them all

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        if context.hub is None:
            return []
        return [Bell(lane) for lane in LANES if _anything(transaction, lane, now)]

    def due_rows(self, context: Context, now: dt.datetime) -> DueRows:
        """Return the subscribers that are to be pushed to, and the requests that are to be verified."""
        if context.hub is None:
            return NOTHING_DUE
        return DueRows((*subscriptions.due_rows(now).counts, *subscription_requests.due_rows(now).counts))

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """Return a claim on the lane if anything in it is due. Its rows are claimed a few at a time by `do`."""
        if context.hub is None:
            return []
        with context.ledger.read() as transaction:
            if not _anything(transaction, key, context.clock()):
                return []
        return [Claim(context.new_id(LEASE), (key,))]

    def do(self, context: Context, claim: Claim) -> bool:
        """Make the lane's calls until none is due or the time is up."""
        (lane,) = claim.keys
        seconds = context.policy.drain_seconds
        if lane == REQUESTS:
            return run(_Requests(context, claim.token), seconds=seconds)
        return run(_Pushes(context, claim.token, lane == SLOW), seconds=seconds)

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Do nothing: the leases are short, and the calls they cover are due again when they expire."""

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """Do nothing, for the same reason as `failed`."""


def _anything(transaction: Transaction, lane: str, now: dt.datetime) -> bool:
    if lane == REQUESTS:
        return subscription_requests.any_due(transaction, now=now)
    return subscriptions.any_due(transaction, slow=lane == SLOW, now=now)


class _Pushes:
    """The two lanes of subscribers."""

    def __init__(self, context: Context, token: str, slow: bool) -> None:
        assert context.hub is not None
        self._context, self._token, self._slow = context, token, slow
        self.parallel = _FEW if slow else context.hub.parallel
        self._documents = push.Documents(context)

    def claim(self, limit: int, busy: frozenset[str]) -> Sequence[Subscription]:
        with self._context.ledger.write() as transaction:
            return subscriptions.claim_due(
                transaction,
                slow=self._slow,
                token=self._token,
                now=self._context.clock(),
                seconds=CALL_LEASE,
                limit=limit,
                busy=busy,
            )

    def host(self, call: Subscription) -> str:
        return call.host

    def make(self, call: Subscription) -> None:
        went = guarded(
            _NAME, {"subscription": call.id}, lambda: push.push(self._context, self._documents, call, self._token)
        )
        if isinstance(went, Exception):
            push.put_off(self._context, call, self._token, f"{type(went).__name__}: {went}", None)

    def close(self) -> None:
        assert self._context.hub is not None
        self._context.hub.http.close()

    def release(self, calls: Sequence[Subscription]) -> None:
        with self._context.ledger.write() as transaction:
            subscriptions.release(transaction, [call.id for call in calls], token=self._token)


class _Requests:
    """The lane of subscription requests, to the callbacks of strangers."""

    parallel = _FEW

    def __init__(self, context: Context, token: str) -> None:
        self._context, self._token = context, token

    def claim(self, limit: int, busy: frozenset[str]) -> Sequence[Request]:
        with self._context.ledger.write() as transaction:
            return subscription_requests.claim_due(
                transaction, token=self._token, now=self._context.clock(), seconds=CALL_LEASE, limit=limit
            )

    def host(self, call: Request) -> str:
        return call.host

    def make(self, call: Request) -> None:
        went = guarded(_NAME, {"subscription": call.id}, lambda: verify.verify(self._context, call, self._token))
        if isinstance(went, Exception):
            due = self._context.clock() + dt.timedelta(minutes=1)
            with self._context.ledger.write() as transaction:
                subscription_requests.put_off(transaction, call, token=self._token, due=due)

    def close(self) -> None:
        assert self._context.hub is not None
        self._context.hub.http.close()

    def release(self, calls: Sequence[Request]) -> None:
        with self._context.ledger.write() as transaction:
            subscription_requests.release(transaction, [call.id for call in calls], token=self._token)
