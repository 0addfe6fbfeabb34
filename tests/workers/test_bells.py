"""Doorbells that commands hand to a running worker: rung there, and by the command itself where nobody reads them."""

from __future__ import annotations

import contextlib
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from workers.bells import HandedOver, opened, start

STAGES = frozenset({"render", "deliver"})


class Rung:
    """Records what it is rung for."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bool]] = []

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        self.heard.append((stage, key, urgent))


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="citewire-") as folder:  # short: a socket's path has a limit
        yield Path(folder, "bells.sock")


def test_a_worker_rings_for_what_a_command_hands_over(path: Path) -> None:
    worker, own = Rung(), Rung()
    with opened(path) as bells:
        start(bells, worker, STAGES)
        bell = HandedOver(str(path), own)
        bell.ring("render")
        bell.ring("deliver", "partner-ä", urgent=True)
        until(lambda: len(worker.heard) == 2)
    assert worker.heard == [("render", "", False), ("deliver", "partner-ä", True)]
    assert own.heard == []


def test_what_is_no_bell_or_for_no_stage_is_passed_over(path: Path) -> None:
    worker = Rung()
    with opened(path) as bells, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        start(bells, worker, STAGES)
        for message in (b"", b"{", b"\xff" * 5000, b'["render"]', b'["render", 7, true]', b'["shutdown", "", false]'):
            line.sendto(message, str(path))
        HandedOver(str(path), Rung()).ring("render", "last")
        until(lambda: worker.heard)
    assert worker.heard == [("render", "last", False)]


def test_only_its_owner_can_write_to_it(path: Path) -> None:
    with opened(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_command_rings_itself_where_nothing_runs_any_longer(path: Path) -> None:
    own = Rung()
    bell = HandedOver(str(path), own)
    bell.ring("render")
    with opened(path):
        pass
    bell.ring("deliver", "partner")  # the file is left, and nobody reads
    HandedOver("/" + "x" * 200, own).ring("render", urgent=True)
    assert own.heard == [("render", "", False), ("deliver", "partner", False), ("render", "", True)]


def test_a_path_that_is_too_long_for_a_socket_is_none(tmp_path: Path) -> None:
    with opened(tmp_path / ("x" * 200)) as bells:
        assert bells.getsockname() == ""


def test_a_command_rings_itself_and_never_waits_while_a_worker_reads_nothing(path: Path) -> None:
    own = Rung()
    bell = HandedOver(str(path), own)
    with opened(path) as bells:
        count = 0
        while not own.heard:  # until the system keeps no more
            bell.ring("render", str(count))
            count += 1
        assert own.heard == [("render", str(count - 1), False)]
        bells.setblocking(False)
        waiting = 0
        with contextlib.suppress(BlockingIOError):
            while bells.recv(4096):
                waiting += 1
    assert waiting == count - 1
