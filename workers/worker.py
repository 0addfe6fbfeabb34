"""A Celery worker process: its threads and queues, and a thread that sends heartbeats and runs the sweep."""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
from collections.abc import Sequence

from celery import signals

from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import feeds
from pipeline.stages.hub.topics import drop_others
from workers import alive, logs, overdue, sweeping
from workers import bells as handed_over
from workers.celery import QUEUE_OF, QUEUES, app
from workers.draining import Drains
from workers.open_files import allow_most
from workers.remote_control import permit_looking_only
from workers.sharing import prove_or_refuse
from workers.telemetry import faults_reported
from workers.wiring import OWNER, services

# Seconds that a rendering thread may keep the others waiting. At Python's default of 5 ms, a transaction of twenty
# statements delays the whole site's writers by a tenth of a second, because it loses the GIL after each of them.
_SWITCH = 0.0005


def run(kind: str, name: str | None = None, bells: int | None = None) -> None:
    """Work until SIGTERM. `kind` is "deliver", or "pipeline" for everything else, withdrawals included.

    `name` is the worker's among those of its host, in the log and in its signs of life. `bells` is the descriptor of a
    socket on which commands hand over their doorbells.
    """
    allow_most()  # each thread that sends keeps lines to several hosts open
    if kind == "pipeline":
        _make_feeds_due()
        drop_others(services().context)
    threads = services().settings.workers.deliver_threads if kind == "deliver" else 4
    logs.configure(name or alive.identity(kind))
    if bells is not None:
        handed_over.start(socket.socket(fileno=bells), services().doorbell, frozenset(QUEUE_OF))
    _serve(kind, name or kind, QUEUES[kind], threads)


def _make_feeds_due() -> None:
    """Make every feed due, because settings may have changed. An unchanged document keeps its bytes and its time."""
    context = services().context
    with context.ledger.write() as transaction:
        feeds.make_due(transaction, [SITEMAP, *context.feeds], now=context.clock())


def _look(stage: str, key: str, urgent: bool) -> None:
    """Do in this thread what a doorbell would have a worker do."""
    app.loader.import_default_modules()  # the tasks, which Celery imports at once only when it starts
    app.tasks[f"citewire.{stage}"](key, urgent)


def _serve(kind: str, name: str, queues: Sequence[str], threads: int) -> None:
    sys.setswitchinterval(_SWITCH)
    own, stop = services(), threading.Event()
    if OWNER not in os.environ:  # a child of `up`, which has proved them
        prove_or_refuse(own.context.ledger, own.settings, own.context.channels)

    @signals.worker_shutting_down.connect(weak=False)
    def _stopping(**_: object) -> None:
        alive.stop(kind)
        stop.set()

    own.doorbell.instead = Drains(_look).add
    look = functools.partial(own.standing.look, name, kind)
    # Before Celery is ready: it is not while Redis is away.
    sweeping.start(own.context, own.doorbell, name, stop, kind=kind, look=look)
    overdue.start(own.context, stop)
    permit_looking_only()
    events = own.settings.workers.task_events
    # Not `worker_main`: the celery command line imports a terminal toolkit.
    worker = app.Worker(
        hostname=alive.identity(name),
        pool_cls="threads",
        concurrency=threads,
        queues=",".join(queues),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=not events,
        task_events=events,
        loglevel="INFO",
        quiet=True,
    )
    with faults_reported(own.settings):
        worker.start()
    own.context.tracing.close()
    sys.exit(worker.exitcode)
