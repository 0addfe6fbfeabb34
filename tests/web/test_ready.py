"""/readyz answers soon whatever is dead, and says what."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from asgi import get
from bench import Bench
from empty_ledger import empty_ledger
from listeners import hang_up
from sqlalchemy.engine import make_url

from pipeline.ledger import Ledger, leases
from pipeline.web.app import create_app
from pipeline.web.ops import health
from workers.celery import app as celery
from workers.doorbell import CeleryDoorbell


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])

    thread = threading.Thread(target=accept)
    thread.start()
    yield listener.getsockname()[1]
    hang_up(listener)
    thread.join()
    for one in accepted:
        one.close()


def test_a_database_and_a_queue_that_never_answer_are_causes_and_not_waited_for(
    silent: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver waits 60 seconds here; the answer names the limit of the probe instead."""
    monkeypatch.setattr(health, "WITHIN", 4.0)
    own = empty_ledger(tmp_path)
    dead = Ledger(f"postgresql://someone@127.0.0.1:{silent}/citewire?connect_timeout=60")
    bell = CeleryDoorbell(celery, f"redis://127.0.0.1:{silent}/0")
    app = create_app(replace(Bench(own).context, ledger=dead), alive=bell.alive)
    answer = get(app, "/readyz")
    assert answer.status == 503
    assert answer.json["queue"] is False
    assert answer.json["causes"] == ["ledger-unreachable: no answer within 4 seconds"]
    own.close()


def test_a_question_that_hangs_is_asked_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WITHIN", 0.2)
    asked, released = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        released.wait()

    app = create_app(Bench(ledger).context, alive=list, disk=hang)
    answers = [get(app, "/readyz") for _ in range(2)]
    released.set()
    assert [answer.status for answer in answers] == [503, 503]
    assert len(asked) == 1


def test_a_ledger_that_nobody_sweeps_is_not_ready(ledger: Ledger) -> None:
    bench = Bench(ledger)
    app = create_app(bench.context, alive=list)
    assert get(app, "/readyz").status == 200  # as before the first start of a worker
    with ledger.write() as transaction:
        assert leases.acquire(transaction, "sweep", token="x", now=bench.clock(), seconds=1)
    assert get(app, "/readyz").status == 200
    bench.clock.now += dt.timedelta(minutes=2)
    answer = get(app, "/readyz")
    assert answer.status == 503
    assert answer.json["causes"] == ["not-swept: no worker has looked for due work for 119 seconds"]


def test_a_read_only_database_is_not_ready(postgresql: str) -> None:
    url = make_url(postgresql).update_query_dict({"options": "-c default_transaction_read_only=on"})
    standby_url = url.render_as_string(hide_password=False)
    with contextlib.closing(Ledger(postgresql)) as primary, contextlib.closing(Ledger(standby_url)) as standby:
        primary.migrate()
        answer = get(create_app(Bench(standby).context, alive=list), "/readyz")
    assert answer.status == 503
    assert answer.json["causes"] == ["ledger-unreachable: the database is read-only"]
