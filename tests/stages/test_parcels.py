"""What a parcel carries beside the channel's own format, as its channel type has asked for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bench import PLAIN, Bench, WithoutFeeds, article

from benchmarks.statements import counted
from pipeline.ledger import Ledger, deliveries
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.stages.deliver.parcels import withdrawal_parcel


def _loud(revision: Revision, site: Site) -> bytes:
    return f"{revision.number}|{revision.article.answer.upper()}".encode()


def _gone(withdrawal: Withdrawal, site: Site) -> bytes:
    return f"{withdrawal.number}|{withdrawal.reason.upper()}".encode()


LOUD = replace(PLAIN, name="loud", media_type="text/loud", extension="loud", render=_loud, tombstone=_gone)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = WithoutFeeds(ledger)
    plans = {id: replace(plan, also=("loud",)) for id, plan in bench.context.channels.items()}
    bench.context = replace(bench.context, formats={"plain": PLAIN, "loud": LOUD}, channels=plans)
    return bench


def carried(bench: Bench) -> dict[str, tuple[str, bytes]]:
    parcel = bench.partner.last("spasms")
    return {name: (one.media_type, one.body) for name, one in parcel.also.items()}


def test_a_parcel_carries_each_format_of_the_same_revision(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    assert carried(bench) == {"loud": ("text/loud", b"1|REST.")}
    assert bench.partner.last("spasms").rendition.format == "plain"
    bench.publish(article(text="Move."))
    bench.work()
    assert carried(bench) == {"loud": ("text/loud", b"2|MOVE.")}


def test_a_withdrawal_carries_the_tombstone_in_each_format(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.work()
    assert carried(bench) == {"loud": ("text/loud", b"2|IT WAS WRONG.")}


def test_a_withdrawals_parcel_takes_five_statements(bench: Bench) -> None:
    """A withdrawal makes one for each channel."""
    bench.publish(article())
    bench.work()
    bench.withdraw()
    with bench.ledger.read() as transaction:
        (row,) = deliveries.of_article(transaction, "spasms")
    with counted() as count:
        withdrawal_parcel(bench.context, row, bench.clock.now)
    assert count.statements == 5


def test_what_was_rendered_before_there_was_such_a_format_is_made_when_it_is_sent(bench: Bench) -> None:
    plain = {id: replace(plan, also=()) for id, plan in bench.context.channels.items()}
    now, bench.partner.mood = bench.context, "down"
    bench.context = replace(now, formats={"plain": PLAIN}, channels=plain)
    bench.publish(article())
    bench.work()
    bench.context, bench.partner.mood = now, "well"
    bench.work_for(60)
    assert carried(bench) == {"loud": ("text/loud", b"1|REST.")}


def test_a_rendition_that_the_store_has_lost_is_made_again(bench: Bench) -> None:
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    bench.store.held.clear()
    bench.partner.mood = "well"
    bench.work_for(60)
    assert carried(bench) == {"loud": ("text/loud", b"1|REST.")}
