"""Signs of life of a process, each second, which need neither Redis nor the ledger:

a file in the temporary folder   for a container's health check: `python -m workers.alive pipeline` exits with 0 if a
                                 pipeline worker on this host gave a sign in the last ten seconds, else with 1
a pipe                           for `citewire up`, in its children
a datagram                       for systemd: READY=1 at first, WATCHDOG=1 with each sign, STOPPING=1 at the end
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from pathlib import Path

from pipeline.uptime import uptime

PIPE = "CITEWIRE_SIGNS"  # the descriptor of a pipe, set by `up` for each child
NOTIFY = "NOTIFY_SOCKET"  # set by systemd: sd_notify(3)
LATELY = 10.0  # seconds

_READY: list[bool] = []  # whether this process has said so


def identity(name: str, pid: int | None = None) -> str:
    """Return what this process, or the one with this id, is called in the whole site, such as "deliver@host-a:4711".

    Processes of two hosts have the same names, and so have those of two `citewire up` on one host.
    """
    return f"{name}@{socket.gethostname()}:{pid or os.getpid()}"


def sign(kind: str) -> None:
    """Give a sign of life. Never raises: a process is alive even if its sign cannot be recorded."""
    if pipe := os.environ.get(PIPE):
        with contextlib.suppress(OSError):  # full, because `up` was stopped, or closed, because it is gone
            os.write(int(pipe), b".")
    with contextlib.suppress(OSError):
        _touch(_folder() / f"{kind}-{os.getpid()}")
    notify("WATCHDOG=1" if _READY else "READY=1\nWATCHDOG=1")
    _READY[:] = [True]


def stop(kind: str) -> None:
    """Say that this process ends."""
    notify("STOPPING=1")
    with contextlib.suppress(OSError):
        (_folder() / f"{kind}-{os.getpid()}").unlink(missing_ok=True)


def notify(state: str) -> None:
    """Send a state to systemd if it started this process. Never waits."""
    if not (address := os.environ.get(NOTIFY)):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(state.encode(), f"\0{address[1:]}" if address.startswith("@") else address)


def seen(kind: str) -> bool:
    """Return whether a process of this kind on this host gave a sign lately."""
    now = uptime()
    with contextlib.suppress(OSError):
        for file in _folder().glob(f"{kind}-*"):
            with contextlib.suppress(OSError):  # gone meanwhile
                if 0 <= now - file.stat().st_mtime <= LATELY:
                    return True
    return False


def _touch(file: Path) -> None:
    """Set the file's time to the host's uptime, so that a wrong clock does not make a process look dead.

    A full disk does not matter, because nothing is written.
    """
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
    now = uptime()
    os.utime(file, (now, now))


def _folder() -> Path:
    """Return this user's folder for signs. Raises OSError if it belongs to somebody else."""
    folder = Path(tempfile.gettempdir()) / f"citewire-alive-{os.getuid()}"
    if folder.exists() and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
        raise PermissionError(f"{folder} is somebody else's")
    return folder


if __name__ == "__main__":
    sys.exit(0 if seen(sys.argv[1]) else 1)
