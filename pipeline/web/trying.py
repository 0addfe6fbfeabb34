"""Channels that are tried out at somebody's request: as often as their partners can be asked for it."""

from __future__ import annotations

import threading

from msgspec import Struct

from pipeline.stages.accept import Intake
from pipeline.stages.acts import act_of
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver import trial
from pipeline.stages.deliver.trial import Tried
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.problems import Problem

_TESTS = Rate(0.1, 3)  # of a channel, by its partner and by operators
_TESTS_AT_ONCE = 4  # of all channels: each waits for a partner's answer


class Trial(Struct, frozen=True):
    tried: Tried
    operation: str


class Trials:
    """Tries channels out, a few at once in a process."""

    def __init__(self, context: Context, intake: Intake, limiter: Limiter) -> None:
        self._context, self._intake, self._limiter = context, intake, limiter
        self._at_once = threading.BoundedSemaphore(_TESTS_AT_ONCE)

    def of(self, plan: ChannelPlan, *, by: str) -> Trial:
        """Try the channel out, and add it to the audit. Raises Problem 429 if that is asked for too often."""
        allow(self._limiter, f"test:{plan.id}", _TESTS)
        if not self._at_once.acquire(blocking=False):
            raise Problem(429, "too-many-requests", "other channels are being tested", {"Retry-After": "10"})
        act = act_of(self._intake, by)
        try:
            format = self._context.formats[plan.format]
            tried = trial.try_out(plan, format, self._context.site, token=self._intake.new_id(""), at=act.at)
        finally:
            self._at_once.release()
        with self._context.ledger.write() as transaction:
            trial.record(transaction, act, tried)
        return Trial(tried, act.operation)
