"""How the `sftp` channel logs in: at a server that accepts a password, a key, or both, and does nothing else."""

from __future__ import annotations

import ipaddress
import threading
from pathlib import Path
from typing import Any

import paramiko
import pytest
import sftp_server
import unfriendly
from channel_harness import parcel

from pipeline.channels.sftp import CHANNEL
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import CitewireError
from pipeline.http import EgressGuard, Http

pytestmark = pytest.mark.timeout(300)
HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
HOST = paramiko.ECDSAKey.generate()


class Door(paramiko.ServerInterface):
    """`wants`: what lets in, all of it; `seen`: what was shown."""

    def __init__(self, wants: tuple[str, ...]) -> None:
        self._left = list(wants)
        self.seen: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return ",".join(self._left)

    def check_auth_password(self, username: str, password: str) -> int:
        return self._shown("password", password == "hush-hush")

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._shown("publickey", True)

    def _shown(self, kind: str, right: bool) -> int:
        self.seen.append(kind)
        if not right or kind not in self._left:
            return paramiko.AUTH_FAILED
        self._left.remove(kind)
        return paramiko.AUTH_PARTIALLY_SUCCESSFUL if self._left else paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    sftp_server.keys(tmp_path, "user")
    monkeypatch.setenv("PASSWORD", "hush-hush")
    monkeypatch.setenv("WRONG", "hush-hush-hush")
    host_key = f"{HOST.get_name()} {HOST.get_base64()}"
    return {"host": "127.0.0.1", "username": "me", "host_key": host_key, "private_key": f"file:{tmp_path}/user"}


@pytest.fixture
def doors() -> list[Door]:
    return []


def refusal(doors: list[Door], wants: tuple[str, ...], settings: dict[str, Any]) -> CitewireError:
    doors.append(Door(wants))

    def serve(connection: Any, over: threading.Event) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(HOST)
        transport.start_server(event=threading.Event(), server=doors[-1])
        over.wait(20)
        transport.close()

    with unfriendly.listening(serve) as port:
        raw = {key: value for key, value in {**settings, "port": port}.items() if value is not None}
        channel = open_channel(CHANNEL, read_settings(CHANNEL, raw, prefix="channels.a"), HTTP, prefix="channels.a")
        with pytest.raises(CitewireError) as raised:
            channel.deliver(parcel(1))
        channel.close()
    assert "hush" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    ("wants", "given"),
    [
        (("password",), {"private_key": None, "password": "env:PASSWORD"}),
        (("publickey",), {}),
        (("publickey", "password"), {"password": "env:PASSWORD"}),
    ],
)
def test_it_shows_what_the_server_wants(
    doors: list[Door], settings: dict[str, Any], wants: tuple[str, ...], given: dict[str, Any]
) -> None:
    """After logging in, it asks for what this server refuses everyone."""
    assert refusal(doors, wants, {**settings, **given}).code == "connection-failed"
    assert set(doors[-1].seen) == set(wants)


@pytest.mark.parametrize(
    ("wants", "given"),
    [
        (("password",), {"private_key": None, "password": "env:WRONG"}),
        (("publickey", "password"), {"password": "env:WRONG"}),
        (("publickey", "password"), {}),
        (("password",), {}),
    ],
)
def test_who_is_not_let_in_is_told_for_good(
    doors: list[Door], settings: dict[str, Any], wants: tuple[str, ...], given: dict[str, Any]
) -> None:
    assert refusal(doors, wants, {**settings, **given}).code == "login-refused"
