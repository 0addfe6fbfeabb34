"""What a pulling partner is sent, and what is recorded of what it has."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from bench import PLAIN, START, Bench, article
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.statements import counted
from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.deliveries import Delivery, channel_contents
from pipeline.ledger.partners import pulls
from pipeline.ledger.partners.changes import BEGINNING
from pipeline.model.rendition import Format
from pipeline.stages.context import ChannelPlan
from pipeline.stages.partners import pull
from pipeline.stages.partners.pull import Page
from pipeline.views import events as events_views
from pipeline.views import system as system_views
from pipeline.views.system import Pulled as Read


class Pulled(Bench):
    """A bench whose one channel is pulled from."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, "partner")
        self.context = replace(self.context, channels={"partner": replace(self.plan, is_pull=True)})

    @property
    def plan(self) -> ChannelPlan:
        return self.context.channels["partner"]

    def page(self, cursor: str = BEGINNING, *, limit: int = 100) -> Page:
        page = pull.page(self.context, self.plan, cursor=cursor, limit=limit, token="their reader")
        assert page is not None
        return page

    def delivery(self, article_id: str = "spasms") -> Delivery:
        with self.ledger.read() as transaction:
            (one,) = deliveries.of_article(transaction, article_id)
        return one


@pytest.fixture
def bench(ledger: Ledger) -> Pulled:
    return Pulled(ledger)


def events(page: Page) -> list[tuple[Any, ...]]:
    return [(one["article"], one["revision"], one["event"]) for one in page.changes]


def test_a_change_comes_with_the_rendition_in_the_partners_format(bench: Pulled) -> None:
    bench.publish(article(text="Rest."))
    bench.work()
    (change,) = bench.page().changes
    assert change == {
        "article": "spasms",
        "revision": 1,
        "event": "published",
        "at": "2026-03-01T12:00:00Z",
        "media_type": "text/plain",
        "content": "1|Rest.|",
    }


def test_every_change_is_told_and_only_the_newest_of_an_article_with_what_stands(bench: Pulled) -> None:
    for text in ("Rest.", "Stretch."):
        bench.publish(article(text=text))
        bench.work()
    first, second = bench.page().changes
    assert (first["revision"], first["superseded_by"], "content" in first) == (1, 2, False)
    assert (second["event"], second["content"]) == ("updated", "2|Stretch.|")


