"""/partners/{channel}: a partner sees and mends its own deliveries with its own token, and nobody else's."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asgi import Answer, send
from served import Served, served

from pipeline.ledger import tables

ARTICLE = "---\nid: naps\ntitle: Naps\n---\nThey help.\n"
OWN = "/partners/partner"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "amp")) as site:
        yield site


def call(site: Served, method: str, address: str, who: str = "partner") -> Answer:
    return asyncio.run(send(site.app, method, address, headers={"Authorization": f"Bearer {who}"}))


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


@pytest.mark.parametrize("step", ["GET ", "GET /deliveries", "POST /replay?since=2026-03-01T00:00:00Z", "POST /pause"])
@pytest.mark.parametrize(("who", "status"), [("reader", 403), ("cms", 403), ("nobody", 401)])
def test_nobody_else_is_admitted(site: Served, step: str, who: str, status: int) -> None:
    method, _, rest = step.partition(" ")
    assert call(site, method, f"{OWN}{rest}", who).status == status


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
