"""Check whether a worker is running that would deliver what a command has accepted."""

from __future__ import annotations

from pipeline.errors import ConfigError
from workers import runfile
from workers.cli import output
from workers.cli.common import System


def warn_unless_delivering(system: System) -> None:
    """Report on standard error that accepted articles are kept but no pipeline worker is alive to process them."""
    if not _may_be_delivered(system):
        output.note("kept, but nothing is running that delivers it yet: start `citewire up`")


def _may_be_delivered(system: System) -> bool:
    if system.running is not None and runfile.is_locked(system.known.data):
        return True  # `up` starts any of its workers that end
    url = system.redis_url
    if url is None:
        return system.running is not None  # it does not say where its queue is, so its workers cannot be queried
    import redis

    from workers.queue import alive, connect

    try:
        return any(name.startswith("pipeline") for name in alive(connect(url)))
    except (redis.RedisError, ValueError, ConfigError):
        return False
