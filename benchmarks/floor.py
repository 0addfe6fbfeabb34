"""The baseline: a bare Celery app with one task per POST of prepared bytes, and nothing else.

The worker gets its queue, address and bytes from BENCHMARK_REDIS, BENCHMARK_URL and BENCHMARK_BODY (a file).
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
    """Send one POST. The id lets the benchmark match it."""
    headers = {"webhook-id": message_id, "content-type": "application/json"}
    session.post(url, data=body, headers=headers, timeout=20).raise_for_status()


def _session() -> requests.Session:
    """Return the thread's session, which keeps its connection alive."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    session: requests.Session = _own.session
    return session


@functools.cache
def _body() -> bytes:
    return Path(os.environ["BENCHMARK_BODY"]).read_bytes()
