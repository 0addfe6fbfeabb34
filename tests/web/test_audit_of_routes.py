"""Every request that changes something leaves a line in the audit, with the name of the token; none is left out."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import Answer, send
from console_person import Person
from console_site import PASSKEYS, add_passkeys, console_site, fill
from fastapi.routing import iter_route_contexts
from served import Served
from test_hooks import ghost, wordpress

from pipeline.channels.webhook import Webhook
from pipeline.channels.webhook.settings import WebhookSettings
from pipeline.channels.webhook.signing import new_secret
from pipeline.http import EgressGuard, Http
from pipeline.ledger import operations, tokens
from pipeline.ledger.deliveries import channels
from pipeline.ledger.operations import Operation
from pipeline.sealing import Sealer
from pipeline.web.app import create_app

# Requests that are no operator's, and where they are recorded instead.
ELSEWHERE = {
    "POST /hub": "subscriptions and their requests have tables of their own: anyone may send one",
    "POST /v1/bulk": "notes what an action would concern, and changes nothing until it is started",
    "POST /partners/{channel}/signature": "looks at a message, and changes nothing",
    "POST /console/bulk": "as POST /v1/bulk",
    "POST /console/publish": "keeps files, and changes nothing until they are published",
    "POST /console/sign-in/passkey": "gives a challenge, which changes nothing until it is answered",
    "POST /console/sign-in/passkey/answer": "tests/web/test_passkeys.py: by an authenticator",
    "POST /console/passkeys/begin": "as POST /console/sign-in/passkey",
    "POST /console/passkeys": "tests/web/test_passkeys.py: by an authenticator",
    "POST /console/join/begin": "as POST /console/sign-in/passkey",
    "POST /console/join": "tests/web/test_passkeys.py: by an authenticator",
    "POST /console/{rest:path}": "the page for addresses that the console does not have",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path, PASSKEYS) as site:
        fill(site)
        add_passkeys(site)
        yield site


def _audit(site: Served) -> list[Operation]:
    with site.context.ledger.read() as transaction:
        return operations.newest(transaction, limit=1000)


def _call(site: Served, method: str, address: str, body: object = None) -> Answer:
    headers = {"Authorization": "Bearer root", "Content-Type": "application/json"}
    content = json.dumps(body).encode() if body is not None else b""
    return asyncio.run(send(site.app, method, address, body=content, headers=headers))


def _event(site: Served) -> Answer:
    data = {"id": "new", "title": "New", "body": "Yes."}
    event = {"specversion": "1.0", "id": "1", "source": "/cms", "type": "org.citewire.article.published", "data": data}
    return _call(site, "POST", "/v1/events", event)


def _delivery(site: Served) -> Answer:
    one = next(one for one in _call(site, "GET", "/v1/deliveries?state=abandoned").json["deliveries"] if one["article"])
    return _call(site, "POST", f"/v1/deliveries/{one['id']}/replay")


def _own_delivery(site: Served) -> Answer:
    found = _call(site, "GET", "/partners/partner/deliveries?state=abandoned").json["deliveries"]
    return _call(site, "POST", f"/partners/partner/deliveries/{found[0]['id']}/replay")


def _own_pause(site: Served) -> Answer:
    assert _call(site, "POST", "/partners/reader/pause").status == 200
    return _call(site, "POST", "/partners/reader/resume")


def _failure(site: Served) -> Answer:
    found = _call(site, "GET", "/v1/failures").json
    seen = found["seen"].replace("+", "%2B")
    return _call(site, "POST", f"/v1/failures/{found['failures'][0]['key']}/replay?seen={seen}")


def _cause(step: str) -> Callable[[Served], Answer]:
    def ask(site: Served) -> Answer:
        found = _call(site, "GET", "/v1/failures").json
        seen = found["seen"].replace("+", "%2B")
        return _call(site, "POST", f"/v1/failures/{found['failures'][0]['key']}/{step}?seen={seen}&text=Known")

    return ask


def _reopened(site: Served) -> Answer:
    person = _signed_in(site)
    person.get("/console/failures")
    person.submit("Dismiss until it happens again")
    return person.submit("Show it again")


def _undo(site: Served) -> Answer:
    accepted = _event(site)
    assert accepted.status == 202
    return _call(site, "POST", f"/v1/operations/{_audit(site)[0].id}/undo")


def _page(path: str, button: str, **fields: str) -> Callable[[Served], Answer]:
    def press(site: Served) -> Answer:
        person = _signed_in(site)
        person.get(path)
        return person.submit(button, **fields)

    return press


def _replayed_since(site: Served) -> Answer:
    person = _signed_in(site)
    person.get("/console/channels/partner/replay?since=2026-01-01T00:00")
    button = next(one for one in person.buttons if one.startswith("Send "))
    return person.submit(button)


def _signed_in(site: Served) -> Person:
    person = Person(site.app)
    person.sign_in()
    return person


def _own_session(site: Served) -> Answer:
    person = _signed_in(site)
    person.get("/console/sessions")
    (button,) = [one for one in person.buttons if one.startswith("End session")]
    return person.submit(button)


def _disable(site: Served) -> None:
    with site.context.ledger.write() as transaction:
        channels.keep(transaction, "partner", channels.Health(disabled=site.clock()))


def _enabled(site: Served) -> Answer:
    _disable(site)
    return _call(site, "POST", "/v1/channels/partner/enable")


def _disabled(site: Served) -> Answer:
    _disable(site)
    return _page("/console/channels/partner", "Enable, and replay what was given up")(site)


def _scheduled(site: Served) -> None:
    site.publish("---\nid: late\ntitle: Late\nembargo: 2199-01-01\n---\nYes.\n", name="late")


def _schedule(site: Served) -> Answer:
    _scheduled(site)
    return _call(site, "POST", "/v1/articles/late/schedule?at=2198-01-01T00:00:00Z")


def _schedule_page(site: Served) -> Answer:
    _scheduled(site)
    return _page("/console/articles/late", "Change the time", at="2198-01-01T00:00")(site)


def _undone_operation(site: Served) -> Answer:
    _event(site)
    return _page(f"/console/operations/{_audit(site)[0].id}", "Undo this operation")(site)


def _rotated(site: Served, address: str = "/partners/partner/secret/rotate") -> Answer:
    """Rotate the secret of a channel that really signs, on a site with a key to seal it with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTNER_SECRET", new_secret())
        settings = WebhookSettings(url="https://partner.example.org/in", secret="env:PARTNER_SECRET")  # type: ignore[arg-type] # read by pydantic
        webhook = Webhook(settings, Http(EgressGuard()))
    plans = dict(site.context.channels)
    plans["partner"] = replace(plans["partner"], open=lambda: webhook)
    sealer = Sealer([base64.b64encode(bytes(32)).decode()])
    site.app = create_app(replace(site.context, channels=plans, sealer=sealer), alive=list)
    return _call(site, "POST", address)


