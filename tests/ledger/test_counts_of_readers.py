"""Who fetched the feeds, in the ledger, on both kinds of database: what is added up, who has a place, what is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pipeline.feeds.user_agents import OTHERS
from pipeline.ledger import Ledger
from pipeline.ledger.feeds import readers
from pipeline.ledger.feeds.readers import PLACES, Day, Fetched, Fetcher, OnDay

DAY = dt.date(2026, 3, 1)
NEXT = DAY + dt.timedelta(days=1)
FEEDLY, FEEDBIN = ("Feedly", "rss"), ("Feedbin", "atom")
MANY = {(f"r{number:05}", "rss"): Fetched(1, 9) for number in range(PLACES + 50)}


def _add(ledger: Ledger, fetched: Mapping[Fetcher, Fetched], day: dt.date = DAY, feed: str = "latest") -> set[Fetcher]:
    with ledger.write() as transaction:
        return set(readers.add(transaction, {feed: fetched}, day=day, others=OTHERS)[feed])


def _rows(ledger: Ledger, feed: str = "latest", since: dt.date = DAY) -> list[OnDay]:
    with ledger.read() as transaction:
        return list(readers.since(transaction, feed, since))


def test_requests_are_added_up_and_the_most_that_was_said_on_a_day_is_kept(ledger: Ledger) -> None:
    _add(ledger, {FEEDLY: Fetched(2, 16), FEEDBIN: Fetched(1)})
    _add(ledger, {FEEDLY: Fetched(1, 12)})
    _add(ledger, {FEEDLY: Fetched(1), FEEDBIN: Fetched(1, 0)})
    _add(ledger, {FEEDLY: Fetched(5, 3)}, NEXT)
    _add(ledger, {FEEDLY: Fetched(7, 99)}, feed="other")
    assert _rows(ledger) == [
        OnDay(DAY, "Feedbin", "atom", 2, 0),
        OnDay(DAY, "Feedly", "rss", 4, 16),
        OnDay(NEXT, "Feedly", "rss", 5, 3),
    ]
    assert _rows(ledger, since=NEXT) == [OnDay(NEXT, "Feedly", "rss", 5, 3)]
    with ledger.read() as transaction:
        assert readers.days(transaction, "latest", limit=30) == [Day(NEXT, 5, 3), Day(DAY, 6, 16)]
        assert readers.days(transaction, "latest", limit=1) == [Day(NEXT, 5, 3)]
        assert readers.days(transaction, "third", limit=30) == []


def test_a_day_on_which_nobody_said_a_number_has_none(ledger: Ledger) -> None:
    _add(ledger, {FEEDBIN: Fetched(3)})
    with ledger.read() as transaction:
        assert readers.days(transaction, "latest", limit=30) == [Day(DAY, 3, None)]


def test_names_beyond_the_places_of_a_day_are_others_and_say_nothing(ledger: Ledger) -> None:
    _add(ledger, MANY)
    _add(ledger, {(f"later{number}", "rss"): Fetched(2, 9) for number in range(1000)} | {(OTHERS, "rss"): Fetched(3)})
    rows = _rows(ledger)
    assert len(rows) == PLACES + 1
    (others,) = (one for one in rows if one.reader == OTHERS)
    assert (others.requests, others.said) == (50 + 2000 + 3, None)
    assert sum(one.requests for one in rows) == len(MANY) + 2000 + 3, "every request is in the sum"


def test_those_who_come_most_often_have_the_places(ledger: Ledger) -> None:
    assert FEEDLY in _add(ledger, MANY | {FEEDLY: Fetched(3, 16)})
    assert OnDay(DAY, *FEEDLY, 3, 16) in _rows(ledger)


def test_who_was_there_the_day_before_keeps_a_place(ledger: Ledger) -> None:
    _add(ledger, {FEEDLY: Fetched(1, 16)})
    assert FEEDLY in _add(ledger, MANY, NEXT), "it is told to those who count, before they count it"
    assert len(_rows(ledger, since=NEXT)) == PLACES - 1 + 1, "a place is left for it, and the others are one more row"
    _add(ledger, {FEEDLY: Fetched(1, 17)}, NEXT)
    assert _rows(ledger, since=NEXT)[1] == OnDay(NEXT, *FEEDLY, 1, 17)


def test_what_is_older_is_forgotten(ledger: Ledger) -> None:
    for day in (DAY, NEXT):
        _add(ledger, {FEEDLY: Fetched(1, 16), FEEDBIN: Fetched(1)}, day)
    with ledger.write() as transaction:
        assert readers.forget(transaction, before=NEXT) == 2
    assert {one.day for one in _rows(ledger)} == {NEXT}
