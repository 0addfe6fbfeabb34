"""The stand-in receiver as a process of its own."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.channels.webhook.signing import new_secret, read_signer, signed
from pipeline.http import EgressGuard, Http

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(300)
def test_it_serves_logs_and_judges_signatures(tmp_path: Path) -> None:
    secret, log = new_secret(), tmp_path / "log.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "standins.receiver", "--port", "0", "--secret", "THEIR_SECRET", "--log", str(log)],
        cwd=ROOT,
        env={**os.environ, "THEIR_SECRET": secret},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        ready, url = process.stdout.readline().split()
        assert ready == "ready"
        http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
        now = int(dt.datetime.now(dt.UTC).timestamp())
        for used in (secret, new_secret()):
            assert (
                http.request("POST", url, headers=signed("1", now, b"{}", [read_signer(used)]), body=b"{}").status
                == 204
            )
        http.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [record["verified"] for record in records] == [True, False]
    assert records[0]["headers"]["webhook-id"] == "1"
    assert records[0]["bytes"] == 2
