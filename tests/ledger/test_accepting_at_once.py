from __future__ import annotations

import threading

from bench import Bench, article

from pipeline.errors import TransientError
from pipeline.ledger import Ledger
from pipeline.model.event import Accepted


def at_once(*calls):  # type: ignore[no-untyped-def]
    """The answers of calls that start together; a call that was told to wait tries again."""
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
    assert bench.standing().revision == 1
