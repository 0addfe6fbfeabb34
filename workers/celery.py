"""The Celery app. Messages are doorbells: a task's name and at most a key; the work itself is in the ledger.

docs/decisions/0002-celery-settings.md explains each setting, with measurements of what happens without it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis.exceptions
from celery import Celery
from kombu import Queue
from kombu.transport.redis import Channel as RedisChannel
from redis.credentials import CredentialProvider

from config.environment import of_environment
from config.queue_address import QueueAddress, queue_address
from pipeline.errors import ConfigError
from pipeline.stages.flow import STAGES
from workers import queue, runfile

URGENT = "urgent"  # the queue of withdrawals, served by pipeline workers, so that slow sends do not delay them
QUEUES = {
    "pipeline": (URGENT, *(stage.queue for stage in STAGES if stage.worker == "pipeline")),
    "deliver": tuple(stage.queue for stage in STAGES if stage.worker == "deliver"),
}
QUEUE_OF = {stage.name: stage.queue for stage in STAGES}

HARD_LIMIT = 180.0  # seconds: a drain stops long before that
VISIBILITY = 300.0  # longer than any task may take, or a second worker would start it again

SENDERS = 8  # connections that threads send messages on, at most; who needs one more waits for it
READERS = 24  # connections that a worker reads and acknowledges messages on, at most

_TRANSPORT = {
    "visibility_timeout": VISIBILITY,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "global_keyprefix": "citewire:",
    "deadletter_queue": "deadletter",
    "max_connections": READERS,
}


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


class Credentials(CredentialProvider):
    """The login at the queue's server. Kombu asks this for it, so no URL that Celery has, or shows, holds a password.

    Kombu also forgets a login that is not in the URL when it goes on to the next Sentinel.
    """

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        user, password = app.conf.broker_user, app.conf.broker_password or ""
        return (user, password) if user else (password,)


app = Celery("citewire", include=["workers.tasks"])
app.conf.update(
    broker_pool_limit=SENDERS,
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


def use(url: str) -> None:
    """Have Celery use the queue at this address (`config.queue_address`). Raises ConfigError for a missing secret."""
    address = queue_address(url)
    password = queue.password_of(address)
    app.conf.update(
        broker_url=_kombu_url(address, with_login=bool(password or address.username)),
        broker_user=address.username,
        broker_password=password,
        broker_use_ssl=queue.tls_of(address) or None,
        broker_transport_options=_TRANSPORT | {"client_name": queue.name_of_process()} | _of_sentinels(address),
    )


def _kombu_url(address: QueueAddress, *, with_login: bool) -> str:
    login = f"?credential_provider={__name__}:{Credentials.__name__}" if with_login else ""
    if address.socket is not None:
        return f"redis+socket://{quote(address.socket)}{login}"
    scheme = "redis" if address.master is None else "sentinel"
    hosts = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in address.hosts)
    return ";".join(f"{scheme}://{host}/{address.database}{login}" for host in hosts)


def _of_sentinels(address: QueueAddress) -> dict[str, Any]:
    if address.master is None:
        return {}
    return {"master_name": address.master, "sentinel_kwargs": queue.sentinel_options(address)}


def queue_nearby(environment: Mapping[str, str]) -> str:
    """Return the address of the queue where no setting names one: that of the system that runs on the data folder."""
    running = runfile.read(Path(environment.get("CITEWIRE_DATA") or "var"))
    return (running and running.redis) or "redis://127.0.0.1:6379/0"


# For `celery -A workers.celery`. Our own processes read the settings, use theirs, and say what cannot be used.
with contextlib.suppress(ConfigError, ValueError):
    use(of_environment(os.environ).get("redis_url") or queue_nearby(os.environ))
