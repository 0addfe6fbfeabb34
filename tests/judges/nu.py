"""The Nu HTML checker of the W3C, as one server on the loopback for a whole test run."""

from __future__ import annotations

import atexit
import functools
import http.client
import json
import subprocess
import time
from typing import Any

from judges.presence import NODE_MODULES, file, program
from ports import free_port
from waiting import PATIENCE

_START_SECONDS = PATIENCE


@functools.cache
def _server() -> int:
    """The port of a running checker."""
    java = program("java", hint="install a Java runtime, 11 or newer (Debian: default-jre-headless)")
    jar = file(NODE_MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar", hint="run `npm ci`")
    port = free_port()
    options = ["-Dnu.validator.servlet.bind-address=127.0.0.1", "-Xss4m", "-XX:TieredStopAtLevel=1"]
    process = subprocess.Popen(
        [java, *options, "-cp", str(jar), "nu.validator.servlet.Main", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(_stop, process)
    _wait(process, port)
    return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    """Until the checker answers a page: it takes connections some seconds before it can."""
    end = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, f"the Nu checker ended with {process.returncode}"
        try:
            _post(port, b"<!DOCTYPE html><title>Ready</title>")
            return
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < end, f"the Nu checker did not start within {_START_SECONDS:.0f} s"
            time.sleep(0.1)


def _post(port: int, page: bytes) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
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


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(PATIENCE)


def nu_findings(page: bytes) -> list[str]:
    """Return the checker's errors and warnings, without its remarks."""
    return [
        f"{message.get('subType', message['type'])} line {message.get('lastLine')}: {message['message']}"
        for message in _post(_server(), page)["messages"]
        if message["type"] != "info" or message.get("subType") == "warning"
    ]
