"""A Celery worker process: its threads and queues, and a thread that sends heartbeats and runs the sweep."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence

import structlog
from celery import signals

from pipeline.errors import TransientError
from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import feeds
from pipeline.stages.hub.topics import drop_others
from pipeline.stages.sweep import EVERY, sweep
from workers import alive, logs
from workers.celery import QUEUES, app
from workers.wiring import services

# Seconds that a rendering thread may keep the others waiting. At Python's default of 5 ms, a transaction of twenty
# statements delays the whole site's writers by a tenth of a second, because it loses the GIL after each of them.
_SWITCH = 0.0005

_log = structlog.get_logger()


def run(kind: str, name: str | None = None) -> None:
    """Work until SIGTERM. `kind` is "deliver", or "pipeline" for everything else, withdrawals included.

    `name` identifies the worker in the log and in its heartbeats, and must be unique.
    """
    if kind == "pipeline":
        _make_feeds_due()
        drop_others(services().context)
    threads = services().settings.workers.deliver_threads if kind == "deliver" else 4
    _serve(name or alive.name_of(kind), QUEUES[kind], threads)


def _make_feeds_due() -> None:
    """Make every feed due, because settings may have changed. An unchanged document keeps its bytes and its time."""
    context = services().context
    with context.ledger.write() as transaction:
        feeds.make_due(transaction, [SITEMAP, *context.feeds], now=context.clock())


def _serve(name: str, queues: Sequence[str], threads: int) -> None:
    logs.configure(name)
    sys.setswitchinterval(_SWITCH)
    stop = threading.Event()
    sweeper = threading.Thread(target=_sweep_until, args=(stop, name), name="sweep", daemon=True)

    @signals.worker_ready.connect(weak=False)
    def _ready(**_: object) -> None:
        sweeper.start()

    @signals.worker_shutting_down.connect(weak=False)
    def _stopping(**_: object) -> None:
        stop.set()

    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=threads",
            f"--concurrency={threads}",
            f"--queues={','.join(queues)}",
            f"--hostname={name}@citewire",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "--loglevel=INFO",
        ]
    )


def _sweep_until(stop: threading.Event, name: str) -> None:
    own = services()
    while not stop.wait(EVERY):
        own.doorbell.heartbeat(name)
        try:
            sweep(own.context)
        except TransientError as error:
            _log.warning("the sweep must wait", code=error.code, error=str(error))
