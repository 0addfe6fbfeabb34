"""How often callers may ask, counted in Redis for all processes; by each for itself while Redis does not answer."""

from __future__ import annotations

import time

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.web.limits import LocalLimiter, Rate

_PREFIX = "citewire:rate:"
_PAUSE = 5.0  # seconds without Redis after it has not answered, so that no caller waits for its time-out each time

# pipeline.web.limits.taken, at one place for all: KEYS[1] a caller; ARGV the step in seconds and the burst.
_TAKE = """
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local step, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now) + step
local wait = full_at - now - burst * step
if wait > 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000))
return '0'
"""

_log = structlog.get_logger()


class RedisLimiter:
    """Safe to use from many threads."""

    def __init__(self, client: redis.Redis) -> None:
        client.set_retry(Retry(NoBackoff(), 0))  # who asks for an article does not wait for Redis
        self._take = client.register_script(_TAKE)
        self._alone = LocalLimiter()
        self._alone_until = 0.0

    def take(self, caller: str, rate: Rate) -> float:
        if time.monotonic() >= self._alone_until:
            try:
                return float(self._take(keys=[_PREFIX + caller], args=[1 / rate.per_second, rate.burst]))
            except redis.RedisError as error:
                self._alone_until = time.monotonic() + _PAUSE
                _log.warning("rates are counted by each process for itself", error=str(error))
        return self._alone.take(caller, rate)
