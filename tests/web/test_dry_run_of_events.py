"""`POST /v1/events?dry_run=true` says what would be done, as it is then done, and leaves the ledger as it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi import Answer, send
from empty_ledger import emptied_ledger
from served import SITE, Served, served

from pipeline.ledger.deliveries import channels
from pipeline.ledger.tables import metadata

BATCH = {"Authorization": "Bearer cms", "Content-Type": "application/cloudevents-batch+json"}
SLEEP = """
[[channels]]
id = "sleep"
type = "pull"
format = "html"
topics = ["sleep"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, SITE + SLEEP, formats=("html", "json-ld", "ninjs", "amp")) as site:
        yield site


def event(id: str, kind: str = "published", number: int = 1, **data: Any) -> dict[str, Any]:
    content = {"reason": "Wrong."} if kind == "withdrawn" else {"title": f"About {id}", "body": "It helps."} | data
    type = f"org.citewire.article.{kind}"
    return {
        "specversion": "1.0", "id": f"{id}-{number}", "source": "/cms", "type": type, "subject": id, "data": content
    }  # fmt: skip


def post(site: Served, *events: dict[str, Any], query: str = "?dry_run=true") -> Answer:
    body = json.dumps(events).encode()
    return asyncio.run(send(site.app, "POST", f"/v1/events{query}", body=body, headers=BATCH))


def tried(site: Served, *events: dict[str, Any]) -> list[dict[str, Any]]:
    answer = post(site, *events)
    assert answer.status == 200, answer.body
    return list(answer.json["events"])


def gets(one: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {at["channel"]: (at["gets"], at["why"]) for at in one["channels"]}


def every_row(site: Served) -> dict[str, list[tuple[Any, ...]]]:
    """Return the ledger, but for the hour in which each token was used last, which every request records."""
    tables = [table for table in metadata.tables.values() if table.name != "tokens"]
    with site.context.ledger.read() as transaction:
        return {table.name: [tuple(row) for row in transaction.execute(table.select())] for table in tables}


def test_nothing_is_written(site: Served) -> None:
    site.publish("---\nid: naps\ntitle: Naps\nreferences: [1]\n---\nThey help. [1]\n", name="naps")
    site.work()
    before = every_row(site)
    tried(
        site,
        event("tea", references=["2"]),
        event("naps", body="No.") | {"takeover": "true"},
        event("naps", "withdrawn", 2),
    )
    assert every_row(site) == before


def test_it_says_what_is_then_done(site: Served) -> None:
    story = [
        event("naps"),
        event("naps", number=2),
        event("naps", number=3, body="They do not."),
        event("naps", number=1),
        event("naps", "withdrawn", 4),
        event("naps", "withdrawn", 5),
        event("naps", number=6),
    ]
    actions = []
    for one in story:
        (foreseen,) = tried(site, one)
        (done,) = post(site, one, query="").json["events"]
        assert (foreseen["article"], foreseen["revision"]) == (done["article"], done["revision"])
        actions.append((foreseen["action"], done["changed"]))
        site.work()
    assert actions == [
        ("new", True),
        ("same", False),
        ("changed", True),
        ("repeated", True),
        ("withdrawn", True),
        ("same", False),
        ("again", True),
    ]


def test_each_channel_and_feed_is_named_with_what_it_would_get(site: Served) -> None:
    with site.context.ledger.write() as transaction:
        channels.pause(transaction, "reader", reason="Maintenance", now=site.clock())
    (one,) = tried(site, event("naps"))
    assert gets(one) == {
        "partner": ("revision", None),
        "reader": ("revision", "it is paused"),
        "sleep": ("nothing", "none of the article's topics is one of its own"),
    }
    assert one["feeds"] == ["latest"]
    (one,) = tried(site, event("naps", topics=["Sleep"], embargo="2099-01-01T00:00:00Z"))
    assert gets(one)["sleep"] == ("revision", "not before 2099-01-01T00:00:00Z")
    assert one["scheduled"] == "2099-01-01T00:00:00Z"


def test_a_channel_that_is_being_sent_to_is_neither_waited_for_nor_overlooked(postgresql: str, tmp_path: Path) -> None:
    emptied_ledger(postgresql).close()
    with served(tmp_path, formats=("html", "json-ld", "ninjs"), database=postgresql) as site:
        ledger = site.context.ledger
        with ledger.write() as transaction:
            channels.pause(transaction, "reader", reason="Maintenance", now=site.clock())
        with ledger.write() as sender:
            channels.health(sender, "reader", lock=True)
            (one,) = tried(site, event("naps"))
        assert gets(one)["reader"] == ("revision", "it is paused")


def test_a_withdrawal_goes_to_who_may_have_seen_the_article(site: Served) -> None:
    post(site, event("naps"), query="")
    site.work()
    (one,) = tried(site, event("naps", "withdrawn", 2))
    assert gets(one)["partner"] == ("withdrawal", None)


def test_references_are_shown_as_far_as_they_are_known(site: Served) -> None:
    site.publish("---\nid: naps\ntitle: Naps\nreferences: [1]\n---\nThey help. [1]\n", name="naps")
    site.work()
    (one,) = tried(site, event("tea", references=["1", "2", "10.1000/unheard"]))
    assert [reference["state"] for reference in one["references"]] == ["resolved", "pending", "pending"]
    assert (one["cited"]["watched"], one["cited"]["pending"]) == (1, 2)
    (one,) = tried(site, event("tea"), event("tea", "withdrawn", 2))[1:]
    assert (one["action"], one["revision"], one["cited"]) == ("withdrawn", 2, None)
    assert [warning["code"] for warning in one["warnings"]] == ["earlier-in-batch"]


def test_what_would_be_refused_is_refused_alike(site: Served) -> None:
    post(site, event("naps"), query="")
    for bad in (
        event("naps", number=1, body="Another text."),
        event("tea", "withdrawn"),
        event("tea", reviewed="2099-01-01"),
        event("tea", title=""),
        event("naps", number=2) | {"source": "/other"},
    ):
        foreseen, done = post(site, bad), post(site, bad, query="")
        assert (foreseen.status, foreseen.json) == (done.status, done.json)
        assert done.status >= 400
