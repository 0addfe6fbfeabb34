from __future__ import annotations

import itertools
import threading
from dataclasses import replace

from bench import Bench, article, paper
from empty_ledger import emptied_ledger
from every_stage import enrich
from msgspec import structs

from pipeline.errors import TransientError
from pipeline.ledger import Ledger, evidence
from pipeline.model.article import CitedWork
from pipeline.model.event import Accepted, Origin, Publish
from pipeline.stages.accept import accept_all
from pipeline.stages.stage import drain


def at_once(*calls):  # type: ignore[no-untyped-def]
    """Return the answers of calls that start together; a call that is refused for now tries again."""
    barrier, answers = threading.Barrier(len(calls)), []

    def run(call) -> None:  # type: ignore[no-untyped-def]
        barrier.wait()
        for _ in range(5):
            try:
                answers.append(call())
                return
            except TransientError:
                continue

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_new_article_from_several_senders_at_once_gets_one_revision_for_each_content(ledger: Ledger) -> None:
    bench = Bench(ledger)
    texts = [f"edit {number}" for number in range(6)]
    answers: list[Accepted] = at_once(*(lambda text=text: bench.publish(article(text=text)) for text in texts))
    assert sorted(answer.revision for answer in answers) == [1, 2, 3, 4, 5, 6]
    assert [answer.type for answer in answers].count("published") == 1
    bench.work()
    assert bench.partner.last("spasms").revision == 6


def test_the_same_event_from_two_connections_at_once_is_one_event(ledger: Ledger) -> None:
    bench = Bench(ledger)
    answers = at_once(*(lambda: bench.publish(article(), id="same") for _ in range(4)))
    assert len(answers) == 4
    assert len({answer.event for answer in answers}) == 1
    assert bench.article().revision == 1


def test_a_doi_that_is_converted_while_an_article_is_accepted_is_its_citation_too(postgresql: str) -> None:
    ledger = emptied_ledger(postgresql)  # on SQLite nothing is converted while something is accepted
    bench, doi = Bench(ledger), CitedWork("doi", "10.1/x")
    bench.converter.pmids["10.1/x"] = "5"
    bench.pubmed.papers["5"] = paper("5")
    bench.publish(structs.replace(article("first"), references=(doi,)))

    def new_id(prefix: str) -> str:
        if prefix == "evt_" and next(events) == 2:  # the second article is written, and not committed
            drain(bench.context, enrich)
        return bench.new_id(prefix)

    events = itertools.count(1)
    batch = [
        Publish(Origin(source="test", id=id), structs.replace(article(id), references=(doi,)))
        for id in ("second", "third")
    ]
    accept_all(replace(bench._intake(), new_id=new_id), batch)
    bench.work_for(15)
    with ledger.read() as transaction:
        assert evidence.citing(transaction, ["5"]) == ["first", "second", "third"]
    ledger.close()
