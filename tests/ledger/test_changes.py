"""Changes in the order of commits: a reader skips none, even if others were still committing when it read."""

from __future__ import annotations

import datetime as dt
import random
import threading
from collections.abc import Iterator

import pytest
from empty_ledger import emptied_ledger

from pipeline.ledger import Ledger, Transaction, articles
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.partners import changes

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def note(transaction: Transaction, article: str, revision: int, *, digest: str | None = "", channel: str = "a") -> None:
    if digest is None:
        changes.record_withdrawal(transaction, article, channel=channel, revision=revision, now=NOW)
        return
    made = digest or f"sha256:{article}-{revision}"
    wanted = changes.Wanted(channel=channel, article=article, revision=revision, format="plain", digest=made)
    changes.record(transaction, wanted, now=NOW)


def read(ledger: Ledger, after: int = 0, *, channel: str = "a", limit: int = 100) -> list[changes.Change]:
    with ledger.write() as transaction:
        changes.assign_sequence(transaction, channel)
    with ledger.read() as transaction:
        return changes.after(transaction, channel, after, limit=limit)


def summary(found: list[changes.Change]) -> list[tuple[str, int, str]]:
    return [(change.article, change.revision, change.event) for change in found]


@pytest.fixture
def postgres(postgresql: str) -> Iterator[Ledger]:
    ledger = emptied_ledger(postgresql)
    yield ledger
    ledger.close()


