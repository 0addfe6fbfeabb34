"""The API says what goes on, what is to come and what an article was, as the console and the commands do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi import Answer
from bench import START
from console_site import MARKDOWN, console_site
from served import Served


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        yield site


def asked(site: Served, path: str) -> Any:
    answer = answered(site, path)
    assert answer.status == 200, answer.body
    return answer.json


def answered(site: Served, path: str) -> Answer:
    return site.ask("GET", path)


def publish(site: Served, name: str, more: str = "") -> None:
    text = MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid="2")
    site.publish(text.replace("topics:", f"{more}topics:"), name=name)


def test_what_goes_on_is_counted_as_on_the_page(site: Served) -> None:
    site.receiver.mood = "down"
    publish(site, "first")
    site.work()
    site.clock.pass_(120)
    publish(site, "second")
    found = asked(site, "/v1/now")
    assert found["seen"].startswith("2026-03-01T12:02")
    assert {one["channel"]: one["deliveries"] for one in found["channels"]}["partner"] == 1
    due = {one["stage"]: one["due"] for one in found["stages"]}
    assert due["render"] == 1 and due["deliver"] == 1
    assert len(found["hours"]) == 24 and found["hours"][-1]["failed"] == 1
    assert found["sources"][0]["label"] == "PubMed"


def test_what_is_to_come_begins_with_the_day_that_is_asked_for(site: Served) -> None:
    publish(site, "soon", f"embargo: {(START + dt.timedelta(days=3)).isoformat()}\n")
    publish(site, "late", f"embargo: {(START + dt.timedelta(days=40)).isoformat()}\n")
    found = asked(site, "/v1/calendar")
    assert [(one["article"], one["kind"], one["day"]) for one in found["entries"]] == [
        ("soon", "goes-live", "2026-03-04")
    ]
    assert (found["first"], found["complete"], found["overdue"]) == ("2026-03-01", True, 0)
    later = asked(site, "/v1/calendar?day=2026-04-01")
    assert [one["article"] for one in later["entries"]] == ["late"]
    assert answered(site, "/v1/calendar?day=soon").status == 422


def test_an_articles_revisions_are_listed_the_newest_first(site: Served) -> None:
    publish(site, "first")
    site.work()
    site.withdraw("first", "A dose was wrong.")
    found = asked(site, "/v1/articles/first/history")
    assert [(one["number"], one["event"], one["reason"]) for one in found["revisions"]] == [
        (2, "withdrawn", "A dose was wrong."),
        (1, "published", None),
    ]
    assert answered(site, "/v1/articles/other/history").status == 404
