"""Secrets that channels sign with, replaced at the request of partners and of operators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Final

from pipeline.channels import Rotation
from pipeline.errors import ConfigError
from pipeline.stages.acts import Act
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.partners import rotation
from pipeline.web.problems import Problem

LONGEST: Final = 168  # hours that former secrets sign too, at most
USUAL: Final = 24
PRIVATE: Final = {"Cache-Control": "private, no-store"}  # of what shows a secret


def rotate(
    context: Context, act: Act, plan: ChannelPlan, *, overlap_hours: float, allow: Callable[[], None] = lambda: None
) -> Rotation:
    """Make a new secret for the channel. Raises InvalidEvent as `rotation.rotate`, and Problem 503 `not-served`.

    `allow`: called before a channel that signs gets a new secret; it raises if that is too often.
    """
    try:
        with rotation.opened(plan) as channel:
            allow()
            with context.ledger.write() as transaction:
                overlap = dt.timedelta(hours=overlap_hours)
                return rotation.rotate(context.sealer, transaction, act, channel, plan.id, overlap=overlap)
    except ConfigError:
        raise _not_served() from None


def end_former(context: Context, act: Act, plan: ChannelPlan) -> bool:
    """End the former secrets of the channel; return False if none sign. Raises as `rotate`."""
    try:
        with rotation.opened(plan) as channel, context.ledger.write() as transaction:
            return rotation.end_former(context.sealer, transaction, act, channel, plan.id)
    except ConfigError:
        raise _not_served() from None


def _not_served() -> Problem:
    """Return what tells nobody about our own host: `citewire check` tells the operator."""
    return Problem(503, "not-served", "the channel cannot be opened at the moment")
