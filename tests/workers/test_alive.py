"""Signs of life: what a health check, `up` and systemd see of a process when Redis or the ledger does not answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_process import ROOT, environment
from waiting import PATIENCE

from workers import alive

__all__ = ["environment"]  # a fixture


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket on which systemd is notified."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "notify"))
        receiver.settimeout(PATIENCE)
        yield receiver


def started(environment: dict[str, str], tmp_path: Path, *words: str) -> subprocess.Popen[bytes]:
    with (tmp_path / "log").open("ab") as log:
        command = [sys.executable, "-m", "workers.cli", *words]
        return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)


def probe(environment: dict[str, str], kind: str) -> int:
    """Run a container's health check."""
    command = [sys.executable, "-m", "workers.alive", kind]
    return subprocess.run(command, env=environment, cwd=ROOT, check=False, timeout=PATIENCE).returncode


@pytest.mark.parametrize("words", [("worker", "deliver"), ("worker", "pipeline"), ("web", "--port", "0")])
def test_systemd_is_told_and_the_health_check_knows_without_redis(
    environment: dict[str, str], systemd: socket.socket, tmp_path: Path, words: tuple[str, ...]
) -> None:
    kind = words[1] if words[0] == "worker" else "web"
    environment["NOTIFY_SOCKET"] = str(systemd.getsockname())
    assert probe(environment, kind) == 1
    process = started(environment, tmp_path, *words)
    try:
        assert systemd.recv(1000) == b"READY=1\nWATCHDOG=1"
        assert systemd.recv(1000) == b"WATCHDOG=1"
        assert probe(environment, kind) == 0
        assert probe(environment, "another") == 1
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        emptied(systemd)
        systemd.settimeout(2.5)  # more than twice the time between two signs
        with pytest.raises(TimeoutError):
            systemd.recv(1000)  # a process that hangs feeds no watchdog
        process.send_signal(signal.SIGCONT)
        systemd.settimeout(PATIENCE)
        process.terminate()
        while b"STOPPING=1" not in (last := systemd.recv(1000)):
            assert last == b"WATCHDOG=1"
        assert process.wait(PATIENCE) == 0, (tmp_path / "log").read_text()
    finally:
        process.kill()
        process.wait()


def emptied(receiver: socket.socket) -> None:
    receiver.setblocking(False)
    try:
        while receiver.recv(1000):
            pass
    except BlockingIOError:
        receiver.setblocking(True)


def test_an_old_sign_counts_for_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "tmp" / f"citewire-alive-{os.getuid()}"
    folder.mkdir()
    file = folder / "deliver-1"
    file.touch()
    for at, expected in ((alive.uptime() - 60, 1), (time.time(), 1), (alive.uptime(), 0)):
        os.utime(file, (at, at))  # `time.time()`: of another boot, when the uptime was greater
        assert probe(environment, "deliver") == expected


def test_a_sign_waits_for_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, systemd: socket.socket) -> None:
    """A systemd that reads nothing, and a missing temporary folder."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.getsockname()))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    for _ in range(2000):  # more than the socket's queue holds
        alive.sign("deliver")


def test_a_notify_socket_in_the_abstract_namespace_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.fail("abstract sockets are Linux's")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0citewire-test-{os.getpid()}")
        receiver.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@citewire-test-{os.getpid()}")
        alive.notify("STATUS=well")
        assert receiver.recv(100) == b"STATUS=well"


def test_the_units_name_commands_that_exist_and_a_watchdog() -> None:
    units = sorted((ROOT / "deploy").glob("*.service"))
    assert [unit.name for unit in units] == ["citewire-web.service", "citewire-worker@.service", "citewire.service"]
    for unit in units:
        lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and line[0] != "#")
        assert lines["Type"] == "notify"
        assert lines["NotifyAccess"] == "main"
        assert int(lines["WatchdogSec"]) >= 60
        words = lines["ExecStart"].split()
        assert words[0].endswith("/citewire")
        asked = [sys.executable, "-m", "workers.cli", words[1], "--help"]
        assert subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0
