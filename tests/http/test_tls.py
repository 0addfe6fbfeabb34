"""The way out over TLS: the name is verified although the socket goes to a checked address."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tls_listener import TlsListener, server_context

from pipeline.errors import TransientError
from pipeline.http import EgressGuard, Http, Limits
from pipeline.http.connection import usual_tls_context

GUARD = EgressGuard([ipaddress.ip_network("127.0.0.0/8")])

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for `localhost`, its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both


class Server(TlsListener):
    """Hands each connection to `talk`. `names`: what clients asked for (SNI)."""

    def __init__(self, certificate: Path, talk: Callable[[ssl.SSLSocket], None]) -> None:
        self.names: list[str | None] = []
        context = server_context(certificate)
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        super().__init__(context, talk)


def answering(connection: ssl.SSLSocket) -> None:
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


def dripping(connection: ssl.SSLSocket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


@pytest.fixture
def server(certificate: Path) -> Iterator[Server]:
    server = Server(certificate, answering)
    yield server
    server.close()


def test_the_name_is_verified_and_asked_for_and_the_connection_kept(server: Server, certificate: Path) -> None:
    http = Http(GUARD, ca_file=str(certificate))
    for _ in range(3):
        assert http.request("GET", f"https://localhost:{server.port}/").body == b"ok"
    http.close()
    assert server.names == ["localhost"]


def test_a_certificate_for_another_name_is_refused(server: Server, certificate: Path) -> None:
    http = Http(GUARD, ca_file=str(certificate))
    with pytest.raises(TransientError, match="IP address mismatch") as raised:
        http.request("GET", f"https://127.0.0.1:{server.port}/")
    assert raised.value.code == "tls-failed"


def test_a_certificate_of_an_unknown_authority_is_refused_whatever_the_environment_says(
    server: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(certificate))
    usual_tls_context.cache_clear()  # to be read in this environment
    with pytest.raises(TransientError, match="self-signed certificate") as raised:
        Http(GUARD).request("GET", f"https://localhost:{server.port}/")
    assert raised.value.code == "tls-failed"


def test_clients_that_trust_the_usual_authorities_read_them_once(certificate: Path) -> None:
    usual, another, own = Http(GUARD), Http(GUARD, contact_url="https://notes.example.org"), str(certificate)
    assert usual._tls is another._tls
    assert usual._tls is not Http(GUARD, ca_file=own)._tls is not Http(GUARD, ca_file=own)._tls


def test_a_drip_is_cut_at_the_whole_time(certificate: Path) -> None:
    server = Server(certificate, dripping)
    with pytest.raises(TransientError) as raised:
        Http(GUARD, ca_file=str(certificate)).request(
            "GET", f"https://localhost:{server.port}/", limits=Limits(total=0.3)
        )
    server.close()
    assert raised.value.code == "timeout"


def test_a_handshake_that_hangs_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TransientError) as raised:
        Http(GUARD).request("GET", f"https://localhost:{silent.getsockname()[1]}/", limits=Limits(total=0.3))
    assert raised.value.code == "timeout"


def test_a_peer_without_tls_is_no_secure_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.example ready\r\n" * 10)
                connection.recv(1000)

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(TransientError) as raised:
            Http(GUARD).request("GET", f"https://localhost:{server.getsockname()[1]}/")
    assert raised.value.code == "tls-failed"
