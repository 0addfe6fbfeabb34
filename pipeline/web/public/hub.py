"""/hub: where feed readers subscribe (WebSub, section 5). Nothing is done until the callback has confirmed it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from msgspec import Struct, structs

from pipeline.ledger import Transaction
from pipeline.ledger.hub import requests as subscription_requests
from pipeline.ledger.hub import subscriptions
from pipeline.ledger.hub.requests import Request as Asked
from pipeline.stages.context import Context, HubPlan
from pipeline.stages.hub import REQUESTS
from pipeline.stages.hub.topics import Topic, topics
from pipeline.stages.hub.verify import room
from pipeline.web.clients import client as client_behind
from pipeline.web.limits import Limiter, Rate, allow
from pipeline.web.openapi.answers import problems
from pipeline.web.openapi.bodies import subscription
from pipeline.web.problems import Problem
from pipeline.web.rooms import Room
from pipeline.web_address import web_address

MAX_BODY = 16_384  # bytes of a form
MAX_ADDRESS = 2_000  # characters of a callback
MAX_SECRET = 199  # bytes: fewer than 200 (section 5.1)
WAITING, WAITING_AT_ONE, WAITING_OF_ONE = 2_000, 200, 100  # unconfirmed: in total, per callback host, and per client
RATE = Rate(per_second=10.0, burst=500)  # requests of one client


class _Form(Struct, frozen=True):
    mode: subscription_requests.Mode
    topic: str
    callback: str
    host: str
    lease_seconds: int
    secret: str | None


def router(context: Context, hub: HubPlan, limiter: Limiter) -> Room:
    routes = Room(tags=["hub"])
    known = topics(context)

    def take(form: _Form, topic: Topic, client: str) -> None:
        asked = Asked(
            id=subscriptions.id_of(form.topic, form.callback),
            mode=form.mode,
            feed=topic.feed,
            format=topic.format,
            topic=form.topic,
            callback=form.callback,
            host=form.host,
            secret=form.secret,
            lease_seconds=form.lease_seconds,
            generation=context.new_id("req_"),
            client=client,
        )
        now = context.clock()
        with context.ledger.write() as transaction:
            if not subscriptions.exists(transaction, asked.id, now=now):
                asked = structs.replace(asked, turn=_turn(transaction, asked))
                if form.mode == "subscribe" and not room(transaction, hub, asked, now=now):
                    raise Problem(503, "hub-full", "the hub takes no more subscriptions at the moment", _LATER)
            subscription_requests.add(transaction, asked, now=now)
        context.doorbell.ring("hub", REQUESTS)

    @routes.post(
        "/hub",
        status_code=202,
        max_body_size=MAX_BODY,
        response_class=PlainTextResponse,
        responses=problems(400, 404, 413, 415, 429),
        openapi_extra=subscription(),
    )
    async def post_subscription(request: Request) -> Response:
        """Subscribe to a feed, or unsubscribe. The callback is asked to confirm it."""
        client = client_behind(request)
        await run_in_threadpool(allow, limiter, f"hub:{client}", RATE)
        form = _form(await _body(request), hub)
        topic = known.get(form.topic)
        if topic is None:
            raise Problem(404, "unknown-topic", "hub.topic is not the address of a feed served here")
        await run_in_threadpool(take, form, topic, client)
        return PlainTextResponse("The callback will be asked.\n", status_code=202)

    return routes


_LATER = {"Retry-After": "60"}


def _turn(transaction: Transaction, asked: Asked) -> int:
    """Return the request's place in the line of its client. Raises Problem 429 if too many wait.

    Requests about a subscription that exists are as many as there are subscriptions, and wait in no line.
    """
    of_one = subscription_requests.count(transaction, client=asked.client)
    at_one = subscription_requests.count(transaction, host=asked.host)
    if of_one >= WAITING_OF_ONE or at_one >= WAITING_AT_ONE or subscription_requests.count(transaction) >= WAITING:
        raise Problem(429, "too-many-requests", "too many requests are waiting for their callbacks", _LATER)
    return of_one + 1


async def _body(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Problem(415, "not-a-form", "send application/x-www-form-urlencoded")
    try:
        return (await request.body()).decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong("the form is not UTF-8") from None


def _form(body: str, hub: HubPlan) -> _Form:
    """Parse the form. Raises Problem 400 naming the parameter. Unknown parameters are ignored (section 5.1)."""
    fields = _fields(body)
    mode = fields.get("hub.mode")
    if mode not in ("subscribe", "unsubscribe"):
        raise _wrong("hub.mode must be subscribe or unsubscribe")
    callback = _given(fields, "hub.callback")
    secret = fields.get("hub.secret") or None
    if secret is not None and len(secret.encode()) > MAX_SECRET:
        raise _wrong("hub.secret must have fewer than 200 bytes")
    return _Form(
        mode="subscribe" if mode == "subscribe" else "unsubscribe",
        topic=_given(fields, "hub.topic"),
        callback=callback,
        host=_host(callback, hub),
        lease_seconds=_lease(fields.get("hub.lease_seconds"), hub),
        secret=secret,
    )


def _fields(body: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise _wrong("the form cannot be read") from None
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise _wrong("the form has a NUL")
    names = [name for name, _ in pairs if name.startswith("hub.")]
    for name in names:
        if names.count(name) > 1:
            raise _wrong("a parameter is given twice")
    return dict(pairs)


def _given(fields: Mapping[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not value:
        raise _wrong(f"{name} is missing")
    return value


def _host(callback: str, hub: HubPlan) -> str:
    """Return the callback's host. Uncallable addresses are refused at once; names are resolved when called."""
    if len(callback) > MAX_ADDRESS:
        raise _wrong(f"hub.callback must have at most {MAX_ADDRESS} characters")
    try:
        host = web_address(callback).hostname or ""
    except ValueError as error:
        raise _wrong(f"hub.callback {error}") from None
    if len(host) > 253:
        raise _wrong("hub.callback must name a host")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not hub.http.guard.permits(address):
        raise Problem(400, "callback-refused", "hub.callback is not a public address")
    return host


def _lease(asked: str | None, hub: HubPlan) -> int:
    """Return the lease in seconds: the requested one, within our bounds (section 5.1: the hub decides)."""
    shortest, usual, longest = hub.lease
    if asked is None or asked == "":
        return usual
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 18):
        raise _wrong("hub.lease_seconds must be a number of seconds")
    return min(max(int(asked), shortest), longest) if int(asked) else usual


def _wrong(detail: str) -> Problem:
    return Problem(400, "invalid-subscription", detail)
