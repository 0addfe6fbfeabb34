"""obstore reaches its store through the gateway, and nothing else."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest
from waiting import head_of, until

from pipeline.channels.object_store import CHANNEL, ObjectStoreChannel
from pipeline.channels.shared.settings import open_channel, read_settings
from pipeline.errors import PermanentError, TransientError
from pipeline.http import EgressGuard, Http
from pipeline.http.gateway import Gateway
from pipeline.store import RenditionStore, clouds

LOOPBACK = EgressGuard([ip_network("127.0.0.0/8")])


class Server:
    """Remembers what it was asked for. `redirect`: where it sends everybody."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.redirect: str | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.send_response(302 if outer.redirect else 200)
                if outer.redirect:
                    self.send_header("Location", outer.redirect)
                for name, value in (("Content-Length", "3"), ("ETag", '"x"')):
                    self.send_header(name, value)
                self.send_header("Last-Modified", "Sat, 28 Nov 2026 16:45:25 GMT")
                self.end_headers()
                self.wfile.write(b"abc")

            def log_message(self, *_: object) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever)

    def __enter__(self) -> Server:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def store() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Server]:
    with Server() as server:
        yield server


def channel(store: Server, monkeypatch: pytest.MonkeyPatch, guard: EgressGuard = LOOPBACK) -> ObjectStoreChannel:
    monkeypatch.setenv("KEY", "k")
    own = {
        "url": "s3://bucket",
        "endpoint": f"http://127.0.0.1:{store.port}",
        "access_key_id": "env:KEY",
        "secret_access_key": "env:KEY",
    }
    opened = open_channel(CHANNEL, read_settings(CHANNEL, own, prefix="a"), Http(guard), prefix="a")
    assert isinstance(opened, ObjectStoreChannel)
    return opened


def test_a_store_cannot_send_us_to_another_host(store: Server, other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    store.redirect = f"http://127.0.0.1:{other.port}/internal"
    with contextlib.closing(channel(store, monkeypatch)) as opened, pytest.raises(PermanentError):
        opened._objects.get("x")
    assert len(store.asked) == 1
    assert other.asked == []


def test_no_proxy_of_the_environment_is_used(store: Server, other: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
    with contextlib.closing(channel(store, monkeypatch)) as opened:
        assert opened._objects.get("x") == (b"abc", {"e_tag": '"x"'})
    assert (len(store.asked), other.asked) == (1, [])


def test_a_name_that_resolves_to_a_private_address_after_it_was_checked_is_not_reached(
    store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(channel(store, monkeypatch, EgressGuard())) as opened, pytest.raises(Exception) as failed:
        opened._objects.get("x")  # past `_start`, which checks first
    assert getattr(failed.value, "code", "").startswith(("store-", "try-"))
    assert store.asked == []


def asked_of(gateway: Gateway, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2]))) as client:
        client.sendall(request)
        return head_of(client)


@pytest.mark.parametrize("request_", [b"CONNECT 127.0.0.1:%d HTTP/1.1", b"GET http://127.0.0.1:%d/ HTTP/1.1"])
def test_nobody_else_can_use_the_gateway(store: Server, request_: bytes) -> None:
    with contextlib.closing(Gateway(LOOPBACK, None)) as gateway:
        for word in (b"", b"Proxy-Authorization: Basic Y2l0ZXdpcmU6Z3Vlc3NlZA==\r\n"):
            answer = asked_of(gateway, request_ % store.port + b"\r\n" + word + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 403 ")
    assert store.asked == []


def test_a_request_that_cannot_be_read_ends_without_an_answer(store: Server) -> None:
    with contextlib.closing(Gateway(LOOPBACK, None)) as gateway:
        assert asked_of(gateway, b"\r\n\r\n").startswith(b"HTTP/1.1 403 ")
        assert asked_of(gateway, b"GET http://[::1/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 403 ")


def test_no_thread_waits_for_a_server_whose_client_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.http.gateway._LINGER", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, contextlib.closing(Gateway(LOOPBACK, None)) as gateway:
        word, _, address = gateway.url.removeprefix("http://").rpartition("@")
        before = set(threading.enumerate())
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as client:
            head = b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nProxy-Authorization: Basic %s\r\n\r\n"
            client.sendall(head % (silent.getsockname()[1], base64.b64encode(word.encode())))
            assert head_of(client).startswith(b"HTTP/1.1 200 ")
        kept, _ = silent.accept()
        with kept:  # a thread can be listed before it has started, and cannot be joined then
            until(lambda: before.issuperset(threading.enumerate()), what=lambda: str(threading.enumerate()))


# --- the rendition store --------------------------------------------------------------------------------------------


@pytest.fixture
def rendition_store(store: Server, monkeypatch: pytest.MonkeyPatch) -> RenditionStore:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{store.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(clouds, "_RETRIES", {"max_retries": 0})
    return RenditionStore.at("s3://bucket/renditions")


def test_the_rendition_store_cannot_send_us_to_another_host(
    store: Server, other: Server, rendition_store: RenditionStore
) -> None:
    """A redirect's answer would be taken for an article's bytes."""
    store.redirect = f"http://127.0.0.1:{other.port}/internal"
    with pytest.raises(TransientError):
        rendition_store.get_file("public/feeds/latest.atom")
    assert (len(store.asked), other.asked) == (1, [])


def test_the_rendition_store_is_asked_directly_whatever_proxy_the_environment_has(
    store: Server, other: Server, rendition_store: RenditionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
    found = RenditionStore.at("s3://bucket/renditions").get_file("public/feeds/latest.atom")
    assert found is not None and found[0] == b"abc"
    assert (len(store.asked), other.asked) == (1, [])


@pytest.mark.parametrize(
    ("target", "kind", "environment", "expected"),
    [
        (("s3.eu-west-1.amazonaws.com", 443), "s3", {}, True),
        (("bucket.s3.eu-west-1.amazonaws.com", 443), "s3", {}, True),
        (("s3.eu-west-1.amazonaws.com", 80), "s3", {}, False),
        (("amazonaws.com.evil.example", 443), "s3", {}, False),
        (("evilamazonaws.com", 443), "s3", {}, False),
        (("minio.internal", 9000), "s3", {"AWS_ENDPOINT_URL": "http://minio.internal:9000"}, True),
        (("bucket.minio.internal", 9000), "s3", {"AWS_ENDPOINT": "http://minio.internal:9000"}, True),
        (("minio.internal", 22), "s3", {"AWS_ENDPOINT_URL": "http://minio.internal:9000"}, False),
        (("169.254.169.254", 80), "s3", {}, True),
        (("169.254.169.254", 80), "s3", {"AWS_ACCESS_KEY_ID": "k"}, False),
        (("127.0.0.1", 5432), "gs", {}, False),
        (("storage.googleapis.com", 443), "gs", {}, True),
        (("account.blob.core.windows.net", 443), "az", {}, True),
    ],
)
def test_the_rendition_store_reaches_its_cloud_and_what_gives_it_credentials(
    target: tuple[str, int], kind: str, environment: dict[str, str], expected: bool
) -> None:
    assert (target in clouds.Hosts(kind, environment)) is expected
