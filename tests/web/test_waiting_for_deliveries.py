"""`POST /v1/events?wait=`: answered once every channel has it, when the time is over, or when nobody listens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi import Answer, send
from served import Served, served
from waiting import PATIENCE

from pipeline.web import arrivals

BATCH = {"Authorization": "Bearer cms", "Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(arrivals, "EVERY", 0.01)
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "amp")) as site:
        yield site


def event(id: str, kind: str = "published", **data: str) -> dict[str, Any]:
    content = data or {"title": f"About {id}", "body": "It helps."}
    type = f"org.citewire.article.{kind}"
    return {"specversion": "1.0", "id": f"{id}-{kind}", "source": "/cms", "type": type, "subject": id, "data": content}


async def post(site: Served, *events: dict[str, Any], wait: float, left: asyncio.Event | None = None) -> Answer:
    body = json.dumps(events).encode()
    return await send(site.app, "POST", f"/v1/events?wait={wait}", body=body, headers=BATCH, left=left)


def waiting_answer(site: Served, *events: dict[str, Any], then: str) -> Answer:
    """Send events that wait for a minute, then have the site work, or end."""

    async def story() -> Answer:
        waiting = asyncio.create_task(post(site, *events, wait=60))
        while not site.app.state.ends.waiting:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        await asyncio.to_thread(site.work) if then == "work" else site.app.state.stop()
        return await asyncio.wait_for(waiting, PATIENCE)

    return asyncio.run(story())


def test_the_answer_comes_once_every_channel_has_it(site: Served) -> None:
    answer = waiting_answer(site, event("naps"), event("tea"), then="work")
    assert answer.status == 202
    for one in answer.json["events"]:
        assert (one["status"], one["warnings"]) == ("delivered", [])
        assert [(at["channel"], at["has_it"], at["state"]) for at in one["channels"]] == [
            ("partner", True, "delivered"),
            ("reader", False, "available"),
        ]


def test_what_was_refused_for_good_ends_the_wait_too(site: Served) -> None:
    site.receiver.mood = "gone"
    (one,) = waiting_answer(site, event("naps"), then="work").json["events"]
    (partner, _) = one["channels"]
    assert (one["status"], partner["has_it"], partner["state"]) == ("abandoned", False, "abandoned")
    assert partner["error"]


def test_at_the_end_of_the_time_it_says_that_it_goes_on(site: Served) -> None:
    (one,) = asyncio.run(post(site, event("naps"), wait=0.05)).json["events"]
    assert (one["status"], one["channels"]) == ("accepted", [])
    assert [warning["code"] for warning in one["warnings"]] == ["still-delivering"]
    site.work()
    answer = site.ask("GET", f"/v1/events/{one['event']}").json
    assert (answer["status"], answer["channels"][0]["has_it"]) == ("delivered", True)


def test_a_server_that_ends_answers_at_once(site: Served) -> None:
    (one,) = waiting_answer(site, event("naps"), then="stop").json["events"]
    assert [warning["code"] for warning in one["warnings"]] == ["still-delivering"]
    (late,) = asyncio.run(post(site, event("naps"), wait=60)).json["events"]
    assert late["status"] == "accepted"


def test_an_overtaken_event_is_not_waited_for(site: Served) -> None:
    second, first = event("naps") | {"sequence": "2"}, event("naps", "updated") | {"sequence": "1"}
    assert asyncio.run(post(site, second, wait=0)).status == 202
    (one,) = asyncio.run(post(site, first, wait=60)).json["events"]
    assert one["status"] == "overtaken"


def test_nothing_waits_for_a_client_that_has_left(site: Served) -> None:
    async def story() -> None:
        left = asyncio.Event()
        waiting = asyncio.create_task(post(site, event("naps"), wait=60, left=left))
        while not site.app.state.ends.waiting:
            await asyncio.sleep(0.01)
        left.set()
        await asyncio.wait_for(waiting, PATIENCE)
        assert site.app.state.ends.waiting == 0

    asyncio.run(story())


@pytest.mark.parametrize("wait", ["-1", "61", "nan", "inf", "soon"])
def test_a_wait_has_a_bound(site: Served, wait: str) -> None:
    body = json.dumps([event("naps")]).encode()
    answer = asyncio.run(send(site.app, "POST", f"/v1/events?wait={wait}", body=body, headers=BATCH))
    assert answer.status == 422
