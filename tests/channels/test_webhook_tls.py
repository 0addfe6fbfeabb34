"""The `webhook` channel to a partner who asks for a client certificate."""

from __future__ import annotations

import ipaddress
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from channel_harness import parcel
from tls_listener import TlsListener, server_context

from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.channels.webhook import CHANNEL, Webhook
from pipeline.channels.webhook.signing import new_secret
from pipeline.errors import ConfigError, TransientError
from pipeline.http import EgressGuard, Http

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Papers:
    """An authority, its certificates for a server and for us, and one for us that no trusted authority signed."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        return self.folder / f"{name}.pem"


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    _openssl(folder, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=Authority", "ca")
    for name in ("server", "client"):
        _openssl(
            folder,
            f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
            " -addext subjectAltName=DNS:localhost -CA ca.pem -CAkey ca-key.pem",
            name,
        )
    _openssl(folder, "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x", "stranger")
    subprocess.run(
        [*["openssl", "pkey", "-in", "client-key.pem", "-aes256", "-passout", "pass:hush", "-out", "locked.pem"]],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return Papers(folder)


def _openssl(folder: Path, command: str, name: str) -> None:
    files = ["-keyout", f"{name}-key.pem", "-out", f"{name}.pem"]
    subprocess.run(["openssl", *command.split(), *files], cwd=folder, check=True, capture_output=True)


@dataclass
class Partner:
    """A TLS server that demands a certificate of the authority and answers 204."""

    papers: Papers
    shown: list[str] = field(default_factory=list)  # the names on the certificates that clients showed
    refused: list[str] = field(default_factory=list)

    def __enter__(self) -> Partner:
        context = server_context(self.papers.server, self.papers.folder / "server-key.pem")
        context.load_verify_locations(self.papers.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        self._listener = TlsListener(context, self._talk, refused=lambda error: self.refused.append(str(error)))
        self.url = f"https://localhost:{self._listener.port}/in"
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._listener.join()

    def _talk(self, secure: ssl.SSLSocket) -> None:
        certificate: Any = secure.getpeercert()
        self.shown.append(dict(part[0] for part in certificate["subject"])["commonName"])
        self._answer(secure)

    def _answer(self, secure: ssl.SSLSocket) -> None:
        taken = b""
        while data := secure.recv(65536):
            taken += data
            head, _, body = taken.partition(b"\r\n\r\n")
            size = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
            if len(body) >= size:
                secure.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                return


@pytest.fixture
def partner(papers: Papers) -> Iterator[Partner]:
    with Partner(papers) as partner:
        yield partner


@pytest.fixture
def http() -> Iterator[Http]:
    http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    yield http
    http.close()


def opened(http: Http, monkeypatch: pytest.MonkeyPatch, url: str, **tls: object) -> Webhook:
    monkeypatch.setenv("SECRET", new_secret())
    settings = {"url": url, "secret": "env:SECRET", "total_timeout": 30, **({"tls": tls} if tls else {})}
    channel = open_channel(CHANNEL, read_settings(CHANNEL, settings, prefix="channels.a"), http, prefix="channels.a")
    assert isinstance(channel, Webhook)
    return channel


def test_the_client_certificate_is_shown_and_the_partners_authority_believed(
    http: Http, partner: Partner, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = {"certificate": f"file:{papers.client}", "key": f"file:{papers.folder}/client-key.pem"}
    channel = opened(http, monkeypatch, partner.url, **tls, authorities=str(papers.ca))
    assert channel.deliver(parcel(1)).status == 204
    assert partner.shown == ["client"]


def test_a_file_may_hold_certificate_and_key(
    http: Http, partner: Partner, papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(papers.client.read_bytes() + (papers.folder / "client-key.pem").read_bytes())
    opened(http, monkeypatch, partner.url, certificate=f"file:{both}", authorities=str(papers.ca)).deliver(parcel(1))
    assert partner.shown == ["client"]


def test_a_certificate_that_was_renewed_is_used_from_the_next_opening_on(
    http: Http, partner: Partner, papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    tls = {"certificate": f"file:{certificate}", "key": f"file:{key}", "authorities": str(papers.ca)}
    for name in ("client", "server"):
        for source, target in ((papers.folder / f"{name}.pem", certificate), (papers.folder / f"{name}-key.pem", key)):
            shutil.copyfile(source, target)
        opened(http, monkeypatch, partner.url, **tls).deliver(parcel(1))
    assert partner.shown == ["client", "server"]


@pytest.mark.parametrize("stranger", [True, False])
def test_without_the_right_certificate_nothing_is_delivered(
    http: Http, partner: Partner, papers: Papers, monkeypatch: pytest.MonkeyPatch, stranger: bool
) -> None:
    trusting = Http(http.guard, ca_file=str(papers.ca))
    shown = {"certificate": f"file:{papers.stranger}", "key": f"file:{papers.folder}/stranger-key.pem"}
    with pytest.raises(TransientError) as raised:
        opened(trusting, monkeypatch, partner.url, **(shown if stranger else {})).deliver(parcel(1))
    assert raised.value.code in ("tls-failed", "connection-failed")
    assert partner.shown == []


def test_the_partners_own_authority_is_believed_for_that_channel_alone(
    http: Http, partner: Partner, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = {"certificate": f"file:{papers.client}", "key": f"file:{papers.folder}/client-key.pem"}
    opened(http, monkeypatch, partner.url, **tls, authorities=str(papers.ca)).deliver(parcel(1))
    with pytest.raises(TransientError) as raised:
        opened(http, monkeypatch, partner.url, **tls).deliver(parcel(1))
    assert raised.value.code == "tls-failed"


@pytest.mark.parametrize(
    ("certificate", "key"), [("client", "locked"), ("client", "stranger-key"), ("client-key", None), ("ca", "ca")]
)
def test_files_that_do_not_fit_are_refused_when_the_channel_is_opened(
    http: Http, papers: Papers, monkeypatch: pytest.MonkeyPatch, certificate: str, key: str | None
) -> None:
    tls = {"certificate": f"file:{papers.folder}/{certificate}.pem"}
    if key:
        tls["key"] = f"file:{papers.folder}/{key}.pem"
    with pytest.raises(ConfigError) as raised:
        opened(http, monkeypatch, "https://localhost/in", **tls)
    assert (raised.value.code, raised.value.key) == ("invalid-certificate", "channels.a.tls")


def test_a_certificate_is_shown_over_tls_only(http: Http, papers: Papers, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="https"):
        opened(http, monkeypatch, "http://localhost/in", certificate=f"file:{papers.client}")
