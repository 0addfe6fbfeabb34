"""What is known beyond a backup stays known when another one is restored, and counts when an article is withdrawn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench import START, Bench, article
from empty_ledger import empty_ledger

from pipeline.ledger import Ledger, deliveries, findings
from pipeline.ledger.articles import beyond, public
from pipeline.ledger.articles.former import bring_withdrawn
from pipeline.ledger.articles.public import Public
from pipeline.ledger.deliveries import Delivery
from pipeline.ledger.findings import Finding, FindingKind
from pipeline.ledger.places import rekeying
from pipeline.ledger.tables import changes


@pytest.fixture
def former(tmp_path: Path) -> Iterator[Ledger]:
    opened = empty_ledger(tmp_path / "former")
    yield opened
    opened.close()


def finding(kind: FindingKind, revision: int | None, article: str = "a") -> Finding:
    return Finding(place="first", kind=kind, article=article, revision=revision, detail="as found")


def found(ledger: Ledger, *some: Finding) -> None:
    with ledger.write() as transaction:
        findings.record(transaction, some, now=START)
        findings.accept(transaction, some, by="somebody", now=START)


@pytest.mark.parametrize("where", ["in the backup", "in the former ledger"])
def test_a_number_that_was_found_once_stays_taken_and_needs_a_decision_again(
    ledger: Ledger, former: Ledger, where: str
) -> None:
    found(ledger if where == "in the backup" else former, finding("newer", 7), finding("gone", 9, "b"))
    with former.read() as there:
        lasting = findings.lasting(there)
    with ledger.write() as transaction:
        findings.reopen(transaction, lasting, now=START)
        assert findings.next_number(transaction, "a", 2) == 8
        assert findings.next_number(transaction, "b", 2) == 3, "a file that was gone is looked for again"
        assert [(one.article, one.revision) for one in findings.undecided(transaction)] == [("a", 7)]


def test_of_the_backups_own_findings_and_the_former_ledgers_the_later_counts(ledger: Ledger, former: Ledger) -> None:
    found(ledger, finding("newer", 7))
    found(former, finding("withdrawn", 5))
    with former.read() as there, ledger.write() as transaction:
        findings.reopen(transaction, findings.lasting(there), now=START)
        assert [one.revision for one in findings.undecided(transaction)] == [7]


def test_an_article_that_was_shown_beyond_the_backup_is_withdrawn_before_it_is_rendered(ledger: Ledger) -> None:
    bench = Bench(ledger, "first")
    found(ledger, finding("newer", 7))
    bench.publish(article("a"))
    bench.withdraw("a")
    with ledger.read() as transaction:
        shown = public.find(transaction, "a")
    assert shown == Public("withdrawn", 9)


def test_what_a_channel_got_since_the_backup_counts_for_a_delivery_that_was_only_scheduled_in_it(
    ledger: Ledger, former: Ledger
) -> None:
    for one, format in ((ledger, "json-ld"), (former, "markdown")):
        with one.write() as transaction:
            new = deliveries.NewTarget(
                id="dlv_1", article="a", channel="first", format=format, revision=1, digest="sha256:1"
            )
            deliveries.schedule(transaction, new, now=START)
    with former.write() as transaction:
        rekeying.add_files(transaction, "first", "a", ["plain-text", "markdown"], "a.md")
    with former.read() as there, ledger.write() as transaction:
        rekeying.bring_rows(there, "first", transaction, "first", now=START)
        row: Delivery | None = deliveries.at_place(transaction, "first", "a")
        assert row is not None
        assert (row.format, row.remote_id, row.state) == ("json-ld", "a.md", "pending")
        assert (row.tried or "").split() == ["plain-text", "markdown"]
        assert deliveries.schedule_withdrawal(transaction, "a", revision=2, now=START) == ["first"]


def test_a_delivery_is_counted_once_and_an_older_revision_makes_no_change(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        for count in (1, 0):
            assert (
                deliveries.withdraw_at(transaction, "b", id="dlv_2", key="first", format="x", revision=1, now=START)
                == count
            )
        for revision in (2, 1):
            digest = f"sha256:{revision}"
            new = deliveries.NewTarget(
                id="dlv_1", article="a", channel="first", format="x", revision=revision, digest=digest
            )
            deliveries.schedule(transaction, new, now=START)
        recorded = sa.select(changes.c.revision).where(changes.c.article == "a")
        assert list(transaction.scalars(recorded)) == [2]


def test_what_was_withdrawn_before_anyone_saw_it_is_withdrawn_again(ledger: Ledger, former: Ledger) -> None:
    for one in (ledger, former):
        bench = Bench(one, "first")
        for id in ("early", "stays"):
            bench.publish(article(id))
    bench.withdraw("early", reason="Wrong dose.")
    assert beyond.compare(ledger, former).withdrawn == (("early", 2, "Wrong dose."),)


def test_an_article_that_was_published_and_withdrawn_since_comes_as_withdrawn(ledger: Ledger, former: Ledger) -> None:
    bench, own = Bench(former, "first", "second"), Bench(ledger, "first", "second")
    bench.publish(article("wrong"))
    bench.work()
    bench.receivers["second"].mood = "down"
    bench.withdraw("wrong", reason="Wrong dose.")
    bench.work()
    with former.read() as there, ledger.write() as transaction:
        for channel in ("first", "second"):
            rekeying.bring_rows(there, channel, transaction, channel, now=START)
        assert bring_withdrawn(transaction, there, now=START) == ["wrong"]
        assert public.find(transaction, "wrong") == Public("withdrawn", 2)
    assert beyond.compare(ledger, former) == beyond.Beyond(findings=(), waiting=(), withdrawn=())
    own.work()
    assert [(one.event, one.revision, one.title) for one in own.receivers["second"].got] == [
        ("withdrawn", 2, "About wrong")
    ]
    assert own.receivers["first"].got == [], "it has got the withdrawal"