def _ended(address: str) -> Callable[[Served], Answer]:
    def end(site: Served) -> Answer:
        assert _rotated(site).status == 200
        return _call(site, "POST", address)

    return end


def _secret_page(button: str) -> Callable[[Served], Answer]:
    def press(site: Served) -> Answer:
        assert _rotated(site).status == 200
        return _page("/console/channels/partner", button)(site)

    return press


def _bulk(site: Served) -> Answer:
    prepared = _call(site, "POST", "/v1/bulk?action=publish-again").json
    return _call(site, "POST", f"/v1/bulk/{prepared['operation']}/start")


def _bulk_page(site: Served) -> Answer:
    person = _signed_in(site)
    person.get("/console/articles")
    person.submit("Look at what it concerns", action="replay")
    return person.submit("Replay what was given up: 6 articles")


CHANGES: dict[str, Callable[[Served], Answer]] = {
    "POST /v1/events": _event,
    "POST /v1/hooks/ghost": lambda site: _call(site, "POST", "/v1/hooks/ghost", ghost()),
    "POST /v1/hooks/wordpress": lambda site: _call(site, "POST", "/v1/hooks/wordpress", wordpress(slug="naps")),
    "POST /v1/deliveries/{delivery_id}/replay": _delivery,
    "POST /partners/{channel}/deliveries/{delivery_id}/replay": _own_delivery,
    "POST /partners/{channel}/replay": lambda site: _call(
        site, "POST", f"/partners/partner/replay?since={site.clock() - dt.timedelta(days=6):%Y-%m-%dT00:00:00Z}"
    ),
    "POST /partners/{channel}/test": lambda site: _call(site, "POST", "/partners/partner/test"),
    "POST /partners/{channel}/pause": lambda site: _call(site, "POST", "/partners/reader/pause"),
    "POST /partners/{channel}/resume": _own_pause,
    "POST /partners/{channel}/secret/rotate": _rotated,
    "POST /partners/{channel}/secret/end-former": _ended("/partners/partner/secret/end-former"),
    "POST /v1/channels/{channel}/secret/rotate": lambda site: _rotated(site, "/v1/channels/partner/secret/rotate"),
    "POST /v1/channels/{channel}/secret/end-former": _ended("/v1/channels/partner/secret/end-former"),
    "POST /v1/channels/{channel}/secret/drop": _ended("/v1/channels/partner/secret/drop"),
    "POST /console/channels/{channel}/secret/rotate": _secret_page("Make a new secret"),
    "POST /console/channels/{channel}/secret/end-former": _secret_page("End the former secrets now"),
    "POST /console/channels/{channel}/secret/drop": _secret_page("Sign with the secret of the settings"),
    "POST /v1/deliveries/replay": lambda site: _call(
        site, "POST", "/v1/deliveries/replay?channel=partner&since=2026-01-01T00:00:00Z"
    ),
    "POST /v1/failures/{key}/replay": _failure,
    "POST /v1/articles/{article_id}/release": lambda site: _call(
        site, "POST", "/v1/articles/baclofen-for-spasticity/release"
    ),
    "POST /console/sign-in": lambda site: _signed_in(site).shown,
    "POST /console/sign-out": _page("/console", "Sign out"),
    "POST /console/sessions/end": _page("/console/sessions", "Sign out everywhere"),
    "POST /console/sessions/{session}/end": _own_session,
    "POST /console/passkeys/codes": _page("/console/passkeys", "Make ten others, and end these"),
    "POST /console/passkeys/{passkey}/remove": _page(
        "/console/passkeys", f"Remove passkey {tokens.hash_of('one')[:10]}"
    ),
    "POST /console/articles/{article_id}/withdraw": _page(
        "/console/articles/hostile/withdraw", "Withdraw everywhere", reason="Wrong"
    ),
    "POST /v1/articles/{article_id}/again": lambda site: _call(site, "POST", "/v1/articles/hostile/again"),
    "POST /v1/articles/{article_id}/schedule": _schedule,
    "POST /console/articles/{article_id}/schedule": _schedule_page,
    "POST /console/articles/{article_id}/again": _page("/console/articles/hostile", "Deliver again"),
    "POST /console/articles/{article_id}/release": _page("/console/articles/baclofen-for-spasticity", "Release"),
    "POST /console/articles/{article_id}/replay": _page("/console/articles/hostile", "Replay 1 delivery given up"),
    "POST /v1/channels/{channel}/pause": lambda site: _call(site, "POST", "/v1/channels/reader/pause?reason=Known"),
    "POST /v1/channels/{channel}/resume": lambda site: _call(site, "POST", "/v1/channels/archive/resume"),
    "POST /v1/channels/{channel}/enable": _enabled,
    "POST /console/channels/{channel}/pause": _page("/console/channels/reader", "Pause", reason="Maintenance"),
    "POST /console/channels/{channel}/resume": _page("/console/channels/archive", "Resume"),
    "POST /console/channels/{channel}/enable": _disabled,
    "POST /console/channels/{channel}/replay": _replayed_since,
    "POST /v1/channels/{channel}/test": lambda site: _call(site, "POST", "/v1/channels/partner/test"),
    "POST /console/channels/{channel}/test": _page("/console/channels/partner", "Send a test event"),
    "POST /console/publish/{upload_id}": _page("/console/publish/upl_prepared", "Publish 2 articles"),
    "POST /console/failures/{key}/replay": _page("/console/failures", "Replay 2 deliveries"),
    "POST /console/failures/{key}/note": _page("/console/failures", "Save the note", note="It is known."),
    "POST /console/failures/{key}/dismiss": _page("/console/failures", "Dismiss until it happens again"),
    "POST /console/failures/{key}/reopen": _reopened,
    "POST /v1/failures/{key}/note": _cause("note"),
    "POST /v1/failures/{key}/dismiss": _cause("dismiss"),
    "POST /v1/failures/{key}/reopen": _cause("reopen"),
    "POST /v1/references/{pmid}/recheck": lambda site: _call(site, "POST", "/v1/references/1/recheck"),
    "POST /console/references/{pmid}/recheck": _page("/console/references/1", "Ask again now"),
    "POST /console/operations/{operation}/undo": _undone_operation,
    "POST /v1/bulk/{operation_id}/start": _bulk,
    "POST /console/bulk/{operation}/start": _bulk_page,
    "POST /v1/operations/{operation_id}/undo": _undo,
}


