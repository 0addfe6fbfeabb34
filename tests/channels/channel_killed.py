"""A delivery in a process that is killed in the middle of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pipeline.channels import channel_types
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel

_AUDITED = ("open", "os", "socket", "http", "fcntl")
_FRESH = multiprocessing.get_context("forkserver")
_FRESH.set_forkserver_preload([__name__])


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
    arguments = (step, steps, kind, settings, guard, parcel, dict(os.environ))
    child = _FRESH.Process(target=_deliver, args=arguments)
    child.start()
    child.join()
    assert child.exitcode is not None
    return _was_killed(child.exitcode)


def _deliver(
    step: int,
    steps: Collection[str],
    kind: str,
    settings: Mapping[str, object],
    guard: EgressGuard,
    parcel: Parcel,
    environment: Mapping[str, str],
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
