"""Ctrl-C ends a command where it waits, and never in the middle of a question to the ledger."""

from __future__ import annotations

import signal

import pytest

from workers.cli.interrupting import interruptible


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
