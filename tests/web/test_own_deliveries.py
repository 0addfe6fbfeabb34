"""/partners/{channel}: a partner sees and mends its own deliveries with its own token, and nobody else's."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asgi import Answer, send
from bench import Receiver
from served import SITE, Served, served

from pipeline.channels.webhook import Webhook
from pipeline.channels.webhook.settings import WebhookSettings
from pipeline.channels.webhook.signing import read_signer, signed
from pipeline.errors import ConfigError
from pipeline.http import EgressGuard, Http
from pipeline.ledger import operations, tables
from pipeline.stages import acts
from pipeline.stages.acts import Act
from pipeline.stages.context import Context
from pipeline.views.own_channel import PAUSED_BY_PARTNER

ARTICLE = "---\nid: naps\ntitle: Naps\n---\nThey help.\n"
OWN = "/partners/partner"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "amp")) as site:
        yield site


def call(site: Served, method: str, address: str, who: str = "partner") -> Answer:
    return site.ask(method, address, who)


def given_up(site: Served) -> dict[str, Any]:
    site.receiver.mood = "gone"
    site.publish(ARTICLE, name="naps")
    site.work()
    site.receiver.mood = "well"
    (one,) = call(site, "GET", f"{OWN}/deliveries?state=abandoned").json["deliveries"]
    return dict(one)


def test_a_partner_sees_its_deliveries_with_every_attempt(site: Served) -> None:
    one = given_up(site)
    assert (one["article"], one["channel"]) == ("naps", "partner")
    shown = call(site, "GET", f"{OWN}/deliveries/{one['id']}").json
    assert [attempt["outcome"] for attempt in shown["tried"]] == ["permanent"]
    channel = call(site, "GET", OWN).json
    assert (channel["given_up"], channel["disabled"] is not None, channel["paused_by"]) == (1, True, None)


def test_a_page_is_followed_by_the_next(site: Served) -> None:
    for name in ("a", "b", "c"):
        site.publish(ARTICLE.replace("naps", name), name=name)
    site.work()
    first = call(site, "GET", f"{OWN}/deliveries?limit=2").json
    rest = call(site, "GET", f"{OWN}/deliveries?limit=2&after={first['next']}").json
    assert [one["article"] for page in (first, rest) for one in page["deliveries"]] == ["a", "b", "c"]
    assert rest["next"] is None
    assert {one["channel"] for page in (first, rest) for one in page["deliveries"]} == {"partner"}


def test_what_was_given_up_is_replayed_once(site: Served) -> None:
    one = given_up(site)
    assert call(site, "POST", f"{OWN}/deliveries/{one['id']}/replay").json["replayed"] == 1
    assert call(site, "POST", f"{OWN}/deliveries/{one['id']}/replay").code == "nothing-to-replay"


def test_everything_since_a_time_is_sent_again_within_bounds(site: Served) -> None:
    site.publish(ARTICLE, name="naps")
    site.work()
    since = quote((site.clock() - dt.timedelta(days=1)).isoformat())
    assert call(site, "POST", f"{OWN}/replay?since={since}").json["replayed"] == 1
    site.work()
    assert [one.article_id for one in site.receiver.got] == ["naps", "naps"]
    assert len({one.message_id for one in site.receiver.got}) == 1
    before = quote((site.clock() - dt.timedelta(days=8)).isoformat())
    assert call(site, "POST", f"{OWN}/replay?since={before}").status == 422


def test_so_many_are_sent_again_at_once_and_the_rest_once_when_asked_for(tmp_path: Path, database: str | None) -> None:
    def changed(context: Context) -> Context:
        return replace(context, policy=replace(context.policy, partner_replay=2))

    with served(tmp_path, SITE, ("html", "json-ld", "ninjs", "amp"), database, changed) as site:
        names = ["a", "b", "c", "d", "e"]
        for name in names[:4]:  # at one time
            site.publish(ARTICLE.replace("naps", name), name=name)
        site.work()
        site.clock.pass_(60)
        site.publish(ARTICLE.replace("naps", "e"), name="e")
        site.work()
        site.clock.pass_(60)
        query = f"since={quote((site.clock() - dt.timedelta(days=1)).isoformat())}"
        lefts = []
        while query:
            answer = call(site, "POST", f"{OWN}/replay?{query}").json
            lefts.append((answer["replayed"], answer["left"]))
            site.clock.pass_(60)
            site.work()
            since, before = answer["next_since"], answer["next_before"]
            query = f"since={quote(since)}&before={quote(before)}" if since else ""
        assert lefts == [(2, 3), (2, 1), (1, 0)]
        assert sorted(one.article_id for one in site.receiver.got) == sorted(names * 2)


def test_everything_is_sent_again_only_so_often(site: Served) -> None:
    since = quote((site.clock() - dt.timedelta(days=1)).isoformat())
    answers = [call(site, "POST", f"{OWN}/replay?since={since}") for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, 429]
    assert (answers[3].code, answers[3].json["detail"]) == (
        "too-many-requests",
        "more than one request every 60 seconds: ask again later",
    )


def test_a_partner_resumes_its_own_pause_and_not_an_operators(site: Served) -> None:
    assert call(site, "POST", f"{OWN}/pause").json["paused_by"] == "partner"
    site.publish(ARTICLE, name="naps")
    site.work()
    assert site.receiver.got == []
    assert call(site, "POST", f"{OWN}/resume").json["paused"] is None
    site.work()
    assert len(site.receiver.got) == 1
    call(site, "POST", "/v1/channels/partner/pause?reason=Known", "root")
    paused = call(site, "GET", OWN)
    assert paused.json["paused_by"] == "operator"
    assert b"root" not in paused.body  # the operator's token is no partner's to know
    assert b"Known" not in paused.body
    assert call(site, "POST", f"{OWN}/pause").json["paused_by"] == "operator"
    assert call(site, "POST", f"{OWN}/resume").code == "paused-by-operator"


def test_an_operators_pause_is_the_operators_whatever_its_reason_says(site: Served) -> None:
    with site.context.ledger.write() as transaction:
        act = Act("op_pause", "citewire", site.clock())
        assert acts.pause(transaction, act, "partner", reason=PAUSED_BY_PARTNER)
    assert call(site, "GET", OWN).json["paused_by"] == "operator"
    assert call(site, "POST", f"{OWN}/resume").code == "paused-by-operator"


def test_a_partner_that_changes_nothing_leaves_no_line_in_the_audit_and_an_operator_one_that_says_so(
    site: Served,
) -> None:
    def audit() -> list[str]:
        with site.context.ledger.read() as transaction:
            return [one.kind for one in operations.newest(transaction, limit=10)]

    assert call(site, "POST", f"{OWN}/resume").status == 200
    assert audit() == []
    for _ in range(3):
        assert call(site, "POST", f"{OWN}/pause").json["paused_by"] == "partner"
    assert audit() == ["pause"]
    again = call(site, "POST", "/v1/channels/partner/pause?reason=Known", "root").json
    assert (again["changed"], again["health"]["pause_reason"]) == (False, PAUSED_BY_PARTNER)
    (part,) = call(site, "GET", f"/v1/operations/{again['operation']}", "root").json["parts"]
    assert (part["outcome"], part["reason"]) == ("unchanged", "it was paused already")


@pytest.mark.parametrize("step", ["GET ", "GET /deliveries", "POST /replay?since=2026-03-01T00:00:00Z", "POST /pause"])
@pytest.mark.parametrize(("who", "status"), [("reader", 403), ("cms", 403), ("nobody", 401)])
def test_nobody_else_is_admitted(site: Served, step: str, who: str, status: int) -> None:
    method, _, rest = step.partition(" ")
    assert call(site, method, f"{OWN}{rest}", who).status == status


@pytest.mark.parametrize("step", ["GET ", "GET /deliveries", "POST /pause", "POST /test", "POST /signature"])
def test_a_token_in_the_address_is_none(site: Served, step: str) -> None:
    """Addresses are written to logs, and a link with a token would act for whoever is led to it."""
    method, _, rest = step.partition(" ")
    answer = asyncio.run(send(site.app, method, f"{OWN}{rest}?token=partner"))
    assert (answer.status, answer.code) == (401, "token-missing")


def test_anothers_delivery_is_like_none(site: Served) -> None:
    one = given_up(site)
    for method, rest in (("GET", ""), ("POST", "/replay")):
        theirs = call(site, method, f"/partners/reader/deliveries/{one['id']}{rest}", "reader")
        none = call(site, method, f"/partners/reader/deliveries/dlv_none{rest}", "reader")
        assert (theirs.code, none.code) == ("unknown-delivery", "unknown-delivery")
    assert call(site, "GET", f"/partners/reader/deliveries?after={one['id']}", "reader").code == "unknown-delivery"


def test_what_failed_on_our_host_is_shown_by_its_code(site: Served) -> None:
    one = given_up(site)
    with site.context.ledger.write() as transaction:
        mine = tables.deliveries.c.id == one["id"]
        error = "folder-unavailable: /srv/private/out is not mounted"
        transaction.execute(tables.deliveries.update().where(mine).values(error=error))
    assert call(site, "GET", f"{OWN}/deliveries/{one['id']}").json["error"] == "folder-unavailable"


def test_a_setting_of_ours_that_cannot_be_used_is_shown_by_its_code(site: Served) -> None:
    def unopened() -> Receiver:
        message = "the secret file /run/secrets/partner cannot be read"
        raise ConfigError(message, key="channels.partner.secret", code="secret-missing")

    plan = replace(site.context.channels["partner"], open=unopened)
    site.context = replace(site.context, channels={**site.context.channels, "partner": plan})
    site.publish(ARTICLE, name="naps")
    site.work()
    (one,) = call(site, "GET", f"{OWN}/deliveries").json["deliveries"]
    shown = call(site, "GET", f"{OWN}/deliveries/{one['id']}").json
    assert {one["error"], shown["error"], *(attempt["detail"] for attempt in shown["tried"])} == {"secret-missing"}


def test_a_test_event_is_sent_at_once_and_is_limited(site: Served) -> None:
    answer = call(site, "POST", f"{OWN}/test").json
    assert answer["accepted"]
    (sent,) = site.receiver.got
    assert (sent.event, sent.article_id.startswith("citewire-test-")) == ("withdrawn", True)
    site.receiver.mood = "refuses"
    assert call(site, "POST", f"{OWN}/test").json["accepted"] is False
    assert call(site, "POST", f"{OWN}/test").status == 200
    assert call(site, "POST", f"{OWN}/test").code == "too-many-requests"
    assert call(site, "POST", "/partners/reader/test", "reader").code == "takes-no-sample"


SECRET = base64.b64encode(bytes(range(32))).decode()
BODY = b"{}"


def checked(site: Served, body: bytes = BODY, **changed: str) -> dict[str, str]:
    """Return the checks that fail of a message signed just now, with these changes."""
    at = int(site.clock().timestamp())
    id = "msg_1.2.0123.published.naps"
    headers = signed(id, at, BODY, [read_signer(SECRET)]) | {"citewire-article": "naps", "citewire-revision": "2"}
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    headers = {name: value for name, value in headers.items() if value} | {"Authorization": "Bearer partner"}
    answer = asyncio.run(send(site.app, "POST", f"{OWN}/signature", body=body, headers=headers)).json
    failing = {one["name"]: one["why"] for one in answer["checks"] if not one["passed"]}
    assert answer["valid"] == (not failing)
    return failing


def test_a_signature_is_checked_and_what_fails_is_named(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNER_SECRET", SECRET)
    settings = WebhookSettings(url="https://partner.example.org/in", secret="env:PARTNER_SECRET")  # type: ignore[arg-type] # read by pydantic
    plans = site.context.channels
    assert isinstance(plans, dict)
    plans["partner"] = replace(plans["partner"], open=lambda: Webhook(settings, Http(EgressGuard())))
    right = signed("msg_1", 1, BODY, [read_signer(SECRET)])["webhook-signature"]
    assert checked(site) == {}
    assert list(checked(site, b"{ }")) == ["webhook-signature"]
    assert "decompress" in checked(site, gzip.compress(BODY))["webhook-signature"]
    assert list(checked(site, webhook_signature=right)) == ["webhook-signature"]
    assert "version v1" in checked(site, webhook_signature="v9,abc")["webhook-signature"]
    assert "missing" in checked(site, webhook_signature="")["webhook-signature"]
    assert set(checked(site, webhook_timestamp="1")) == {"webhook-timestamp", "webhook-signature"}
    assert "number" in checked(site, webhook_timestamp="soon")["webhook-timestamp"]
    assert checked(site, citewire_article="tea") == {
        "citewire-headers": "citewire-article is not as in webhook-id, which is signed"
    }
    assert "webhook-id" in checked(site, webhook_id="")


def test_a_channel_that_signs_nothing_says_so(site: Served) -> None:
    assert call(site, "POST", "/partners/reader/signature", "reader").code == "nothing-signed"
