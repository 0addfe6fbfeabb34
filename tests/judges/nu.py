"""The Nu HTML checker of the W3C, as one server on the loopback for a whole test run, whatever processes it has.

The first process that needs it starts it, and it ends when the last one of those that use it does, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import http.client
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from judges.presence import NODE_MODULES, file, program
from ports import free_port
from waiting import PATIENCE, until

_OPTIONS = ("-Dnu.validator.servlet.bind-address=127.0.0.1", "-Xss4m", "-XX:TieredStopAtLevel=1")
# $0: its folder; $@: the command. Each of its users keeps the pipe that is read here open for writing.
_UNTIL_NOBODY_USES_IT = '"$@" & cat; kill $!; wait; rm -r "$0"'
_running: list[subprocess.Popen[bytes]] = []  # it outlives this process, if others use it


@functools.cache
def _server() -> int:
    """The port of a running checker."""
    java = program("java", hint="install a Java runtime, 11 or newer (Debian: default-jre-headless)")
    jar = file(NODE_MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar", hint="run `npm ci`")
    command = [java, *_OPTIONS, "-cp", str(jar), "nu.validator.servlet.Main"]
    if run := os.environ.get("PYTEST_XDIST_TESTRUNUID"):
        shared = Path(tempfile.gettempdir(), f"citewire-nu-{os.getuid()}-{run}")
        shared.mkdir(mode=0o700, exist_ok=True)
        return _used(shared, command)
    return _used(Path(tempfile.mkdtemp(prefix="citewire-nu-")), command)


def _used(folder: Path, command: Sequence[str]) -> int:
    """Start the checker of this folder unless it runs, and use it as long as this process lives."""
    users, port = folder / "users", folder / "port"
    with _alone(folder):
        if port.exists():
            os.open(users, os.O_WRONLY | os.O_NONBLOCK)  # which fails if nobody reads it
        else:
            os.mkfifo(users)
            os.open(users, os.O_RDWR)  # does not wait for somebody who reads
            port.write_text(str(_started(command, folder, users)))
    return int(port.read_text())


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(command: Sequence[str], folder: Path, users: Path) -> int:
    """Start the checker and wait until it answers a page: it takes connections some seconds before it can."""
    port = free_port()
    with users.open("rb") as pipe:
        process = subprocess.Popen(
            ["sh", "-c", _UNTIL_NOBODY_USES_IT, str(folder), *command, str(port)],
            stdin=pipe,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the tests, whose end ends it
        )

    _running.append(process)

    def answers() -> bool:
        assert process.poll() is None, f"the Nu checker ended with {process.returncode}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(_post(port, b"<!DOCTYPE html><title>Ready</title>"))
        return False

    until(answers, what=lambda: "the Nu checker answers")
    return port


def _post(port: int, page: bytes) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        headers = {"Content-Type": "text/html; charset=utf-8", "User-Agent": "judge"}  # it refuses those without one
        connection.request("POST", "/?out=json", body=page, headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise http.client.HTTPException(f"{response.status} {response.reason}")
        answer: dict[str, Any] = json.loads(body)
        return answer
    finally:
        connection.close()


def nu_findings(page: bytes) -> list[str]:
    """Return the checker's errors and warnings, without its remarks."""
    return [
        f"{message.get('subType', message['type'])} line {message.get('lastLine')}: {message['message']}"
        for message in _post(_server(), page)["messages"]
        if message["type"] != "info" or message.get("subType") == "warning"
    ]
