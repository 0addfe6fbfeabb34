"""The page Now: what was delivered by the hour, what waits where and since when, and which sources do not answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from console_person import Person, text
from console_site import MARKDOWN, console_site
from served import Served

from pipeline.ledger import Ledger, figures, tables
from pipeline.ledger.evidence import verdicts
from pipeline.views.now import hours


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        yield site


def publish(site: Served, name: str) -> None:
    site.publish(MARKDOWN.format(id=name, title=f"About {name}", topic="pain", pmid="2"), name=name)


def table(person: Person, heading: str) -> dict[str, list[str]]:
    """The rows of the first table whose first column is called so."""
    for one in person.page.iter("table"):
        if text(one.find(".//thead//th")) == heading:
            rows = ([text(cell) for cell in row] for row in one.iterfind(".//tbody/tr"))
            return {first: rest for first, *rest in rows}
    raise AssertionError(heading)


def test_attempts_are_counted_by_the_hour(site: Served, person: Person) -> None:
    publish(site, "first")
    site.work()
    site.clock.pass_(3_600)
    site.receiver.mood = "down"
    publish(site, "second")
    site.work()
    person.sign_in()  # an hour has passed
    person.get("/console/now")
    by_hour = table(person, "Hour (UTC)")
    assert (by_hour["12:00"], by_hour["13:00"], by_hour["11:00"]) == (["2", "0"], ["1", "1"], ["0", "0"])
    assert len(by_hour) == 24
    assert len(list(person.page.iter("rect"))) == 3  # hours without attempts have no bar


def test_a_day_is_as_long_as_it_is_shown(site: Served) -> None:
    publish(site, "first")
    site.work()
    site.clock.pass_(23 * 3_600)
    with site.context.ledger.read() as transaction:
        assert sum(one.delivered for one in hours(transaction, site.clock())) == 2
        assert hours(transaction, site.clock())[0].delivered == 2
        assert sum(one.delivered for one in hours(transaction, site.clock() + dt.timedelta(hours=1))) == 0


def test_a_channel_that_lacks_something_says_since_when(site: Served, person: Person) -> None:
    person.get("/console/now")
    assert "Every channel has everything that it should have." in person.words
    site.receiver.mood = "down"
    publish(site, "first")
    site.work()
    site.clock.pass_(120)
    publish(site, "second")
    site.work()
    person.get("/console/now")
    lacking = table(person, "Channel")
    assert lacking["partner"] == ["2", "2 min ago"]
    assert lacking["reader"][0] == "2"  # to be pulled
    assert "archive" not in lacking


def test_a_stage_says_what_it_has_to_do(site: Served, person: Person) -> None:
    publish(site, "first")
    site.clock.pass_(60)
    person.get("/console/now")
    assert table(person, "Stage")["enrich"] == ["1", "60 s ago"]


def test_a_source_that_does_not_answer_says_why(site: Served, person: Person) -> None:
    with site.context.ledger.write() as transaction:
        verdicts.register(transaction, {"crossref": True})
        verdicts.failed(transaction, "crossref", "http-503", now=site.clock())
    site.context.sources["crossref"] = None  # type: ignore[index,assignment]
    person.get("/console/now")
    sources = table(person, "Source")
    assert sources["PubMed"][0] == "● no failure"
    assert "failing" in sources["Crossref"][0] and "http-503" in sources["Crossref"][0]


def test_no_count_reads_all_attempts(site: Served) -> None:
    with site.context.ledger.read() as transaction:
        at = site.clock()
        seen: list[str] = []

        def note(_c: object, _u: object, statement: str, parameters: object, *_: object) -> None:
            if "attempts" in statement and "EXPLAIN" not in statement:
                plan = transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                seen.extend(row[3] for row in plan if "attempts" in row[3])

        sa.event.listen(transaction, "before_cursor_execute", note)
        figures.attempts_by_hour(transaction, since=at, until=at + dt.timedelta(hours=24))
    assert seen == [
        "SEARCH attempts USING COVERING INDEX ix_attempts_at (at>? AND at<?)",
        "SEARCH attempts USING COVERING INDEX ix_attempts_failed_at (at>? AND at<?)",
    ]


def test_each_attempt_is_counted_in_its_hour(ledger: Ledger) -> None:
    begins = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    hour, moment = dt.timedelta(hours=1), dt.timedelta(microseconds=1)
    made = {
        begins - moment: ["delivered"],
        begins: ["delivered", "refused", "repaired"],
        begins + hour - moment: ["delivered"],
        begins + 2 * hour: ["transient"],
        begins + 3 * hour: ["delivered"],
    }
    rows = [
        {"delivery": "dlv_1", "revision": 1, "at": at, "outcome": outcome, "milliseconds": 1, "detail": ""}
        for at, outcomes in made.items()
        for outcome in outcomes
    ]
    with ledger.write() as transaction:
        transaction.execute(sa.insert(tables.attempts), rows)
    with ledger.read() as transaction:
        found = figures.attempts_by_hour(transaction, since=begins, until=begins + 3 * hour)
    assert [(one.at, one.count, one.failed) for one in found] == [
        (begins, 4, 2),
        (begins + hour, 0, 0),
        (begins + 2 * hour, 1, 1),
    ]
