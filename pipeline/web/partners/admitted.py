"""Admit a partner to its own channel, and to no other."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from msgspec import Struct

from pipeline.stages.context import ChannelPlan, Context
from pipeline.web.auth import Bearer, Grant, InAddress, require
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.problems import Problem


class Partner(Struct, frozen=True):
    """A channel, and the token of its partner or of an administrator."""

    plan: ChannelPlan
    grant: Grant


def admitted(context: Context, limiter: Limiter) -> Callable[..., Partner]:
    """Return a dependency that admits the channel's own token, at the rate that the settings allow."""

    def admit(request: Request, channel: str, _: Bearer) -> Partner:
        return _admit(context, limiter, request, channel, in_address=False)

    return admit


def admitted_by_address(context: Context, limiter: Limiter) -> Callable[..., Partner]:
    """Return a dependency that also takes the token from the address, for feeds, whose readers can send no header."""

    def admit(request: Request, channel: str, _: Bearer, __: InAddress) -> Partner:
        return _admit(context, limiter, request, channel, in_address=True)

    return admit


def _admit(context: Context, limiter: Limiter, request: Request, channel: str, *, in_address: bool) -> Partner:
    grant = require(context, request, f"partner:{channel}", in_address=in_address, admins_too=in_address)
    allow(limiter, f"token:{grant.id}", Rate(context.policy.partner_rate, context.policy.partner_burst))
    with context.ledger.read() as transaction:
        plan = context.channels_now(transaction).get(channel)  # another process may have changed what it signs with
    if plan is None:
        raise Problem(404, "unknown-partner", f"no channel {channel!r} is configured")
    return Partner(plan, grant)
