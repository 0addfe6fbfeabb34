"""The `sftp` channel beyond the contract of all channels."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import paramiko
import pytest
import sftp_server
from channel_harness import parcel
from judges import presence

from pipeline.channels.sftp import CHANNEL, Sftp
from pipeline.channels.sftp.connection import Connection
from pipeline.channels.sftp.folder import RemoteFolder
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import CitewireError, ConfigError, TransientError
from pipeline.http import EgressGuard, Http
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition

pytestmark = pytest.mark.timeout(300)
HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
NAME = "what-is-spasticity.amp"
LARGE = replace(parcel(1), rendition=Rendition("amp", "text/html", os.urandom(2_000_000)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sftp_server.Server]:
    with sftp_server.running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def opened(server: sftp_server.Server, out: Path, **more: Any) -> Sftp:
    settings = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.user,
        "private_key": f"file:{server.folder}/user",
        "host_key": server.host_key,
        "path": str(out),
        **more,
    }
    settings = {key: value for key, value in settings.items() if value is not None}
    channel = open_channel(CHANNEL, read_settings(CHANNEL, settings, prefix="channels.a"), HTTP, prefix="channels.a")
    assert isinstance(channel, Sftp)
    return channel


@pytest.fixture
def channel(server: sftp_server.Server, out: Path) -> Iterator[Sftp]:
    channel = opened(server, out)
    yield channel
    channel.close()


def test_the_layout_is_a_folders(channel: Sftp, out: Path) -> None:
    receipt = channel.deliver(parcel(3))
    assert receipt.remote_id == NAME
    assert sorted(str(one.relative_to(out)) for one in out.rglob("*") if one.is_file()) == [
        f"manifest/{NAME}.json",
        NAME,
    ]
    assert json.loads((out / "manifest" / f"{NAME}.json").read_bytes())["revision"] == 3


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
def test_an_older_revision_never_replaces_a_newer_one(channel: Sftp, out: Path, order: tuple[int, ...]) -> None:
    for revision in order:
        channel.deliver(parcel(revision))
    assert (out / NAME).read_bytes() == parcel(3).rendition.body


def test_one_connection_serves_many_deliveries_and_ends_with_the_channel(server: sftp_server.Server, out: Path) -> None:
    line = sftp_server.Line(server.port)
    channel = opened(server, out, port=line.port)
    for number in range(3):
        channel.deliver(parcel(1, article=f"article-{number}"))
    assert line.made == 1
    assert not line.ended.acquire(blocking=False)
    channel.close()
    channel.close()
    assert line.ended.acquire(timeout=60)
    line.close()


def test_an_idle_connection_is_not_trusted(
    server: sftp_server.Server, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = sftp_server.Line(server.port)
    channel = opened(server, out, port=line.port)
    channel.deliver(parcel(1))
    monkeypatch.setattr("pipeline.channels.sftp.connection._IDLE", 0.0)
    channel.deliver(parcel(2))
    assert line.made == 2
    assert line.ended.acquire(timeout=60)
    channel.close()
    line.close()


def test_a_kept_connection_that_was_cut_is_made_again(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "sshd"
    folder.mkdir()
    with sftp_server.running(folder) as first:
        channel = opened(first, out)
        channel.deliver(parcel(1))
        subprocess.run(["pkill", "-P", str(first.process.pid)], check=True)
        channel.deliver(parcel(2))
    with sftp_server.running(folder, port=first.port):
        channel.deliver(parcel(3))
    channel.close()
    assert (out / NAME).read_bytes() == parcel(3).rendition.body


def test_an_upload_goes_on_where_it_was_cut(server: sftp_server.Server, out: Path) -> None:
    size = len(LARGE.rendition.body)
    line = sftp_server.Line(server.port)
    line.cut_after = size // 2
    channel = opened(server, out, port=line.port)
    with pytest.raises(TransientError) as raised:
        channel.deliver(LARGE)
    assert raised.value.code == "connection-failed"
    assert not (out / NAME).exists()
    first = line.sent
    channel.deliver(LARGE)
    assert (out / NAME).read_bytes() == LARGE.rendition.body
    assert size // 3 < line.sent - first < size * 3 // 4, "the second half is what was sent again"
    assert list((out / ".parts").iterdir()) == []
    channel.close()
    line.close()


@pytest.mark.parametrize("damage", [b"", b"\0" * 1000, os.urandom(400_000), bytes(3_000_000)])
def test_an_upload_that_does_not_look_like_ours_begins_anew(
    server: sftp_server.Server, out: Path, damage: bytes
) -> None:
    (out / ".parts").mkdir(parents=True)
    part = out / ".parts" / f"{NAME}.{LARGE.rendition.digest.removeprefix('sha256:')[:16]}"
    part.write_bytes(damage)
    channel = opened(server, out)
    channel.deliver(LARGE)
    channel.close()
    assert (out / NAME).read_bytes() == LARGE.rendition.body
    assert list((out / ".parts").iterdir()) == []


def test_half_an_upload_of_an_older_revision_does_not_stay(server: sftp_server.Server, out: Path) -> None:
    (out / ".parts").mkdir(parents=True)
    (out / ".parts" / f"{NAME}.0123456789abcdef").write_bytes(b"half of revision 1")
    (out / ".parts" / "other-article.amp.0123456789abcdef").write_bytes(b"half of another")
    old = out / ".parts" / "forgotten.amp.0123456789abcdef"
    old.write_bytes(b"since last week")
    os.utime(old, (1000, 1000))
    channel = opened(server, out)
    channel.deliver(parcel(2))
    channel.close()
    assert [one.name for one in (out / ".parts").iterdir()] == ["other-article.amp.0123456789abcdef"]


def test_after_a_change_of_format_the_file_of_the_old_one_goes(channel: Sftp, out: Path) -> None:
    first = channel.deliver(replace(parcel(1), extension="rss"))
    receipt = channel.deliver(replace(parcel(2), remote_id=first.remote_id))
    assert "removed what-is-spasticity.rss" in receipt.detail
    assert sorted(one.name for one in out.rglob("*") if one.is_file()) == [NAME, f"{NAME}.json"]


def test_a_withdrawn_article_is_shown_until_its_tombstone_is_there(channel: Sftp, out: Path) -> None:
    withdrawal = parcel(2, "withdrawn", body=b"gone")
    channel.deliver(parcel(1))
    where = channel.shows(withdrawal)
    assert where is not None
    assert where.endswith(f"{NAME} contains revision 1 instead of the withdrawal")
    channel.deliver(withdrawal)
    assert channel.shows(withdrawal) is None
    (out / NAME).unlink()
    assert channel.shows(withdrawal) is None


def test_remote_folders_are_made_unless_that_is_not_wanted(server: sftp_server.Server, out: Path) -> None:
    deep = out / "a" / "b" / "c"
    channel = opened(server, deep)
    channel.deliver(parcel(1))
    channel.close()
    assert (deep / NAME).exists()
    with pytest.raises(TransientError) as raised:
        opened(server, out / "away", create=False).deliver(parcel(1))
    assert raised.value.code == "folder-unavailable"
    assert not (out / "away").exists()


def test_known_hosts_prove_the_server_too(server: sftp_server.Server, out: Path, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.host_key}\n")
    channel = opened(server, out, host_key=None, known_hosts=str(known))
    channel.deliver(parcel(1))
    channel.close()
    assert (out / NAME).exists()


def test_known_hosts_without_the_server_are_refused(server: sftp_server.Server, out: Path, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"example.org {server.host_key}\n")
    with pytest.raises(ConfigError, match="contains no key of") as raised:
        opened(server, out, host_key=None, known_hosts=str(known))
    assert raised.value.key == "channels.a.known_hosts"


@pytest.mark.parametrize("other", ["host_key", "known_hosts"])
def test_a_server_with_another_key_is_sent_nothing(
    server: sftp_server.Server, out: Path, tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hush-hush")
    sftp_server.keys(tmp_path, "impostor")
    key = (tmp_path / "impostor.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {key}")
    ways: dict[str, Any] = {
        "host_key": {"host_key": " ".join(key.split()[:2])},
        "known_hosts": {"host_key": None, "known_hosts": str(tmp_path / "known_hosts")},
    }
    with pytest.raises(CitewireError) as raised:
        opened(server, out, password="env:PASSWORD", **ways[other]).deliver(parcel(1))
    assert raised.value.code == "host-key-mismatch"
    assert not out.exists()


def test_several_host_keys_serve_while_the_server_changes_its_own(
    server: sftp_server.Server, out: Path, tmp_path: Path
) -> None:
    sftp_server.keys(tmp_path, "next")
    coming = " ".join((tmp_path / "next.pub").read_text().split()[:2])
    channel = opened(server, out, host_key=[coming, server.host_key])
    assert channel.check().endswith("can be written to")
    channel.close()


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_keys_of_other_kinds_let_us_in(tmp_path: Path, out: Path, kind: str) -> None:
    folder = tmp_path / "sshd"
    folder.mkdir()
    keygen = presence.program("ssh-keygen", hint="apt-get install openssh-client")
    for name, passphrase in (("host", ""), ("user", "hush")):
        size = ["-b", "2048"] if kind == "rsa" else []
        subprocess.run([keygen, "-q", "-t", kind, *size, "-N", passphrase, "-f", str(folder / name)], check=True)
    (tmp_path / "passphrase").write_text("hush\n")
    with sftp_server.running(folder) as server:
        channel = opened(server, out, passphrase=f"file:{tmp_path}/passphrase")
        channel.deliver(parcel(1))
        channel.close()
    assert (out / NAME).exists()


def test_a_check_leaves_nothing(channel: Sftp, out: Path) -> None:
    assert channel.check().endswith("can be written to")
    assert [one for one in out.rglob("*") if one.is_file()] == []


def test_the_whole_time_is_one_for_all_steps(server: sftp_server.Server, out: Path) -> None:
    """A line that stops in the middle: no step of its own is overdue yet when the whole time is."""
    with pytest.raises(TransientError) as raised:
        opened(server, out, total_timeout=0.001).deliver(parcel(1))
    assert raised.value.code == "timeout"


def test_a_connection_whose_time_is_over_before_it_begins_is_closed(server: sftp_server.Server, out: Path) -> None:
    made: list[socket.socket] = []

    class LateGuard(EgressGuard):
        def connect(self, *args: Any, **kwargs: Any) -> socket.socket:
            made.append(super().connect(*args, **kwargs))
            time.sleep(max(0.0, deadline.left))
            return made[-1]

    login, deadline = opened(server, out)._login, Deadline(0.3)
    with pytest.raises(TransientError):
        Connection(login, LateGuard([ipaddress.ip_network("127.0.0.1/32")]), deadline)
    assert [one.fileno() for one in made] == [-1]


@pytest.mark.parametrize("article", ["..", "../x", "a/b", ".hidden", ""])
def test_an_id_that_could_lead_elsewhere_is_refused(channel: Sftp, out: Path, article: str) -> None:
    with pytest.raises(CitewireError) as raised:
        channel.deliver(parcel(1, article=article))
    assert raised.value.code == "unsafe-name"
    assert not out.exists()


def test_the_library_says_nothing_on_its_own(
    server: sftp_server.Server, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(CitewireError):
        opened(server, out, port=server.port, username="nobody-of-that-name").deliver(parcel(1))
    assert caplog.text == ""
    assert paramiko.util.get_logger("paramiko.transport").getEffectiveLevel() > 40


def test_a_parcel_is_found_again_as_it_was(channel: Sftp, out: Path) -> None:
    one: Parcel = parcel(1)
    assert channel.deliver(one).detail == f"{NAME}: revision 1, {len(one.rendition.body)} bytes"
    assert channel.deliver(one).detail == "revision 1 was already there"
    (out / NAME).write_bytes(b"defaced")
    channel.deliver(one)
    assert (out / NAME).read_bytes() == one.rendition.body


def test_an_update_does_not_fetch_what_it_replaces(channel: Sftp, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    channel.deliver(parcel(1))
    fetched, read = list[str](), RemoteFolder.read

    def watched(folder: RemoteFolder, name: str) -> bytes | None:
        fetched.append(name)
        return read(folder, name)

    monkeypatch.setattr(RemoteFolder, "read", watched)
    channel.deliver(parcel(2))
    assert (out / NAME).read_bytes() == parcel(2).rendition.body
    assert f"manifest/{NAME}.json" in fetched
    assert NAME not in fetched
