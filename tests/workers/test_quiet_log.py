"""The log has nothing where no action is needed, and no text of an article."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from own_process import ROOT, environment
from ports import free_port
from waiting import PATIENCE, head_of, until

from pipeline.ledger import Ledger
from pipeline.ledger.tables import leases

__all__ = ["environment"]  # a fixture


def test_parameters_of_statements_are_in_no_error(ledger: Ledger) -> None:
    with pytest.raises(sa.exc.DBAPIError) as failed, ledger.write() as transaction:
        transaction.execute(sa.insert(leases).values(name=None, lease="an embargoed text", failures=0))
    assert "an embargoed text" not in f"{failed.value!r} {failed.value}"
    assert "parameters hidden" in str(failed.value)


def test_a_client_that_goes_away_in_its_body_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    made = [sys.executable, "-m", "workers.cli", "token", "create", "--name", "cms", "--scope", "publish"]
    done = subprocess.run(made, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    token = done.stdout.split()[-1]
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "workers.cli", "web", "--port", str(port)]
        web = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        until(lambda: b"startup complete" in (tmp_path / "log").read_bytes())
        heads = (
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/cloudevents+json\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n{",
            "POST /hub HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Content-Length: 1000\r\nExpect: 100-continue\r\n\r\nhub.mode=s",
        )
        for head in heads:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(head.encode())
                assert head_of(client).startswith(b"HTTP/1.1 100 ")  # it waits for the rest
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in head_of(client)
        half = socket.create_connection(("127.0.0.1", port))
        half.sendall(heads[1].encode())
        assert head_of(half).startswith(b"HTTP/1.1 100 ")
    finally:
        web.terminate()
        ended = web.wait(PATIENCE)
    with half:
        assert head_of(half).startswith(b"HTTP/1.1 503 ")
    assert ended == 0
    logged = (tmp_path / "log").read_text()
    assert "Traceback" not in logged
    assert '"level": "error"' not in logged


def test_a_worker_says_once_that_redis_is_away(environment: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-m", "workers.cli", "worker", "deliver"]
        worker = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        until(lambda: b"doorbell out of order" in (tmp_path / "log").read_bytes())
        time.sleep(8)  # in which Celery tries three times
    finally:
        worker.terminate()
        worker.wait(PATIENCE)
    lines = [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("{")]
    assert len([line for line in lines if "127.0.0.1:9" in line]) == 1, "\n".join(lines)
