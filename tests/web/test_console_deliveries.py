"""The console's page of a delivery, and what the page of a channel says about its attempts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench import START
from console_person import Person
from console_site import HOSTILE, console_site, fill
from served import Served

from pipeline.ledger import deliveries, tables
from pipeline.views import channel_figures
from pipeline.views.channel_figures import figures_of, percentile


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Served]:
    with console_site(tmp_path) as site:
        fill(site)
        yield site


def delivery_of(site: Served, article: str, channel: str = "partner") -> str:
    with site.context.ledger.read() as transaction:
        found = deliveries.at_place(transaction, channel, article)
    assert found is not None
    return found.id


def test_each_attempt_is_shown_with_what_came_back(site: Served, person: Person) -> None:
    id = delivery_of(site, "hostile")
    with site.context.ledger.write() as transaction:
        mine = tables.attempts.c.delivery == id
        transaction.execute(sa.update(tables.attempts).where(mine).values(answer=HOSTILE, milliseconds=1_234))
    person.get("/console/articles/hostile")
    assert f"/console/deliveries/{id}" in person.links()
    person.get(f"/console/deliveries/{id}")
    row, *_ = person.page.iterfind(".//tbody/tr")
    assert row.findtext(".//pre") == HOSTILE
    assert "422" in row.text_content() and "1,234 ms" in row.text_content()
    assert "no category for 'hostile'" in person.words
    assert {"/console/articles/hostile", "/console/channels/partner"} <= set(person.links())


def test_a_delivery_that_was_never_attempted_or_is_not_there(site: Served, person: Person) -> None:
    person.get(f"/console/deliveries/{delivery_of(site, 'hostile', 'reader')}")
    assert "It was not attempted yet." in person.words
    assert person.get("/console/deliveries/dlv_none").status == 404


def test_a_channel_says_how_much_it_accepted_how_quickly_and_what_failed_last(site: Served, person: Person) -> None:
    site.clock.now = START  # within a day of the attempts
    with site.context.ledger.write() as transaction:
        made = tables.attempts.c.outcome == "delivered"
        transaction.execute(sa.update(tables.attempts).where(made).values(milliseconds=250))
        others = {"delivery": delivery_of(site, "hostile", "reader"), "revision": 1, "detail": "204", "at": START}
        transaction.execute(sa.insert(tables.attempts).values(outcome="delivered", milliseconds=9, **others))
    site.clock.pass_(3 * 3600)
    with site.context.ledger.read() as transaction:
        found = figures_of(transaction, "partner", site.clock())
        every = transaction.execute(
            sa.select(tables.attempts.c.outcome, tables.deliveries.c.channel).join(
                tables.deliveries, tables.deliveries.c.id == tables.attempts.c.delivery
            )
        ).all()
    mine = [outcome for outcome, channel in every if channel == "partner"]
    assert {channel for _, channel in every} > {"partner"}
    assert (found.accepted, found.failed) == (mine.count("delivered"), len(mine) - mine.count("delivered"))
    assert (found.median, found.p99) == (250, 250)
    assert found.per_hour == pytest.approx(len(mine) / 24)
    assert {one.article for one in found.errors} == {"hostile", "arabic", "sleep-in-old-age"}
    person.get("/console/channels/partner")
    assert "250 ms" in person.words
    assert f"/console/deliveries/{delivery_of(site, 'arabic')}" in person.links()
    over_http = site.ask("GET", "/v1/channels/partner").json
    assert over_http["health"]["channel"] == "partner"
    figures = over_http["figures"]
    assert (figures["accepted"], figures["failed"], figures["p95"]) == (found.accepted, found.failed, 250)
    assert [one["delivery"] for one in figures["errors"]] == [one.delivery for one in found.errors]
    assert figures["errors"][0]["status"] == 422
    assert site.ask("GET", "/v1/channels/reader").json["figures"]["p99"] == 9
    assert site.ask("GET", "/v1/channels/partnr").code == "unknown-channel"


def test_of_a_busy_site_the_newest_attempts_are_looked_at(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_figures, "WINDOW", 2)
    site.clock.now = START
    site.clock.pass_(3 * 3600)
    with site.context.ledger.read() as transaction:
        newest = transaction.scalars(
            sa.select(tables.attempts.c.at).order_by(tables.attempts.c.at.desc()).limit(2)
        ).all()
        assert figures_of(transaction, "partner", site.clock()).since == newest[1]
        assert figures_of(transaction, "nobody", site.clock()).accepted == 0


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [((), 50, None), ((7,), 99, 7), ((1, 2, 3, 4), 50, 2), (range(1, 101), 95, 95), (range(1, 101), 99, 99)],
)
def test_a_percentile_is_a_value_that_was_measured(
    values: range | tuple[int, ...], percent: int, expected: int
) -> None:
    assert percentile(values, percent) == expected