def test_all_routes_are_walked(site: Served) -> None:
    routes = {
        f"{method} {one.path}"
        for one in iter_route_contexts(site.app.routes)
        for method in (one.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }
    assert routes == set(CHANGES) | set(ELSEWHERE)


# Lines that getting there leaves, besides that of signing in for a route of the console.
PREPARED = {
    "POST /partners/{channel}/resume": 1,
    "POST /partners/{channel}/secret/end-former": 1,
    "POST /v1/channels/{channel}/secret/end-former": 1,
    "POST /v1/channels/{channel}/secret/drop": 1,
    "POST /console/channels/{channel}/secret/rotate": 1,
    "POST /console/channels/{channel}/secret/end-former": 1,
    "POST /console/channels/{channel}/secret/drop": 1,
    "POST /console/sign-in": -1,
    "POST /console/operations/{operation}/undo": 1,
    "POST /v1/operations/{operation_id}/undo": 1,
    "POST /console/failures/{key}/reopen": 1,
}


@pytest.mark.parametrize("route", CHANGES)
def test_what_changes_something_is_in_the_audit(site: Served, route: str) -> None:
    before = {one.id for one in _audit(site)}
    answer = CHANGES[route](site)
    assert answer.status < 400, answer.body
    new = [one for one in _audit(site) if one.id not in before]
    prepared = route.startswith("POST /console") + PREPARED.get(route, 0)
    assert len(new) > prepared, f"{route} is not in the audit"
    assert {one.by for one in new} == {"of root"}
