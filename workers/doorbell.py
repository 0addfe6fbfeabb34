"""Doorbells: Celery messages that wake a stage, each sent only if the same one is not already queued."""

from __future__ import annotations

import functools

import redis
import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from workers import celery as names

HOLD = 5_000  # milliseconds after which an unanswered bell may be rung again

_log = structlog.get_logger()


class CeleryDoorbell:
    """Rings through Redis. While Redis is down it only logs that; the sweep rings later."""

    def __init__(self, app: Celery, redis_url: str) -> None:
        self._app = app
        self._redis_url = redis_url

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        try:
            if self._redis.set(_bell(stage, key, urgent), 1, nx=True, px=HOLD):
                queue = names.URGENT if urgent else names.QUEUE_OF[stage]
                self._app.send_task(f"citewire.{stage}", args=[key, urgent], queue=queue, retry=False)
        except (redis.RedisError, OperationalError, OSError) as error:
            _log.warning("doorbell out of order", stage=stage, key=key, error=str(error))

    def acknowledge(self, stage: str, key: str, *, urgent: bool) -> None:
        """Record that a worker is looking now, so that the next change rings again."""
        try:
            self._redis.delete(_bell(stage, key, urgent))
        except redis.RedisError as error:
            _log.warning("doorbell out of order", stage=stage, key=key, error=str(error))

    def heartbeat(self, worker: str) -> None:
        """Leave a heartbeat that expires after ten seconds."""
        try:
            self._redis.set(f"citewire:alive:{worker}", 1, ex=10)
        except redis.RedisError as error:
            _log.warning("doorbell out of order", error=str(error))

    def alive(self) -> list[str] | None:
        """Return the processes seen in the last ten seconds; None when Redis does not answer."""
        try:
            return alive(self._redis)
        except redis.RedisError:
            return None

    @functools.cached_property
    def _redis(self) -> redis.Redis:
        return connect(self._redis_url)


class NoDoorbell:
    """A doorbell for commands that have no queue: the sweep finds their work."""

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        return


def connect(url: str) -> redis.Redis:
    """Return a client for a URL in Celery's form: Celery's `redis+socket://` is `unix://` in redis-py."""
    plain = url.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(plain, decode_responses=True, socket_timeout=2, socket_connect_timeout=2)


def reset(client: redis.Redis) -> None:
    """Delete all heartbeats and bells."""
    for pattern in ("citewire:alive:*", "citewire:bell:*"):
        for key in client.scan_iter(pattern):
            client.delete(key)


def alive(client: redis.Redis) -> list[str]:
    """Return the processes seen in the last ten seconds."""
    return sorted(str(key).rsplit(":", 1)[1] for key in client.scan_iter("citewire:alive:*"))


def _bell(stage: str, key: str, urgent: bool) -> str:
    return f"citewire:bell:{stage}:{key}:{'urgent' if urgent else 'normal'}"
