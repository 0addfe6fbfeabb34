"""A channel is tried out: it is sent a sample that it shows nobody, or reached if it takes none.

Commands, API, console and partners try channels out through this module.
"""

from __future__ import annotations

import datetime as dt
import time

from msgspec import Struct

from pipeline.errors import CitewireError
from pipeline.ledger import Transaction
from pipeline.ledger.operations import PartOutcome
from pipeline.model.rendition import Format
from pipeline.model.site import Site
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import ChannelPlan
from pipeline.stages.deliver.sample import send_sample


class Tried(Struct, frozen=True):
    """What a channel answered."""

    channel: str
    sample: bool  # False: it takes none, and was only reached
    ok: bool
    code: str | None  # of the error
    status: int | None  # of its answer
    milliseconds: int
    detail: str


def try_out(plan: ChannelPlan, format: Format, site: Site, *, token: str, at: dt.datetime) -> Tried:
    """Try a channel out, whether it is paused or not. Its health, and what it is owed, stay as they are.

    `token`: see `sample`. A channel that takes no sample is reached as `citewire check` does it: a file is written and
    removed again, or the server is asked.
    """
    began = time.monotonic()
    code: str | None = None
    try:
        if plan.takes_sample:
            receipt = send_sample(plan, format, site, token=token, at=at)
            status, detail = receipt.status, receipt.detail
        else:
            status, detail = None, _reached(plan)
    except CitewireError as error:
        code, status, detail = error.code, getattr(error, "status", None), f"{error} [{error.code}]"
    milliseconds = round((time.monotonic() - began) * 1000)
    return Tried(plan.id, plan.takes_sample, code is None, code, status, milliseconds, detail)


def record(transaction: Transaction, act: Act, tried: Tried) -> None:
    """Add the test, and what was answered, to the audit."""
    outcome: PartOutcome = "answered" if tried.ok else "failed"
    words = f"{'sample' if tried.sample else 'reached'}: {tried.detail}, in {tried.milliseconds} ms"
    acts.record(transaction, act, "test", outcome, channel=tried.channel, reason=words)


def _reached(plan: ChannelPlan) -> str:
    channel = plan.open()
    try:
        return channel.check()
    finally:
        channel.close()
