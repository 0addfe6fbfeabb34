"""Whether anything runs that would deliver what a command has accepted."""

from __future__ import annotations

import redis

from workers import doorbell
from workers.cli import output
from workers.cli.common import System


def say_if_nobody_delivers(system: System) -> None:
    """Say on standard error that what was accepted is kept, where no pipeline worker is alive to go on with it."""
    if not _may_be_delivered(system):
        output.note("kept, but nothing is running that delivers it yet: start `citewire up`")


def _may_be_delivered(system: System) -> bool:
    url = system.redis_url
    if url is None:
        return system.running is not None  # it says nothing of its queue, so its workers cannot be asked after
    try:
        return any(name.startswith("pipeline") for name in doorbell.alive(doorbell.connect(url)))
    except (redis.RedisError, ValueError):
        return False
