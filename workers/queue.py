"""The queue as seen without Celery: a client of its Redis, and the processes that gave a sign of life in it."""

from __future__ import annotations

import redis


def connect(url: str, *, as_text: bool = True, timeout: float = 2.0) -> redis.Redis:
    """Return a client for a URL in Celery's form: Celery's `redis+socket://` is `unix://` in redis-py.

    It waits `timeout` seconds for an answer. Answers are text, or bytes without `as_text`.
    """
    plain = url.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(plain, decode_responses=as_text, socket_timeout=timeout, socket_connect_timeout=2)


_SIGN = "citewire:alive:"


def sign(client: redis.Redis, process: str) -> None:
    """Leave a sign of life that lasts ten seconds. `process` is its name in the whole site."""
    client.set(f"{_SIGN}{process}", 1, ex=10)


def alive(client: redis.Redis) -> list[str]:
    """Return the processes seen in the last ten seconds, by their names in the whole site."""
    return sorted(str(key).removeprefix(_SIGN) for key in client.scan_iter(f"{_SIGN}*"))
