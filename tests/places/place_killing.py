"""Kill a process, or a simulated one, at a random commit, file operation or network call."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paramiko
import pytest

from pipeline.channels.object_store.objects import Objects
from pipeline.channels.shared.folder import Folder
from pipeline.http import Http
from pipeline.ledger import Ledger
from pipeline.ledger.database import Transaction

_CALLS: dict[type[Any], tuple[str, ...]] = {
    Folder: ("replace", "remove", "sync"),
    Objects: ("get", "version", "put", "delete"),
    paramiko.SFTPClient: ("_request",),
    Http: ("request",),
    Path: ("replace", "hardlink_to"),  # of a backup, and of a ledger that is restored
}


class Killed(BaseException):
    """The process is gone: nothing that it does afterwards, in a `finally` for instance, has an effect."""


def raise_killed() -> None:
    raise Killed


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Killer:
    chance: random.Random
    likely: float = 0.0  # at each step
    dead: bool = False
    end: Callable[[], None] = raise_killed

    def strike(self) -> None:
        if self.dead or (self.likely and self.chance.random() < self.likely):
            self.dead = True
            self.end()

    @contextmanager
    def about(self, likely: float) -> Iterator[None]:
        self.likely, self.dead = likely, False
        try:
            yield
        finally:
            self.likely, self.dead = 0.0, False


@contextmanager
def killable(killer: Killer) -> Iterator[None]:
    """Have the killer strike before and after each step, and before each commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)  # the power stays on, and syncing is slow
        patch.setattr(Ledger, "write", _write(killer, Ledger.write))
        for kind, names in _CALLS.items():
            for name in names:
                patch.setattr(kind, name, _called(killer, getattr(kind, name)))
        yield


def _write(killer: Killer, write: Callable[..., Any]) -> Callable[..., Any]:
    @contextmanager
    def wrapped(self: Ledger, **options: bool) -> Iterator[Transaction]:
        killer.strike()
        with write(self, **options) as transaction:
            yield transaction
            killer.strike()
        killer.strike()

    return wrapped


def _called(killer: Killer, call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(self: Any, *arguments: Any, **named: Any) -> Any:
        killer.strike()
        result = call(self, *arguments, **named)
        killer.strike()
        return result

    return wrapped
