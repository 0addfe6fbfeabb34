"""What `up` does with a child that hangs, or that cannot be started."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from workers.child import Child

SIGNS = "import os, time\nwhile True: os.write(int(os.environ['CITEWIRE_SIGNS']), b'.'); time.sleep(0.01)"
SILENT = "import time; time.sleep(600)"


def python(code: str) -> Callable[[], Sequence[str]]:
    return lambda: [sys.executable, "-c", code]


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.stop()
        child.join(time.monotonic() + 10)


def watched(child: Child, until: Callable[[], bool]) -> list[str]:
    """Watch it until that is so, and return the owners whose leases were given back."""
    given_back: list[str] = []
    give_up = time.monotonic() + 60
    while not until():
        assert time.monotonic() < give_up
        child.watch(given_back.append)
        time.sleep(0.01)
    return given_back


def test_a_child_without_a_sign_of_life_is_killed_and_started_again(children: list[Child]) -> None:
    child = Child("hung", python(SILENT), dict(os.environ), silent_after=0.2)
    children.append(child)
    child.start()
    first, owner = child.process, child.owner
    given_back = watched(child, lambda: child.process is not first)
    assert first is not None
    assert first.returncode == -9
    assert given_back == [owner]


def test_a_child_that_gives_signs_of_life_is_left_alone(children: list[Child]) -> None:
    child = Child("well", python(SIGNS), dict(os.environ), silent_after=30)
    children.append(child)
    child.start()
    first = child.process
    watched(child, lambda: child.seen is not None)
    for _ in range(20):
        child.seen = None  # as at its start: the next sign is read, and nothing is killed
        watched(child, lambda: child.seen is not None)
    assert child.process is first
    assert child.running


def test_a_child_that_cannot_be_started_is_tried_until_it_can(children: list[Child]) -> None:
    programs = iter([["/no/such/program"], ["/no/such/program"], [sys.executable, "-c", SILENT]])
    child = Child("absent", lambda: next(programs), dict(os.environ))
    children.append(child)
    child.start()
    assert not child.running
    watched(child, lambda: child.running)
