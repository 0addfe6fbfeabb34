"""What forks do, tried in a process with one thread, which pytest's need not be. Prints what was found as JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.errors import ConfigError
from workers import forking
from workers.forking import apart, fork

_LEFT: list[ThreadPoolExecutor] = []


def refuse() -> None:
    raise ConfigError("is wrong", key="site.url", hint="mend it", code="invalid-config")


def read_file() -> None:
    Path("/no/such/file").read_bytes()


def error_of(step: object) -> dict[str, object]:
    try:
        apart(step)  # type: ignore[arg-type] # steps of any result
    except (ConfigError, OSError) as error:
        return {"type": type(error).__name__, "code": getattr(error, "code", None), "text": str(error)}
    return {}


def looked_around(kept: int) -> dict[str, object]:
    """Return what a fork sees of itself."""
    reading, writing = os.pipe()
    opened = os.open(os.devnull, os.O_RDONLY)

    def look() -> None:
        descriptors = sorted(int(one.name) for one in Path("/proc/self/fd").iterdir())
        found = {
            "environment": dict(os.environ),
            "kept": kept in descriptors,
            "opened": opened in descriptors,
            "group": os.getpgid(0) == os.getpid(),
            "line": Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").decode().split("\0"),
            "handler": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
            "blocked": bool(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        }
        os.write(writing, json.dumps(found).encode())

    child = fork(look, {"ONLY": "this"}, title=("citewire", "web"), keep=(kept, writing))
    os.close(writing)
    with os.fdopen(reading) as file:
        return json.loads(file.read()) | {"status": child.wait(60)}


def status_of(run: object) -> int:
    return fork(run, {}, title=("x",), keep=()).wait(60)  # type: ignore[arg-type] # as above


def leave_an_idle_thread() -> None:
    executor = ThreadPoolExecutor(1)
    executor.submit(os.getpid).result()
    _LEFT.append(executor)  # it would end if nothing named it any more


def ended_by(number: str) -> int:
    child = fork(lambda: time.sleep(60), {}, title=("x",), keep=())
    child.terminate() if number == "TERM" else child.kill()
    return child.wait(60)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: None)  # as `up` does
    kept = os.open(os.devnull, os.O_RDONLY)
    found = {
        "possible": forking.possible(),
        "result": apart(lambda: {"pid": os.getpid()})["pid"] != os.getpid(),
        "refused": error_of(refuse),
        "unread": error_of(read_file),
        "died": error_of(lambda: os._exit(0)),
        "killed": error_of(lambda: os.kill(os.getpid(), signal.SIGKILL)),
        "failed": error_of(lambda: 1 / 0),
        "around": looked_around(kept),
        "exits": [status_of(lambda: None), status_of(lambda: sys.exit(3)), status_of(lambda: 1 / 0)],
        "idle": status_of(leave_an_idle_thread),
        "ended": [ended_by("TERM"), ended_by("KILL")],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