def test_changes_are_told_in_the_order_in_which_they_were_made(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
        note(transaction, "two", 1)
        note(transaction, "one", 2)
        note(transaction, "two", 2, digest=None)
        note(transaction, "two", 3)
    assert summary(read(ledger)) == [
        ("one", 1, "published"),
        ("two", 1, "published"),
        ("one", 2, "updated"),
        ("two", 2, "withdrawn"),
        ("two", 3, "published"),
    ]


def test_a_change_that_a_later_one_supersedes_says_so(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
        note(transaction, "two", 1)
        note(transaction, "one", 4)
    assert [change.superseded_by for change in read(ledger)] == [4, None, None]


def test_one_that_has_no_place_yet_supersedes_too(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
    read(ledger)
    with ledger.write() as transaction:
        note(transaction, "one", 2)
    with ledger.read() as transaction:
        (first,) = changes.after(transaction, "a", 0, limit=9)
    assert first.superseded_by == 2


def test_channels_do_not_touch_each_other(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
        note(transaction, "one", 1, channel="b")
    (mine,), (theirs,) = read(ledger), read(ledger, channel="b")
    assert (mine.seq, theirs.seq) == (1, 1)


def test_what_was_told_keeps_its_place(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
    before = read(ledger)
    with ledger.write() as transaction:
        note(transaction, "two", 1)
    assert read(ledger)[:1] == before
    assert summary(read(ledger, after=1)) == [("two", 1, "published")]


def test_more_than_can_be_placed_at_once_is_placed_by_and_by(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_ONCE", 3)
    with ledger.write() as transaction:
        for number in range(8):
            note(transaction, f"article-{number}", 1)
    assert [len(read(ledger)) for _ in range(4)] == [3, 6, 8, 8]
    assert [change.seq for change in read(ledger)] == list(range(1, 9))


def test_a_cursor_leads_back_to_its_place(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
        note(transaction, "two", 1)
    first, second = read(ledger)
    with ledger.read() as transaction:
        assert changes.sequence_of(transaction, "a", changes.BEGINNING) == 0
        assert changes.sequence_of(transaction, "a", first.cursor) == 1
        assert changes.sequence_of(transaction, "a", second.cursor) == 2


NONSENSE = ["", "1", "-1", "1-", "9-000000000000", "1-000000000000", "x", "０", "²", "1" * 60, "1; DROP TABLE changes"]


@pytest.mark.parametrize("cursor", NONSENSE)
def test_a_cursor_that_was_never_given_is_none(ledger: Ledger, cursor: str) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
    read(ledger)
    with ledger.read() as transaction:
        assert changes.sequence_of(transaction, "a", cursor) is None


def test_the_cursor_of_another_channel_is_none(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        note(transaction, "one", 1)
        note(transaction, "two", 1, channel="b")
    (mine,) = read(ledger)
    read(ledger, channel="b")
    with ledger.read() as transaction:
        assert changes.sequence_of(transaction, "b", mine.cursor) is None


def test_a_change_that_was_committing_while_others_were_read_is_told_of_next(postgres: Ledger) -> None:
    """Its number among the rows is lower than theirs: who went by that would skip it for ever."""
    with postgres.write() as slow:
        note(slow, "slow", 1)
        with postgres.write() as quick:
            note(quick, "quick", 1)
        found = read(postgres)
        assert summary(found) == [("quick", 1, "published")]
    assert found[-1].seq is not None
    assert summary(read(postgres, found[-1].seq)) == [("slow", 1, "published")]
    assert summary(read(postgres)) == [("quick", 1, "published"), ("slow", 1, "published")]


def test_a_change_that_was_rolled_back_leaves_no_gap(postgres: Ledger) -> None:
    with pytest.raises(RuntimeError), postgres.write() as lost:
        note(lost, "lost", 1)
        raise RuntimeError("killed")
    with postgres.write() as kept:
        note(kept, "kept", 1)
    assert [(change.seq, change.article) for change in read(postgres)] == [(1, "kept")]


def test_two_readers_get_every_change_once_while_four_write(postgres: Ledger) -> None:
    """Writers hold their transactions open for a moment, so that they commit in another order than they began."""
    writing = [threading.Thread(target=_write, args=(postgres, number)) for number in range(4)]
    stopped = threading.Event()
    read_by: list[list[changes.Change]] = [[], []]
    reading = [threading.Thread(target=_follow, args=(postgres, mine, stopped)) for mine in read_by]
    for thread in writing + reading:
        thread.start()
    for thread in writing:
        thread.join()
    stopped.set()
    for thread in reading:
        thread.join()
    places = [[(change.seq, change.article, change.revision) for change in mine] for mine in read_by]
    assert places[0] == places[1]
    assert [seq for seq, _, _ in places[0]] == list(range(1, 4 * 60 + 1))
    for article in {article for _, article, _ in places[0]}:
        assert [revision for _, one, revision in places[0] if one == article] == [1, 2, 3, 4, 5, 6]


def _write(ledger: Ledger, writer: int) -> None:
    chance = random.Random(writer)
    for revision in range(1, 7):
        for number in range(10):
            article = f"article-{writer}-{number}"
            with ledger.write() as transaction:
                if revision == 1:
                    articles.create(transaction, _state(article))
                articles.lock(transaction, article)
                note(transaction, article, revision)
                threading.Event().wait(chance.random() / 200)


def _follow(ledger: Ledger, mine: list[changes.Change], stopped: threading.Event) -> None:
    while True:
        last_look = stopped.is_set()
        found = read(ledger, (mine[-1].seq or 0) if mine else 0, limit=7)
        mine += found
        if last_look and not found:
            return


def _state(article: str) -> ArticleState:
    return ArticleState(
        id=article,
        state="live",
        revision=1,
        rendered=None,
        title=article,
        language="en",
        published=NOW,
        updated=NOW,
        due=None,
        error=None,
    )


def test_a_withdrawal_is_in_the_format_of_what_it_takes_back(ledger: Ledger) -> None:
    """The names of the formats sort in the wrong order, so that the greatest is not the newest."""
    with ledger.write() as transaction:
        for channel, first, second in (("a", "rss", "ninjs"), ("b", "ninjs", "rss")):
            for revision, format in ((1, first), (2, second)):
                digest = f"sha256:{revision}"
                wanted = changes.Wanted(channel=channel, article="one", revision=revision, format=format, digest=digest)
                changes.record(transaction, wanted, now=NOW)
        changes.record_withdrawal(transaction, "one", revision=3, now=NOW)
        changes.record_withdrawal(transaction, "one", revision=4, now=NOW)  # there is nothing left to take back
    formats = {channel: [change.format for change in read(ledger, channel=channel)] for channel in "ab"}
    assert formats == {"a": ["rss", "ninjs", "ninjs"], "b": ["ninjs", "rss", "rss"]}
    assert read(ledger)[-1].revision == 3
