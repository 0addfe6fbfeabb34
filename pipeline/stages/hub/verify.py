"""Verification of intent: ask a subscription request's callback to confirm it (WebSub, sections 5.2 and 5.3)."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import structlog
from msgspec import structs

from pipeline.errors import CitewireError, TransientError
from pipeline.http import Limits, Response
from pipeline.ledger import Transaction
from pipeline.ledger.hub import requests as subscription_requests
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.hub.requests import Request
from pipeline.stages.context import Context, HubPlan
from pipeline.timing import HUB_VERIFICATION

LIMITS = Limits(connect=3.0, read=5.0, total=5.0, max_bytes=1_024, truncate=True)

_log = structlog.get_logger()


def verify(context: Context, request: Request, token: str) -> None:
    """Ask the callback, and carry out the request if it confirms."""
    challenge = context.new_id("")
    parameters_sent = {"hub.mode": request.mode, "hub.topic": request.topic}
    match request.mode:
        case "denied":
            parameters_sent |= {"hub.reason": request.reason or ""}
        case "subscribe":
            parameters_sent |= {"hub.challenge": challenge, "hub.lease_seconds": str(request.lease_seconds)}
        case "unsubscribe":
            parameters_sent |= {"hub.challenge": challenge}
    try:
        answer = _ask(context, request, parameters_sent)
    except TransientError as error:
        _again(context, request, token, f"{error.code}: {error}")
        return
    except CitewireError as error:
        _close(context, request, token, f"{error.code}: {error}")
        return
    if request.mode == "denied":
        _close(context, request, token, answer.line)
    elif answer.status >= 500 or answer.status in (408, 425, 429):
        _again(context, request, token, answer.line)
    elif _confirmed(answer, challenge):
        _carry_out(context, request, token)
    else:
        reason = answer.line if not 200 <= answer.status < 300 else "the challenge did not come back"
        _close(context, request, token, reason)


def _ask(context: Context, request: Request, parameters_sent: Mapping[str, str]) -> Response:
    assert context.hub is not None
    return context.hub.http.request("GET", with_parameters(request.callback, parameters_sent), limits=LIMITS)


def with_parameters(address: str, parameters: Mapping[str, str]) -> str:
    """Return the callback with our parameters added after its own (section 5.1)."""
    parts = urlsplit(address)
    query = "&".join(filter(None, (parts.query, urlencode(parameters))))
    return urlunsplit(parts._replace(query=query, fragment=""))


def _confirmed(answer: Response, challenge: str) -> bool:
    """Return whether the answer is a 2xx whose body is the challenge (section 5.3.1)."""
    return 200 <= answer.status < 300 and hmac.compare_digest(answer.body, challenge.encode())


def _carry_out(context: Context, request: Request, token: str) -> None:
    now = context.clock()
    assert context.hub is not None
    with context.ledger.write() as transaction:
        if not subscription_requests.done(transaction, request, token=token):
            return
        if request.mode == "unsubscribe":
            subscriptions.end(transaction, request.id)
        elif room(transaction, context.hub, request, now=now):
            expires = now + dt.timedelta(seconds=request.lease_seconds)
            names = ("id", "feed", "format", "topic", "callback", "host", "secret", "client")
            of = {name: getattr(request, name) for name in names}
            subscriptions.keep(transaction, expires=expires, now=now, **of)
        else:
            _deny(context, transaction, request, "the hub has no room for another subscription at present")
            return
    if request.mode == "subscribe":
        _log.info("subscribed", host=request.host, subscription=request.id, topic=request.topic)
    else:
        _log.info("unsubscribed", host=request.host, subscription=request.id, topic=request.topic)


def _deny(context: Context, transaction: Transaction, request: Request, reason: str) -> None:
    """Schedule a denial, because the request was already accepted with 202 (section 5.2)."""
    new = context.new_id("req_")
    denial = structs.replace(request, mode="denied", secret=None, attempts=0, generation=new, reason=reason)
    subscription_requests.add(transaction, denial, now=context.clock())


def room(transaction: Transaction, hub: HubPlan, request: Request, *, now: dt.datetime) -> bool:
    """Return whether there is room for the subscription; an existing one may always be renewed."""
    if subscriptions.exists(transaction, request.id, now=now):
        return True
    if request.client and subscriptions.count(transaction, client=request.client, now=now) >= hub.max_per_client:
        return False
    return (
        subscriptions.count(transaction, now=now) < hub.max_subscriptions
        and subscriptions.count(transaction, host=request.host, now=now) < hub.max_per_host
    )


def _again(context: Context, request: Request, token: str, why: str) -> None:
    if request.attempts >= len(HUB_VERIFICATION):
        _close(context, request, token, why)
        return
    due = context.clock() + dt.timedelta(seconds=HUB_VERIFICATION[request.attempts])
    with context.ledger.write() as transaction:
        subscription_requests.put_off(transaction, request, token=token, due=due)


def _close(context: Context, request: Request, token: str, why: str) -> None:
    """Drop the request. An existing subscription is kept: a renewal that is not confirmed changes nothing."""
    with context.ledger.write() as transaction:
        subscription_requests.done(transaction, request, token=token)
    if request.mode == "denied":
        _log.info("denied", host=request.host, subscription=request.id, topic=request.topic, why=request.reason)
    else:
        _log.info("not verified", host=request.host, subscription=request.id, mode=request.mode, why=why)
