"""An article is delivered again on purpose, as it is, to everyone who has it."""

from __future__ import annotations

import pytest
from bench import WithoutFeeds, article

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger, operations
from pipeline.stages.accept import intake_of
from pipeline.stages.accept.again import again


def test_everyone_gets_it_once_more_and_the_audit_says_who_asked(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article("sleep"))
    bench.work()
    before = len(bench.receivers["partner"].got)
    done = again(intake_of(bench.context), "sleep", by="citewire refresh")
    bench.work()
    (parcel,) = bench.receivers["partner"].got[before:]
    assert (done.revision, done.count, parcel.revision, parcel.article_id) == (1, 1, 1, "sleep")
    with ledger.read() as transaction:
        (part,) = operations.parts_of(transaction, done.operation)
    assert (part.channel, part.revision, part.outcome) == ("partner", 1, "replayed")


def test_what_is_not_out_is_not_published_again(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    for name, code in (("sleep", "not-live"), ("nothing", "unknown-article")):
        if name == "sleep":
            bench.publish(article(name))
            bench.work()
            bench.withdraw(name)
        with pytest.raises(InvalidEvent) as refused:
            again(intake_of(bench.context), name, by="citewire refresh")
        assert refused.value.code == code
