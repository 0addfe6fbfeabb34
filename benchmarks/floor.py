"""The floor: a bare Celery app, one task for each POST of bytes that are ready, and nothing else that could cost time.

The worker finds its queue, its address and its bytes in BENCHMARK_REDIS, BENCHMARK_URL and BENCHMARK_BODY (a file).
"""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path

import requests
from celery import Celery

app = Celery("floor")
app.conf.update(
    broker_url=os.environ.get("BENCHMARK_REDIS"),
    broker_transport_options={"global_keyprefix": "benchmark:"},
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_enable_remote_control=False,
)
_own = threading.local()


@app.task(name="floor.post")
def post(message_id: str) -> None:
    send(_session(), os.environ["BENCHMARK_URL"], message_id, _body())


def send(session: requests.Session, url: str, message_id: str, body: bytes) -> None:
    """One POST; the id is what the benchmark finds it by."""
    headers = {"webhook-id": message_id, "content-type": "application/json"}
    session.post(url, data=body, headers=headers, timeout=20).raise_for_status()


def _session() -> requests.Session:
    """One for each thread, with its connection kept alive."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    session: requests.Session = _own.session
    return session


@functools.cache
def _body() -> bytes:
    return Path(os.environ["BENCHMARK_BODY"]).read_bytes()
