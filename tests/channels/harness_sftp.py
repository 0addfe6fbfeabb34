"""The other end of an `sftp` channel: a folder behind a real OpenSSH server."""

from __future__ import annotations

import atexit
import functools
import ipaddress
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sftp_server
import unfriendly
from channel_harness import Received, Trouble, files_in, in_folder

from pipeline.errors import PermanentError, TransientError
from pipeline.http import EgressGuard, Http

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINowISTheTimeForAllGoodServersToComeToMe1234"


class SftpHarness:
    steps: ClassVar = {"SFTPClient._async_request"}

    def __init__(self, server: sftp_server.Server, folder: Path, ports: Mapping[str, int]) -> None:
        self.http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
        self._server, self._folder, self._ports = server, folder, ports
        self._path = folder / "partners" / "a"

    @property
    def settings(self) -> Mapping[str, object]:
        return {**self._server.settings, "path": str(self._path)}

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        good = self.settings
        without: dict[str, Any] = {key: value for key, value in good.items() if key != "host_key"}
        return [
            ({}, "host"),
            ({**good, "host": "me@host"}, "host"),
            ({**good, "port": 70_000}, "port"),
            ({**good, "password": "hush"}, "password"),
            ({**good, "private_key": "hush"}, "private_key"),
            ({**good, "private_key": "file:/nowhere/at/all"}, "private_key"),
            ({**good, "private_key": f"file:{self._server.folder}/user.pub"}, "private_key"),
            ({**good, "private_key": f"file:{self._server.folder}/locked"}, "passphrase"),
            ({**good, "host_key": "hush"}, "host_key"),
            ({**good, "host_key": "ssh-rsa " + OTHER_KEY.split()[1]}, "host_key"),
            ({**good, "host_key": []}, "host_key"),
            ({**without, "known_hosts": "/nowhere/at/all"}, "known_hosts"),
            ({**good, "total_timeout": 60}, "total_timeout"),
            ({**good, "path": ""}, "path"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        blocked = self._folder / "blocked"
        away = {**self.settings, "path": str(self._folder / "mount"), "create": False}
        return [
            self._elsewhere("a stranger's key is not let in", PermanentError, "login-refused", "refusal",
                            private_key=f"file:{self._server.folder}/stranger"),
            self._elsewhere("another server answers", PermanentError, "host-key-mismatch", "refusal",
                            host_key=OTHER_KEY),
            self._elsewhere("a file stands where the folder should", PermanentError, "folder-refused", "other",
                            path=str(blocked / "inner")),
            Trouble("its folder is away", TransientError, "folder-unavailable", settings=away),
            self._elsewhere("in a private network", PermanentError, "egress-refused", "other", host="10.0.0.1"),
            *(
                self._elsewhere(way, TransientError, code, way, port=self._ports[way], total_timeout=seconds)
                for way, code, seconds in (
                    ("cut", "connection-failed", 30), ("hang", "timeout", 0.4),
                    ("drip", "timeout", 0.4), ("garbage", "bad-response", 30),
                )
            ),
        ]  # fmt: skip

    def _elsewhere(self, name: str, raises: type[Any], code: str, way: Any, **settings: object) -> Trouble:
        return Trouble(name, raises, code, settings={**self.settings, **settings}, way=way)

    def received(self, article_id: str) -> Received | None:
        return in_folder(self._path, article_id)

    def touched(self) -> int:
        return files_in(self._path)


@functools.cache
def _server() -> sftp_server.Server:
    """One for all tests, each in a folder of its own; it ends with us."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="citewire-sshd-")))
    sftp_server.keys(folder, "stranger")
    sftp_server.keys(folder, "locked", passphrase="hush-hush")
    return stack.enter_context(sftp_server.running(folder))


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SftpHarness]:
    data = folder / "data"
    data.mkdir()
    (data / "blocked").touch()
    ways = {
        "cut": unfriendly.cutting,
        "hang": unfriendly.silent,
        "drip": unfriendly.dripping,
        "garbage": unfriendly.talking_nonsense,
    }
    with ExitStack() as stack:
        server = _server()
        ports = {way: stack.enter_context(unfriendly.listening(talk)) for way, talk in ways.items()}
        yield SftpHarness(server, data, ports)
