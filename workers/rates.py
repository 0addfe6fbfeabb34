"""Rate limits shared by all processes through Redis; each process counts on its own while Redis does not answer."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis
import structlog

from pipeline.web.limits import LocalLimiter, Rate

_PREFIX = "citewire:rate:"
_PAUSE = 5.0  # seconds to do without Redis after a failure, so that not every request waits for its timeout

# pipeline.web.limits.taken in Lua. KEYS[1]: a caller; ARGV: the step in seconds, the burst, and in tests the time.
_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(ARGV[3]) or (tonumber(clock[1]) + tonumber(clock[2]) / 1000000)
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + step
local wait = full_at - now - burst * step
if wait > 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000))
return '0'
"""

_log = structlog.get_logger()


class RedisLimiter:
    """A rate limiter that threads can share. Its client must not try again: no request waits while Redis is down.

    `clock` is for tests. By default it is the clock of Redis, which is the same for all hosts.
    """

    def __init__(self, client: redis.Redis, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._take = client.register_script(_TAKE)
        self._alone = LocalLimiter()
        self._alone_until = 0.0

    def take(self, caller: str, rate: Rate) -> float:
        if time.monotonic() >= self._alone_until:
            try:
                now = [] if self._clock is None else [self._clock()]
                return float(self._take(keys=[_PREFIX + caller], args=[1 / rate.per_second, rate.burst, *now]))
            except redis.RedisError as error:
                self._alone_until = time.monotonic() + _PAUSE
                _log.warning("rate limits are counted by each process for itself", error=str(error))
        return self._alone.take(caller, rate)
