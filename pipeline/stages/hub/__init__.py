"""hub: WebSub (W3C Recommendation of 2018) for our own feeds: whoever asked for a feed is pushed its newest document.

    requests    strangers are asked back whether they meant what they asked for: verification of intent
    pushes      subscribers that answered last time are brought to the newest document
    suspects    … and those that were slow or silent, apart from the others, so that these never wait for them

Three lanes, each with calls under way at once. Which of them a bell rings for is its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline.ledger import Transaction
from pipeline.ledger.hub import requests as subscription_requests
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.hub.requests import Request
from pipeline.ledger.hub.subscriptions import Subscription
from pipeline.stages.context import LEASE, Context
from pipeline.stages.hub import push, verify
from pipeline.stages.hub.round import run
from pipeline.stages.stage import Bell, Claim, Stage, guarded

_NAME = "hub"

PUSHES, SUSPECTS, REQUESTS = "", "suspects", "requests"  # lanes
LANES = (PUSHES, SUSPECTS, REQUESTS)

CALL_LEASE = 45.0  # seconds: longer than a call, and what may wait before it
_FEW = 8  # suspects that are called at once, and strangers


class Hub(Stage):
    name = _NAME
    worker = "deliver"

    def due(self, context: Context, transaction: Transaction, now: dt.datetime) -> Iterable[Bell]:
        if context.hub is None:
            return []
        return [Bell(lane) for lane in LANES if _anything(transaction, lane, now)]

    def claim(self, context: Context, key: str = "") -> list[Claim]:
        """A look whether there is anything to do in the lane; what it is, is claimed a little at a time."""
        if context.hub is None:
            return []
        with context.ledger.read() as transaction:
            if not _anything(transaction, key, context.clock()):
                return []
        return [Claim(context.new_id(LEASE), (key,))]

    def do(self, context: Context, claim: Claim) -> bool:
        """Make the lane's calls until none is due, or the time is over."""
        (lane,) = claim.keys
        seconds = context.policy.drain_seconds
        if lane == REQUESTS:
            return run(_Requests(context, claim.token), seconds=seconds)
        return run(_Pushes(context, claim.token, lane == SUSPECTS), seconds=seconds)

    def failed(self, context: Context, claim: Claim, error: Exception) -> None:
        """Nothing is claimed for long: what a call was about is due again when its lease ends."""

    def release(self, context: Context, claims: Sequence[Claim]) -> None:
        """As `failed`."""


def _anything(transaction: Transaction, lane: str, now: dt.datetime) -> bool:
    if lane == REQUESTS:
        return subscription_requests.any_due(transaction, now=now)
    return subscriptions.any_due(transaction, suspect=lane == SUSPECTS, now=now)


class _Pushes:
    """The calls of the lanes of subscribers."""

    def __init__(self, context: Context, token: str, suspects: bool) -> None:
        assert context.hub is not None
        self._context, self._token, self._suspects = context, token, suspects
        self.parallel = _FEW if suspects else context.hub.parallel
        self._documents = push.Documents(context)

    def claim(self, limit: int, busy: frozenset[str]) -> Sequence[Subscription]:
        with self._context.ledger.write() as transaction:
            return subscriptions.claim_due(
                transaction,
                suspect=self._suspects,
                token=self._token,
                now=self._context.clock(),
                seconds=CALL_LEASE,
                limit=limit,
                busy=busy,
            )

    def host(self, call: Subscription) -> str:
        return call.host

    def make(self, call: Subscription) -> None:
        went = guarded(_NAME, (call.id,), lambda: push.push(self._context, self._documents, call, self._token))
        if isinstance(went, Exception):
            push.put_off(self._context, call, self._token, f"{type(went).__name__}: {went}", None)

    def close(self) -> None:
        assert self._context.hub is not None
        self._context.hub.http.close()

    def release(self, calls: Sequence[Subscription]) -> None:
        with self._context.ledger.write() as transaction:
            subscriptions.release(transaction, [call.id for call in calls], token=self._token)


class _Requests:
    """The calls of the lane of strangers."""

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
        went = guarded(_NAME, (call.id,), lambda: verify.verify(self._context, call, self._token))
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
