"""Doorbells: Celery messages that wake a stage, each sent only if the same one is not already queued."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from config.queue_address import queue_address
from workers import celery as names
from workers.alive import identity
from workers.queue import alive, connect, sign
from workers.reaching import explained
from workers.trouble import Trouble

HOLD = 5_000  # milliseconds after which an unanswered bell may be rung again

REST = 2.0  # seconds after a failure in which Redis is not tried again
_AWAY = (redis.RedisError, OperationalError, OSError)

_log = structlog.get_logger()


class CeleryDoorbell:
    """Rings through Redis. While Redis is away it logs that once, and `instead` is called in place of each bell.

    Without an `instead`, the bell is lost and the sweep of a worker finds the work.
    """

    def __init__(self, app: Celery, redis_url: str) -> None:
        self.instead: Callable[[str, str, bool], None] | None = None
        self._app = app
        self._redis_url = redis_url
        self._trouble = Trouble(_log, begins="doorbell out of order", ends="doorbell works again")
        self._rests_until = 0.0

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        if not self._try(lambda: self._send(stage, key, urgent)) and self.instead is not None:
            self.instead(stage, key, urgent)

    def acknowledge(self, stage: str, key: str, *, urgent: bool) -> None:
        """Record that a worker is looking now, so that whatever changes from here on is rung for again."""
        self._try(lambda: self._redis.delete(_bell(stage, key, urgent)))

    def heartbeat(self, name: str) -> None:
        """Leave a sign of life of this process, whose name on its host is given."""
        self._try(lambda: sign(self._redis, identity(name)))

    def alive(self) -> list[str] | None:
        """Return the processes seen in the last ten seconds; None when Redis does not answer."""
        try:
            return alive(self._redis)
        except redis.RedisError:
            return None

    def _send(self, stage: str, key: str, urgent: bool) -> None:
        if self._redis.set(_bell(stage, key, urgent), 1, nx=True, px=HOLD):
            queue = names.URGENT if urgent else names.QUEUE_OF[stage]
            self._app.send_task(f"citewire.{stage}", args=[key, urgent], queue=queue, retry=False)

    def _try(self, step: Callable[[], object]) -> bool:
        """Return whether Redis took it. After a failure it is not tried for a moment: each attempt may take seconds."""
        if time.monotonic() < self._rests_until:
            return False
        try:
            step()
        except _AWAY as error:
            self._rests_until = time.monotonic() + REST
            self._trouble.report(explained(error, queue_address(self._redis_url)))
            return False
        self._trouble.report(None)
        return True

    @functools.cached_property
    def _redis(self) -> redis.Redis:
        return connect(self._redis_url)


def _bell(stage: str, key: str, urgent: bool) -> str:
    return f"citewire:bell:{stage}:{key}:{'urgent' if urgent else 'normal'}"
