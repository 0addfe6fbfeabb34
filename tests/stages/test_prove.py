"""A withdrawal that a channel took is looked for there until it is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench import Bench, Receiver, WithoutFeeds, article
from every_stage import prove

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.ledger.deliveries import proofs
from pipeline.ledger.deliveries.proofs import Proof
from pipeline.model.delivery import Parcel
from pipeline.stages.stage import drain


@dataclass
class Shelf(Receiver):
    """A channel that can be read back."""

    keeps: bool = False
    silent: bool = False

    def shows(self, parcel: Parcel) -> str | None:
        if self.silent:
            raise TransientError("no answer", code="timeout")
        return f"https://shelf.example.org/{parcel.article_id}" if self.keeps else None


def proof(bench: Bench) -> Proof:
    with bench.ledger.read() as transaction:
        (one,) = proofs.of_article(transaction, "spasms")
    return one


def withdrawn(ledger: Ledger, receiver: Receiver, gone: Callable[[str], str | None] | None = None) -> Bench:
    bench = WithoutFeeds(ledger)
    bench.receivers["partner"] = receiver
    plan = replace(bench.context.channels["partner"], proof_check=gone)
    object.__setattr__(bench.context, "channels", {"partner": plan})
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.work()
    return bench


def test_what_is_gone_at_once_is_proved_at_once(ledger: Ledger) -> None:
    bench = withdrawn(ledger, Shelf())
    assert (proof(bench).proved, proof(bench).due, proof(bench).shown) == (bench.clock.now, None, None)


def test_what_is_still_shown_is_looked_for_until_it_is_gone_and_the_time_is_kept(ledger: Ledger) -> None:
    shelf = Shelf(keeps=True)
    bench = withdrawn(ledger, shelf)
    bench.work_for(100, step=10)
    assert (proof(bench).shown, proof(bench).proved) == ("https://shelf.example.org/spasms", None)
    with ledger.read() as transaction:
        assert len(proofs.outstanding(transaction, limit=10)) == 1
    shelf.keeps = False
    bench.work_for(900, step=30)
    took = proof(bench).proved - proof(bench).withdrawn  # type: ignore[operator]
    assert took.total_seconds() >= 100
    assert proof(bench).shown is None


def test_it_is_never_given_up_but_asked_for_ever_less_often(ledger: Ledger) -> None:
    bench = withdrawn(ledger, Shelf(keeps=True))
    bench.work_for(48 * 3600, step=1800)
    assert proof(bench).due is not None
    assert (proof(bench).due - proof(bench).checked).total_seconds() == 3600  # type: ignore[operator]


def test_a_channel_that_does_not_answer_proves_nothing(ledger: Ledger) -> None:
    bench = withdrawn(ledger, Shelf(silent=True))
    assert (proof(bench).proved, proof(bench).error) == (None, "timeout: no answer")


def test_a_public_address_is_asked_where_the_channel_cannot_be_read(ledger: Ledger) -> None:
    shown: list[str | None] = ["https://partner.example.org/spasms: 200 OK", None]
    bench = withdrawn(ledger, Receiver(), gone=lambda article_id: shown.pop(0))
    assert proof(bench).shown == "https://partner.example.org/spasms: 200 OK"
    shown.append(None)
    bench.work_for(10)
    assert (proof(bench).shown, proof(bench).proved) == (None, None)
    bench.work_for(120)
    assert proof(bench).proved is not None


def test_a_public_address_that_answers_404_during_a_deployment_proves_nothing(ledger: Ledger) -> None:
    shown: list[str | None] = [None, "https://partner.example.org/spasms: 200 OK", None, None]
    bench = withdrawn(ledger, Receiver(), gone=lambda article_id: shown.pop(0))
    assert proof(bench).proved is None
    bench.work_for(121, step=11)
    assert (proof(bench).shown, proof(bench).proved) == ("https://partner.example.org/spasms: 200 OK", None)
    bench.work_for(200, step=10)
    assert proof(bench).proved is not None
    assert shown == []


def test_a_channel_that_cannot_be_read_owes_no_proof(ledger: Ledger) -> None:
    bench = withdrawn(ledger, Receiver())
    with ledger.read() as transaction:
        assert proofs.of_article(transaction, "spasms") == []
    assert bench.partner.got[-1].event == "withdrawn"


def test_what_is_published_again_needs_no_proof_any_more(ledger: Ledger) -> None:
    bench = withdrawn(ledger, Shelf(keeps=True))
    bench.publish(article(text="Better."))
    bench.work_for(60, step=5)
    with ledger.read() as transaction:
        assert proofs.of_article(transaction, "spasms") == []


def test_what_another_took_over_is_not_written(ledger: Ledger) -> None:
    bench = withdrawn(ledger, Shelf(keeps=True))
    bench.clock.pass_(10)
    (slow,) = prove.claim(bench.context, "")
    bench.clock.pass_(3600)
    drain(bench.context, prove)
    before = proof(bench)
    assert prove.do(bench.context, slow) is True
    assert proof(bench) == before


def test_one_slow_channel_takes_no_more_than_two_workers(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.receivers["partner"] = Shelf(keeps=True)
    for number in range(30):
        bench.publish(article(f"article-{number}"))
    bench.work()
    for number in range(30):
        bench.withdraw(f"article-{number}")
    bench.work()
    bench.clock.pass_(10)
    assert [len(prove.claim(bench.context, "")) > 0 for _ in range(3)] == [True, True, False]
