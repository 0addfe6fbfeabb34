"""Doorbells of commands: handed to a worker of `citewire up` through a socket of its own, and rung by that worker.

Ringing takes Celery, whose import takes more CPU than the rest of a command that publishes one article. The socket is
`up`'s, and every pipeline worker reads from it, so that it stays while a worker is replaced. Whoever may write to it is
the user that `up` runs as, since it lies in a folder that no other may enter.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from pipeline.stages.context import Doorbell

_LONGEST = 4096  # bytes of a message: a channel's id has at most 128 characters


class _Bell(Struct, frozen=True, array_like=True):
    stage: str
    key: str
    urgent: bool


class HandedOver:
    """A doorbell that hands each bell to a running worker. What cannot be handed over is rung by `otherwise`."""

    def __init__(self, path: str, otherwise: Doorbell) -> None:
        self._path = path
        self._otherwise = otherwise

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        message = msgspec.json.encode(_Bell(stage, key, urgent))
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.sendto(message, socket.MSG_DONTWAIT, self._path)
        except OSError:  # nothing is there any longer, or as many bells wait as the system keeps
            self._otherwise.ring(stage, key, urgent=urgent)


def opened(path: Path) -> socket.socket:
    """Return the socket to read bells from, which only this user can write to.

    Where it cannot be given this path, which may be too long for one, it has none, and commands ring themselves.
    """
    bells = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    former = os.umask(0o177)
    try:
        with contextlib.suppress(OSError):
            bells.bind(str(path))
    finally:
        os.umask(former)
    return bells


def start(bells: socket.socket, doorbell: Doorbell, stages: frozenset[str]) -> threading.Thread:
    """Ring for each bell that is handed over, in a thread that ends with the process, or with the socket."""
    thread = threading.Thread(target=_relay, args=(bells, doorbell, stages), name="bells", daemon=True)
    thread.start()
    return thread


def _relay(bells: socket.socket, doorbell: Doorbell, stages: frozenset[str]) -> None:
    while True:
        try:
            message = bells.recv(_LONGEST)
        except OSError:  # it was closed
            return
        try:
            bell = msgspec.json.decode(message, type=_Bell)
        except msgspec.DecodeError:
            continue
        if bell.stage in stages:
            doorbell.ring(bell.stage, bell.key, urgent=bell.urgent)
