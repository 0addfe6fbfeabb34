"""A delivery in a process that is killed in the middle of it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from fresh_process import fresh_process

from pipeline.channels import channel_types
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel

_AUDITED = ("open", "os", "socket", "http", "fcntl")


def killed_in_a_fork(step: int, steps: Collection[str], deliver: Callable[[], object]) -> bool:
    """`deliver`, in a child that is killed at its `step`-th step. False: it ended before that."""
    child = os.fork()
    if child == 0:
        try:
            _die_at(step, steps)
            deliver()
            os._exit(0)
        finally:
            os._exit(1)  # whatever was raised: the child must not go on as a second pytest
    return _was_killed(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def killed_in_a_fresh_process(
    step: int, steps: Collection[str], kind: str, settings: Mapping[str, object], guard: EgressGuard, parcel: Parcel
) -> bool:
    """The same for libraries that do not survive a fork: the child comes from a fresh fork server."""
    return _was_killed(fresh_process(_deliver, step, steps, kind, settings, guard, parcel))


def _deliver(
    environment: Mapping[str, str],
    step: int,
    steps: Collection[str],
    kind: str,
    settings: Mapping[str, object],
    guard: EgressGuard,
    parcel: Parcel,
) -> None:
    os.environ.update(environment)
    channel_type = channel_types()[kind]
    own = read_settings(channel_type, settings, prefix="channels.x")
    channel = open_channel(channel_type, own, Http(guard), prefix="channels.x")
    _die_at(step, steps)
    channel.deliver(parcel)
    sys.setprofile(None)
    os._exit(0)


def _was_killed(status: int) -> bool:
    assert status in (0, -signal.SIGKILL), f"the delivery failed by itself: {status}"
    return status != 0


def _die_at(step: int, steps: Collection[str]) -> None:
    left = step

    def count() -> None:
        nonlocal left
        left -= 1
        if left == -1:
            os.kill(os.getpid(), signal.SIGKILL)

    def audited(event: str, _arguments: tuple[object, ...]) -> None:
        if event.split(".", maxsplit=1)[0] in _AUDITED:
            count()

    def called(frame: Any, event: str, function: Any) -> None:
        if (event == "call" and frame.f_code.co_qualname in steps) or (
            event == "c_call" and getattr(function, "__qualname__", "") in steps
        ):
            count()

    sys.addaudithook(audited)
    if steps:
        sys.setprofile(called)
