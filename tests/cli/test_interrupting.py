"""Ctrl-C ends a command where it waits, and never in the middle of a question to the ledger."""

from __future__ import annotations

import signal

import pytest

from workers.cli.interrupting import interruptible, wait_until


def test_an_interruption_waits_until_it_is_allowed() -> None:
    done = []
    with interruptible() as interruption:
        signal.raise_signal(signal.SIGINT)
        done.append("the question")
        with pytest.raises(KeyboardInterrupt):
            interruption.sleep(3600)
    assert done == ["the question"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_where_it_is_allowed_it_is_at_once(number: signal.Signals) -> None:
    with interruptible(signal.SIGTERM) as interruption, pytest.raises(KeyboardInterrupt), interruption.allowed():
        signal.raise_signal(number)
        pytest.fail("it went on")


def test_afterwards_signals_are_handled_as_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible(signal.SIGTERM) as interruption:
        assert signal.getsignal(signal.SIGTERM) == interruption.ask
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_second_one_does_not_wait_for_an_answer_that_may_never_come() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGINT)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)


def test_one_that_comes_during_the_last_question_is_not_lost() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        signal.raise_signal(signal.SIGINT)


def test_waiting_is_interrupted_between_looks() -> None:
    looks = []

    def is_done() -> bool:
        signal.raise_signal(signal.SIGINT)
        looks.append("whole")
        return False

    with pytest.raises(KeyboardInterrupt):
        wait_until(is_done, seconds=3600, every=3600)
    assert looks == ["whole"]


def test_waiting_looks_at_least_once_and_ends_with_what_it_waits_for_or_with_the_time() -> None:
    looks = iter([False, False, True])
    assert wait_until(lambda: next(looks), seconds=3600, every=0)
    assert not wait_until(lambda: False, seconds=0, every=3600)
    assert wait_until(lambda: True, seconds=0, every=3600)