def test_what_was_withdrawn_is_handed_out_no_more(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    bench.withdraw(reason="The dose was wrong.")
    published, withdrawn = bench.page().changes
    assert "content" not in published and "href" not in published
    assert (withdrawn["event"], withdrawn["content"]) == ("withdrawn", "2|withdrawn|The dose was wrong.")


def test_a_cursor_goes_on_where_it_was_given(bench: Pulled) -> None:
    for name in ("one", "two", "three"):
        bench.publish(article(name))
    bench.work()
    first = bench.page(limit=2)
    rest = bench.page(first.cursor)
    assert len(events(first)) == 2
    assert sorted(events(first) + events(rest)) == [(name, 1, "published") for name in ("one", "three", "two")]


def test_where_nothing_follows_the_cursor_stays_the_same(bench: Pulled) -> None:
    assert bench.page() == Page((), BEGINNING)
    bench.publish(article())
    bench.work()
    page = bench.page()
    assert bench.page(page.cursor) == Page((), page.cursor)


def test_what_is_no_cursor_of_the_channel_is_refused(bench: Pulled) -> None:
    assert pull.page(bench.context, bench.plan, cursor="17-abc", limit=9, token="x") is None


def test_a_page_ends_before_it_grows_too_large(bench: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "PAGE", 2_500)
    for number in range(5):
        bench.publish(article(f"article-{number}", text="x" * 1000))
    bench.work()
    cursor, sizes = BEGINNING, []
    while (page := bench.page(cursor)).changes:
        sizes.append(len(page.changes))
        cursor = page.cursor
    assert sizes == [2, 2, 1]


def test_one_that_is_larger_than_a_page_comes_alone(bench: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "PAGE", 10)
    bench.publish(article(text="x" * 1000))
    bench.publish(article("other", text="x" * 1000))
    bench.work()
    assert len(bench.page().changes) == 1


def test_a_large_rendition_is_an_address_that_serves_it(bench: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "INLINE", 100)
    bench.publish(article(text="x" * 101))
    bench.work()
    (change,) = bench.page().changes
    assert change["href"] == "https://notes.example.org/partners/partner/articles/spasms/1"
    found = pull.document(bench.context, bench.plan, "spasms", 1)
    assert found is not None
    assert (found.media_type, found.body.decode()) == ("text/plain", f"1|{'x' * 101}|")


def test_an_address_of_what_stands_no_more_serves_nothing(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    bench.publish(article(text="Stretch."))
    bench.work()
    assert pull.document(bench.context, bench.plan, "spasms", 1) is None
    assert pull.document(bench.context, bench.plan, "spasms", 2) is not None
    bench.withdraw()
    assert pull.document(bench.context, bench.plan, "spasms", 2) is None
    tombstone = pull.document(bench.context, bench.plan, "spasms", 3)
    assert tombstone is not None and tombstone.body == b"3|withdrawn|It was wrong."
    assert pull.document(bench.context, bench.plan, "never", 1) is None


def test_bytes_that_the_store_has_lost_are_made_again(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    bench.store.held.clear()
    assert bench.page().changes[0]["content"] == "1|Rest.|"


# --- what is known of the partner ---------------------------------------------------------------------------------


def test_nothing_is_sent_and_the_delivery_waits_for_nobody_but_the_partner(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    assert bench.partner.tried == []
    assert (bench.delivery().state, bench.delivery().due, bench.delivery().delivered_revision) == (
        "pending",
        None,
        None,
    )
    assert "deliver" not in bench.due()
    with bench.ledger.read() as transaction:
        assert events_views.outcome(transaction, "spasms", 1) == "delivered"


def test_it_is_delivered_when_the_partner_asks_for_what_follows(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    page = bench.page()
    assert bench.delivery().state == "pending"
    bench.clock.pass_(30)
    bench.page(page.cursor)
    assert (bench.delivery().state, bench.delivery().delivered_revision, bench.delivery().delivered_event) == (
        "delivered",
        1,
        "published",
    )


def test_what_the_partner_holds_it_holds_since_it_was_handed_out(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    page, handed_out = bench.page(), bench.clock.now
    bench.clock.pass_(3600)
    bench.page(page.cursor)
    with bench.ledger.read() as transaction:
        held = channel_contents.at(transaction, "spasms", "partner", handed_out)
    assert held is not None and held.revision == 1


def test_a_withdrawal_waits_until_the_partner_has_it(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    page = bench.page()
    bench.page(page.cursor)
    bench.withdraw()
    bench.work()
    assert (bench.delivery().state, bench.delivery().target_revision, bench.delivery().due) == ("pending", 2, None)
    tombstone = bench.page(page.cursor)
    bench.page(tombstone.cursor)
    assert (bench.delivery().state, bench.delivery().delivered_event) == ("delivered", "withdrawn")


def test_what_came_after_the_page_still_waits(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    page = bench.page()
    bench.publish(article(text="Stretch."))
    bench.work()
    bench.page(page.cursor)
    assert (bench.delivery().state, bench.delivery().delivered_revision, bench.delivery().target_revision) == (
        "pending",
        1,
        2,
    )


def test_what_was_pulled_by_whom_is_kept_and_shown(bench: Pulled) -> None:
    for name in ("one", "two", "three"):
        bench.publish(article(name))
    bench.work()
    page = bench.page(limit=2)
    bench.clock.pass_(90)
    bench.page(page.cursor, limit=1)
    with bench.ledger.read() as transaction:
        kept = pulls.every(transaction, "partner")
        (shown,) = system_views.system(transaction, ["partner"], now=bench.clock.now).channels
    assert [(one.token, one.first, one.last, one.count) for one in kept] == [
        ("their reader", 1, 2, 2),
        ("their reader", 3, 3, 1),
    ]
    assert shown.pulled == Read(seen=START + dt.timedelta(seconds=90), token="their reader", taken=2, left=1)


def test_when_an_operator_looks_nothing_is_said_of_the_partner(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    cursor = BEGINNING
    for _ in range(2):
        page = pull.page(bench.context, bench.plan, cursor=cursor, limit=9, token=None)
        assert page is not None
        cursor = page.cursor
    assert bench.delivery().state == "pending"
    with bench.ledger.read() as transaction:
        assert (pulls.every(transaction, "partner"), pulls.position(transaction, "partner")) == ([], None)


def test_to_begin_anew_takes_nothing_back(bench: Pulled) -> None:
    bench.publish(article())
    bench.work()
    page = bench.page()
    bench.page(page.cursor)
    assert bench.page().changes == page.changes
    assert bench.delivery().state == "delivered"


def test_a_channel_that_is_pushed_to_may_be_read_too_and_nothing_changes_by_it(ledger: Ledger) -> None:
    bench = Pulled(ledger)
    bench.context = replace(bench.context, channels={"partner": replace(bench.plan, is_pull=False)})
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    bench.page(bench.page().cursor)
    assert (bench.delivery().state, bench.delivery().delivered_revision) == ("pending", None)


def test_a_revision_with_the_same_bytes_is_delivered_with_the_change_that_the_partner_fetched(ledger: Ledger) -> None:
    bench = Pulled(ledger)
    same = Format("plain", "text/plain", "plain", lambda one, _: one.article.answer.encode(), PLAIN.tombstone)
    bench.context = replace(bench.context, formats={"plain": same})
    bench.publish(article(text="Rest."))
    bench.work()
    page = bench.page()
    bench.publish(article(text="Rest.", language="en-GB"))  # which this format does not show
    bench.work()
    assert bench.delivery().target_revision == 2
    bench.page(page.cursor)
    assert (bench.delivery().state, bench.delivery().delivered_revision) == ("delivered", 2)


def test_confirming_many_changes_asks_the_ledger_as_often_as_confirming_one(bench: Pulled) -> None:
    asked = []
    for names in (["first"], [f"one-{number:02}" for number in range(20)]):
        for name in names:
            bench.publish(article(name))
        bench.work()
        page = bench.page(bench.page().cursor)
        bench.clock.pass_(30)
        with counted() as count:
            bench.page(page.cursor)
        asked.append(count.statements)
        assert {bench.delivery(name).state for name in names} == {"delivered"}
    assert asked[0] == asked[1]


def test_what_is_confirmed_in_portions_is_all_recorded(bench: Pulled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "_ONCE", 2)
    names = [f"one-{number}" for number in range(5)]
    for name in names:
        bench.publish(article(name))
    bench.work()
    page, handed_out = bench.page(), bench.clock.now
    bench.clock.pass_(60)
    bench.page(page.cursor)
    assert {bench.delivery(name).state for name in names} == {"delivered"}
    with bench.ledger.read() as transaction:
        held = [channel_contents.at(transaction, name, "partner", handed_out) for name in names]
    assert [one and one.revision for one in held] == [1] * 5


_PAGES = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 12)), max_size=8)


@given(pages=_PAGES, numbers=st.lists(st.integers(1, 45), unique=True).map(sorted))
def test_a_change_was_received_with_the_first_page_that_it_was_on(
    pages: list[tuple[int, int]], numbers: list[int]
) -> None:
    handed = [
        pulls._Handed(first, first + more, START + dt.timedelta(minutes=minute))
        for minute, (first, more) in enumerate(pages)
    ]
    expected = [next((one.at for one in handed if one.first <= number <= one.last), None) for number in numbers]
    assert pulls._first_handed(handed, numbers) == expected
