"""Whether a channel may be sent a batch, decided without a ledger."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from bench import POLICY, START, Receiver
from msgspec import structs

from pipeline.ledger.deliveries.channels import Health
from pipeline.stages.context import ChannelPlan
from pipeline.stages.deliver.admission import Allowed, Load, decide, reservations

WELL = Health(answered=START)
IDLE = Load(in_flight=0)
URGENT = Load(in_flight=0, urgent=True)
BATCH = Allowed(limit=POLICY.deliver_batch, slot=None, waited=0.0, another=True)


def later(seconds: float) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def plan(**values: Any) -> ChannelPlan:
    return ChannelPlan(id="partner", format="plain", open=Receiver, **values)


@pytest.mark.parametrize(
    ("health", "its", "load", "expected"),
    [
        pytest.param(WELL, plan(), IDLE, BATCH, id="a channel that answers gets batches side by side"),
        pytest.param(Health(), plan(), IDLE, structs.replace(BATCH, another=False), id="a new one gets one"),
        pytest.param(WELL, plan(), Load(in_flight=3), None, id="and no more than may be in flight"),
        pytest.param(Health(paused=START), plan(), URGENT, None, id="one that an operator paused gets nothing at all"),
        pytest.param(Health(paused_until=later(1)), plan(), URGENT, None, id="a resting one gets no withdrawal either"),
        pytest.param(
            Health(paused_until=START), plan(), IDLE, structs.replace(BATCH, another=False), id="it has rested"
        ),
        pytest.param(
            Health(failures=3),
            plan(),
            IDLE,
            structs.replace(BATCH, limit=1, another=False),
            id="in doubt: one delivery",
        ),
        pytest.param(
            structs.replace(WELL, next_batch=later(60)), plan(every=60.0), IDLE, None, id="a digest is gathered"
        ),
        pytest.param(
            structs.replace(WELL, next_batch=later(60)),
            plan(every=60.0),
            URGENT,
            structs.replace(BATCH, limit=POLICY.deliver_together),
            id="but a withdrawal does not wait for it",
        ),
        pytest.param(WELL, plan(rate=2.5), IDLE, structs.replace(BATCH, limit=2, slot=START), id="a second's worth"),
        pytest.param(
            structs.replace(WELL, next_send=later(1)),
            plan(rate=0.1),
            IDLE,
            structs.replace(BATCH, limit=1, slot=later(1)),
            id="a batch is claimed up to a second ahead",
        ),
        pytest.param(structs.replace(WELL, next_send=later(1.1)), plan(rate=9.0), IDLE, None, id="and no sooner"),
        pytest.param(
            WELL,
            plan(wait_for_feeds=True),
            Load(in_flight=2, feeds_stale=True),
            structs.replace(BATCH, waited=POLICY.feeds_wait, another=False),
            id="what announces feeds waits for them",
        ),
    ],
)
def test_what_may_be_claimed(health: Health, its: ChannelPlan, load: Load, expected: Allowed | None) -> None:
    assert decide(health, its, POLICY, load, START) == expected


def test_what_is_sent_takes_up_the_channels_rate() -> None:
    allowed = structs.replace(BATCH, slot=later(1))
    assert reservations(allowed, plan(rate=4.0), IDLE, 2, START) == (later(1.5), None)


def test_a_digest_makes_the_next_one_wait_unless_it_is_of_withdrawals() -> None:
    assert reservations(BATCH, plan(every=60.0), IDLE, 2, START) == (None, later(60))
    assert reservations(BATCH, plan(every=60.0), URGENT, 2, START) == (None, None)
