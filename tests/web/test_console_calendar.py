"""The calendar shows what goes live, what ends its embargo and what falls due for review, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench import START
from console_person import Person, text
from console_site import console_site
from served import Served

from pipeline.ledger import articles
from pipeline.ledger.articles.calendar import coming

TEXT = "---\nid: {id}\ntitle: About {id}\n{more}---\n{text}\n"


def publish(site: Served, name: str, more: str = "", text: str = "Rest.") -> None:
    site.publish(TEXT.format(id=name, more=more, text=text), name=name)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        publish(site, "plain")
        publish(site, "updated")
        publish(site, "reviewed", "reviewed: 2026-01-01\nnext_review: 2026-03-20\n")
        site.work()
        publish(site, "embargoed", f"embargo: {(START + dt.timedelta(days=3)).isoformat()}\n")
        publish(site, "updated", f"embargo: {(START + dt.timedelta(days=3, hours=1)).isoformat()}\n", "Walk.")
        yield site


def shown(person: Person) -> list[list[str]]:
    return [[text(cell) for cell in row] for row in person.page.iterfind(".//tbody/tr")]


def test_what_is_to_come_is_listed_by_its_day(site: Served, person: Person) -> None:
    person.get("/console/calendar")
    assert [text(one) for one in person.page.iter("h2")] == ["2026-03-04", "2026-03-20"]
    assert shown(person) == [
        ["About embargoedembargoed", "goes live", "12:00, in 3 d"],
        ["About updatedupdated", "its update ends its embargo", "13:00, in 3 d"],
        ["About reviewedreviewed", "falls due for review", "that day"],
    ]


def test_later_days_are_a_page_away_and_earlier_ones_lead_back_to_today(site: Served, person: Person) -> None:
    publish(site, "late", f"embargo: {(START + dt.timedelta(days=40)).isoformat()}\n")
    person.get("/console/calendar")
    person.get(next(one for one in person.links() if one.endswith("?day=2026-04-01")))
    assert [row[1] for row in shown(person)] == ["goes live"]
    person.get(next(one for one in person.links() if one.endswith("?day=2026-03-01")))
    assert len(shown(person)) == 3


def test_what_was_due_says_that_it_is_overdue(site: Served, person: Person) -> None:
    site.clock.pass_(30 * 86_400)
    site.work()
    person.sign_in()
    person.get("/console/calendar")
    assert "1 article is overdue for review already" in person.words
    assert "Nothing goes live" in person.words


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "%27"])
def test_a_day_that_is_none_is_refused(person: Person, day: str) -> None:
    assert person.get(f"/console/calendar?day={day}").status == 422


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_any_day_has_a_page(person: Person, day: str) -> None:
    assert person.get(f"/console/calendar?day={day}").status == 200


def test_a_month_is_found_by_indexes(site: Served) -> None:
    plans: list[str] = []
    with site.context.ledger.read() as transaction:

        def explain(_: object, __: object, statement: str, parameters: object, *___: object) -> None:
            if "EXPLAIN" not in statement:
                plan = transaction.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
                plans.extend(row[3] for row in plan)

        sa.event.listen(transaction, "before_cursor_execute", explain)
        coming(transaction, START, first=START.date(), last=START.date() + dt.timedelta(days=30), limit=10)
        articles.longest_overdue(transaction, START.date())
    assert plans and not any(one.startswith("SCAN articles") and "INDEX" not in one for one in plans)
