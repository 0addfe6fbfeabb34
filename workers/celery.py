"""The Celery app. Messages are doorbells: a task's name and at most a key; the work itself is in the ledger.

docs/decisions/0002-celery-settings.md explains each setting, with measurements of what happens without it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis.exceptions
from celery import Celery
from kombu import Queue
from kombu.transport.redis import Channel as RedisChannel

from pipeline.stages.flow import STAGES
from workers import runfile

URGENT = "urgent"  # the queue of withdrawals, served by pipeline workers, so that slow sends do not delay them
QUEUES = {
    "pipeline": (URGENT, *(stage.queue for stage in STAGES if stage.worker == "pipeline")),
    "deliver": tuple(stage.queue for stage in STAGES if stage.worker == "deliver"),
}
QUEUE_OF = {stage.name: stage.queue for stage in STAGES}

HARD_LIMIT = 180.0  # seconds: a drain stops long before that
VISIBILITY = 300.0  # longer than any task may take, or a second worker would start it again


def _raise_connection_error_when_gone() -> None:
    """Work around kombu 5.7.0, which reads `hostname` of a lost connection and fails with an AttributeError.

    On a ConnectionError the worker reconnects. Delete this once a kombu release fixes the fault.
    """
    original = RedisChannel._connparams  # type: ignore[attr-defined] # not in the stubs

    def _connparams(self: RedisChannel, *args: Any, **kwargs: Any) -> Any:
        try:
            return original(self, *args, **kwargs)
        except AttributeError as error:
            raise redis.exceptions.ConnectionError("the connection to Redis is gone") from error

    RedisChannel._connparams = _connparams  # type: ignore[attr-defined] # as above


_raise_connection_error_when_gone()


def _broker_url(environment: Mapping[str, str]) -> str:
    """Return where the queue is as far as the environment and the data folder say, for `celery -A workers.celery`.

    Our own processes read the settings, and replace it.
    """
    if file := environment.get("CITEWIRE_REDIS_URL_FILE"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return Path(file).read_text(encoding="utf-8").strip()
    if named := environment.get("CITEWIRE_REDIS_URL"):
        return named
    running = runfile.read(Path(environment.get("CITEWIRE_DATA") or "var"))
    return (running and running.redis) or "redis://127.0.0.1:6379/0"


app = Celery("citewire", include=["workers.tasks"])
app.conf.update(
    broker_url=_broker_url(os.environ),  # replaced before connecting if the settings name another
    broker_transport_options={
        "visibility_timeout": VISIBILITY,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "global_keyprefix": "citewire:",
        "deadletter_queue": "deadletter",
    },
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_time_limit=HARD_LIMIT,
    task_default_queue=QUEUE_OF["prune"],
    task_queues=[Queue(name) for queues in QUEUES.values() for name in queues],
    worker_prefetch_multiplier=1,
    worker_soft_shutdown_timeout=30,
    worker_enable_soft_shutdown_on_idle=True,
    worker_max_tasks_per_child=10_000,
    worker_max_memory_per_child=500_000,  # kilobytes
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_disable_prefetch=True,  # a message stays in the queue until a thread is free for it
    worker_enable_remote_control=True,  # for looking only: see workers/remote_control.py
)
