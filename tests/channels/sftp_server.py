"""A real OpenSSH server, as a process of this user's on a free port; and a line to it that can be cut."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from judges import presence
from listeners import accepted, hang_up
from ports import answering, free_port

_HINT = "apt-get install openssh-server"
_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel QUIET
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Server:
    port: int
    folder: Path  # its keys
    process: subprocess.Popen[bytes]

    @property
    def host_key(self) -> str:
        return " ".join((self.folder / "host.pub").read_text().split()[:2])

    @property
    def user(self) -> str:
        return getpass.getuser()

    @property
    def settings(self) -> dict[str, object]:
        """The settings of a channel to it, without the path."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "username": self.user,
            "private_key": f"file:{self.folder}/user",
            "host_key": self.host_key,
        }


def keys(folder: Path, *names: str, passphrase: str = "") -> None:
    keygen = presence.program("ssh-keygen", hint=_HINT)
    for name in names:
        subprocess.run(
            [keygen, "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(folder / name)], check=True
        )


@contextmanager
def running(folder: Path, *, port: int = 0) -> Iterator[Server]:
    """`folder` holds its keys; they are made where they are missing."""
    sshd = presence.program("sshd", hint=_HINT)
    keys(folder, *(name for name in ("host", "user") if not (folder / name).exists()))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it shuts its unprivileged half in
    port = port or free_port()
    (folder / "config").write_text(_CONFIG.format(port=port, folder=folder))
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
    try:
        answering(port, process, lambda: "sshd")
        yield Server(port, folder, process)
    finally:
        process.terminate()
        process.wait()


class Line:
    """A way to `port` on this machine that is cut after so many bytes, once; counts what goes to the server."""

    def __init__(self, port: int) -> None:
        self.sent = 0  # bytes towards the server, ever
        self.made = 0  # connections, ever
        self.ended = threading.Semaphore(0)  # one for each that the client has ended
        self.cut_after: int | None = None  # from the next connection on
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        hang_up(self._listener)

    def _accept(self) -> None:
        for client in accepted(self._listener):
            self.made += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            limit, self.cut_after = self.cut_after, None
            threading.Thread(target=self._pump, args=(client, server, limit), daemon=True).start()
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _pump(self, client: socket.socket, server: socket.socket, limit: int | None) -> None:
        passed = 0
        with suppress(OSError), client, server:
            while data := client.recv(16_384):
                passed += len(data)
                self.sent += len(data)
                server.sendall(data)
                if limit is not None and passed > limit:
                    threading.Event().wait(0.3)  # what has arrived is written, for sshd forgets it at the end
                    break
            else:
                self.ended.release()
            server.shutdown(socket.SHUT_RDWR)
            client.shutdown(socket.SHUT_RDWR)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(16_384):
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)
