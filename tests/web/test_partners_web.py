"""/partners/{id}/changes over HTTP: who may ask, how often, and how to wait."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import Answer, get, send
from bench import START, Bench, article
from empty_ledger import empty_ledger
from fastapi import FastAPI
from structlog.testing import capture_logs
from waiting import PATIENCE

from pipeline.ledger import tokens
from pipeline.stages.context import ChannelPlan
from pipeline.web import arrivals
from pipeline.web.app import create_app
from pipeline.web.limits import Limiter, LocalLimiter, Rate

TOKENS = {"theirs": "partner:partner", "others": "partner:other", "cms": "publish", "root": "admin"}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    ledger = empty_ledger(tmp_path)
    bench = Bench(ledger, "partner")
    plan = replace(bench.context.channels["partner"], is_pull=True)
    other = ChannelPlan(id="other", format="plain", open=plan.open, topics=frozenset({"nothing"}), is_pull=True)
    bench.context = replace(bench.context, channels={"partner": plan, "other": other})
    with ledger.write() as transaction:
        for token, scope in TOKENS.items():
            tokens.add(transaction, token, name=f"of {token}", scope=scope, now=START)
    bench.publish(article())
    bench.work()
    yield bench
    ledger.close()


@pytest.fixture
def app(bench: Bench) -> FastAPI:
    return application(bench)


def application(bench: Bench, limiter: Limiter | None = None) -> FastAPI:
    return create_app(bench.context, alive=list, limiter=limiter)


CHANGES = "/partners/partner/changes"


def test_the_partner_reads_its_changes(app: FastAPI) -> None:
    answer = get(app, CHANGES, authorization="Bearer theirs")
    assert answer.status == 200
    (change,) = answer.json["changes"]
    assert (change["article"], change["content"]) == ("spasms", "1|Rest.|")
    after = get(app, f"{CHANGES}?after={answer.json['cursor']}", authorization="bearer theirs")
    assert after.json == {"changes": [], "cursor": answer.json["cursor"]}


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        ("", 401, "token-missing"),
        ("Basic theirs", 401, "token-missing"),
        ("Bearer theirs ", 200, ""),
        ("Bearer unknown", 401, "token-invalid"),
        ("Bearer other\u00e9", 401, "token-invalid"),
        ("Bearer others", 403, "scope-insufficient"),
        ("Bearer cms", 403, "scope-insufficient"),
        ("Bearer root", 200, ""),
    ],
)
def test_a_token_opens_its_own_channel_only(app: FastAPI, token: str, status: int, code: str) -> None:
    answer = get(app, CHANGES, **({"authorization": token} if token else {}))
    assert answer.status == status
    assert not code or answer.code == code


def test_a_channel_that_is_not_there_is_told_only_to_who_may_know(app: FastAPI) -> None:
    assert get(app, "/partners/nobody/changes", authorization="Bearer theirs").status == 403
    answer = get(app, "/partners/nobody/changes", authorization="Bearer root")
    assert (answer.status, answer.code) == (404, "unknown-partner")


def test_a_token_ends_when_its_time_is_over(bench: Bench, app: FastAPI) -> None:
    ends = START + dt.timedelta(days=90)
    with bench.ledger.write() as transaction:
        tokens.add(transaction, "short", name="short", scope="partner:partner", now=START, expires=ends)
    bench.clock.now = ends - dt.timedelta(seconds=1)
    assert get(app, CHANGES, authorization="Bearer short").status == 200
    bench.clock.now = ends
    assert get(app, CHANGES, authorization="Bearer short").code == "token-invalid"


def test_when_a_token_was_last_used_is_kept_to_the_hour(bench: Bench, app: FastAPI) -> None:
    def used() -> dt.datetime | None:
        with bench.ledger.read() as transaction:
            return {one.name: one.used for one in tokens.every(transaction)}["of theirs"]

    assert used() is None
    get(app, CHANGES, authorization="Bearer unknown")
    assert used() is None
    get(app, CHANGES, authorization="Bearer theirs")
    assert used() == START
    for later, seen in ((dt.timedelta(minutes=59), START), (dt.timedelta(hours=2), START + dt.timedelta(hours=2))):
        bench.clock.now = START + later
        get(app, CHANGES, authorization="Bearer theirs")
        assert used() == seen


def test_a_token_that_is_refused_is_counted_and_written_down_without_itself(app: FastAPI) -> None:
    def refused() -> float:
        lines = get(app, "/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("citewire_refused_total{"))

    before = refused()
    with capture_logs() as logs:
        for token in ("unknown-secret", "unknown-secret", "others"):
            get(app, CHANGES, authorization=f"Bearer {token}")
    assert refused() == before + 3
    (line,) = [one for one in logs if one["event"] == "refused"]
    assert (line["code"], line["client"], line["path"]) == ("token-invalid", "192.0.2.1", CHANGES)
    assert "secret" not in str(line)


def test_a_revoked_token_opens_nothing(bench: Bench, app: FastAPI) -> None:
    with bench.ledger.write() as transaction:
        assert tokens.revoke(transaction, "of theirs", now=START) == 1
        assert tokens.revoke(transaction, "of theirs", now=START) == 0
    assert get(app, CHANGES, authorization="Bearer theirs").code == "token-invalid"


@pytest.mark.parametrize("address", [CHANGES, "/partners/partner/articles/spasms/1"])
def test_a_token_in_the_address_is_none_for_changes_and_the_answer_says_what_to_do(app: FastAPI, address: str) -> None:
    answer = get(app, f"{address}?token=theirs")
    assert (answer.status, answer.code) == (401, "token-missing")
    assert answer.json["detail"] == "send a token: Authorization: Bearer …. One in the address is not taken here"
    assert "theirs" not in answer.body.decode()


def test_what_a_partner_gets_is_kept_by_nobody_and_leads_nowhere_else(app: FastAPI) -> None:
    answer = get(app, CHANGES, authorization="Bearer theirs")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_token_in_the_address_is_none_for_the_publishers_api(app: FastAPI) -> None:
    assert get(app, "/v1/deliveries?token=cms").code == "token-missing"


def test_an_administrators_token_is_not_taken_from_the_address_of_a_hook(app: FastAPI) -> None:
    hooks = [
        asyncio.run(send(app, "POST", f"/v1/hooks/{cms}?token=root", body=b"{}")) for cms in ("ghost", "wordpress")
    ]
    assert {(one.status, one.code) for one in hooks} == {(401, "token-in-address")}
    assert "Authorization: Bearer" in hooks[0].json["detail"]


@pytest.mark.parametrize("cursor", ["nonsense", "1-000000000000", "99999999999999999999"])
def test_a_cursor_that_was_never_given_is_refused(app: FastAPI, cursor: str) -> None:
    answer = get(app, f"{CHANGES}?after={cursor}", authorization="Bearer theirs")
    assert (answer.status, answer.code) == (400, "invalid-cursor")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "wait=61", "wait=-1", "wait=nan"])
def test_a_parameter_out_of_bounds_is_refused(app: FastAPI, query: str) -> None:
    answer = get(app, f"{CHANGES}?{query}", authorization="Bearer theirs")
    assert (answer.status, answer.code) == (422, "invalid-parameter")


def test_an_address_serves_what_the_change_told_of(app: FastAPI) -> None:
    answer = get(app, "/partners/partner/articles/spasms/1", authorization="Bearer theirs")
    assert (answer.status, answer.body) == (200, b"1|Rest.|")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert get(app, "/partners/partner/articles/spasms/1").code == "token-missing"
    assert get(app, "/partners/partner/articles/spasms/2", authorization="Bearer theirs").code == "not-current"


def test_who_asks_too_often_is_told_when_to_come_back(bench: Bench) -> None:
    bench.context = replace(bench.context, policy=replace(bench.context.policy, partner_rate=0.5, partner_burst=3))
    app = application(bench, LocalLimiter(lambda: 100.0))
    statuses = [get(app, CHANGES, authorization="Bearer theirs").status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = get(app, CHANGES, authorization="Bearer theirs")
    assert (refused.code, refused.headers["retry-after"]) == ("too-many-requests", "2")
    assert get(app, CHANGES, authorization="Bearer root").status == 200


def test_a_bucket_fills_up_again_and_no_further_than_its_brim() -> None:
    now = [0.0]
    limiter, rate = LocalLimiter(lambda: now[0]), Rate(per_second=2.0, burst=4)

    def go_through() -> int:
        return next(number for number in range(100) if limiter.take("one", rate))

    assert go_through() == 4
    now[0] += 1.0
    assert go_through() == 2
    now[0] += 3600.0
    assert go_through() == 4


# --- waiting ------------------------------------------------------------------------------------------------------


def test_who_waits_is_answered_when_there_is_something(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "EVERY", 0.01)
    app = application(bench)

    async def story() -> tuple[bool, list[str]]:
        theirs = {"authorization": "Bearer theirs"}
        first = await send(app, "GET", CHANGES, headers=theirs)
        waiting = asyncio.create_task(
            send(app, "GET", f"{CHANGES}?after={first.json['cursor']}&wait=60", headers=theirs)
        )
        await asyncio.sleep(0.1)
        waited = not waiting.done()
        await asyncio.to_thread(_publish, bench, "another")
        answer = await asyncio.wait_for(waiting, PATIENCE)
        return waited, [change["article"] for change in answer.json["changes"]]

    assert asyncio.run(story()) == (True, ["another"])


def test_who_waits_in_vain_gets_the_same_cursor_back(bench: Bench) -> None:
    app = application(bench)
    first = get(app, CHANGES, authorization="Bearer theirs").json
    answer = get(app, f"{CHANGES}?after={first['cursor']}&wait=0.05", authorization="Bearer theirs")
    assert answer.json == {"changes": [], "cursor": first["cursor"]}


def test_nothing_waits_for_a_client_that_has_left(bench: Bench) -> None:
    app = application(bench)

    async def story() -> Answer:
        theirs, left = {"authorization": "Bearer theirs"}, asyncio.Event()
        cursor = (await send(app, "GET", CHANGES, headers=theirs)).json["cursor"]
        waiting = asyncio.create_task(send(app, "GET", f"{CHANGES}?after={cursor}&wait=60", headers=theirs, left=left))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        left.set()
        return await asyncio.wait_for(waiting, PATIENCE)

    assert asyncio.run(story()).json["changes"] == []


def test_more_than_may_wait_are_answered_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MANY_OF_ONE", 2)
    app = application(bench)

    async def story() -> list[bool]:
        theirs = {"authorization": "Bearer theirs"}
        cursor = (await send(app, "GET", CHANGES, headers=theirs)).json["cursor"]
        address = f"{CHANGES}?after={cursor}&wait=60"
        waiting = [asyncio.create_task(send(app, "GET", address, headers=theirs)) for _ in range(3)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        ended = [task.done() for task in waiting]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return ended

    assert sorted(asyncio.run(story())) == [False, False, True]


def _publish(bench: Bench, name: str) -> None:
    bench.publish(article(name))
    bench.work()
