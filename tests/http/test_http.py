"""The way out against a real server that does what real servers do."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port

from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import EgressGuard, Http, Limits
from pipeline.http.connection import CA_FILE, Gate, GuardedPools, tls_context
from standins.receiver import Conduct, Receiver

HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]), contact_url="https://notes.example.org")
SECRET = "hush-" * 3  # put together here, so that a traceback's source lines do not show it
SHORT = Limits(connect=2, read=2, total=0.3, max_bytes=1_000_000)  # where the time is what ends it
LONG = Limits(connect=60, read=60, total=60, max_bytes=1_000_000)

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
    HTTP.close()


def failure(receiver: Receiver, conduct: Conduct, limits: Limits = LONG) -> CitewireError:
    receiver.conduct(conduct)
    with pytest.raises(CitewireError) as raised:
        HTTP.request("POST", f"{receiver.url}in?token=hush", body=b"{}", limits=limits)
    return raised.value


def test_a_request_arrives_as_it_was_given(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=201, headers={"X-Seen": "yes"}, body="taken"))
    response = HTTP.request("POST", f"{receiver.url}in?a=b", headers={"X-Ours": "1"}, body=b"\x00\xff")
    assert (response.status, response.headers["x-seen"], response.body) == (201, "yes", b"taken")
    (got,) = receiver.received
    assert (got.method, got.path, got.body, got.headers["x-ours"]) == ("POST", "/in?a=b", b"\x00\xff", "1")
    assert got.headers["user-agent"] == "citewire/0.1 (+https://notes.example.org)"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how many packets came")
@pytest.mark.parametrize(("size", "least", "most"), [(0, 1, 1), (10, 1, 1), (20_000, 1, 1), (1_000_000, 2, 1_000)])
def test_headers_and_a_small_body_are_one_packet(size: int, least: int, most: int) -> None:
    body, packets = b"x" * size, []

    def serve(server: socket.socket) -> None:
        one, _ = server.accept()
        with one:
            head, got = b"", b""
            while b"\r\n\r\n" not in head:
                head += one.recv(65_536)
            got = head.partition(b"\r\n\r\n")[2]
            while len(got) < size:
                got += one.recv(65_536)
            information = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            packets.append(struct.unpack_from("=I", information, 152)[0])  # tcpi_data_segs_in
            assert got == body
            one.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        answer = HTTP.request("POST", f"http://127.0.0.1:{server.getsockname()[1]}/", body=body, limits=LONG)
        thread.join()
    HTTP.close()
    assert answer.status == 204
    assert least <= packets[0] <= most


def test_a_body_that_comes_in_pieces_is_not_held_back_until_its_end() -> None:
    """None of ours does, but urllib3 would send it chunk by chunk."""
    arrived = threading.Event()

    def serve(server: socket.socket) -> None:
        one, _ = server.accept()
        with one:
            got = one.recv(65_536)
            arrived.set()
            while not got.endswith(b"0\r\n\r\n"):
                got += one.recv(65_536)
            one.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def pieces() -> Iterator[bytes]:
        yield from (b"x" * 60_000 for _ in range(3))
        assert arrived.wait(60)
        yield b"the end"

    gate = Gate(HTTP.guard)
    gate.connect, gate.read, gate.deadline = 60.0, 60.0, time.monotonic() + 60
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        pool = GuardedPools(gate, tls_context(CA_FILE)).connection_from_host(*server.getsockname()[:2], "http")
        answer = pool.urlopen("POST", "/", body=pieces())
        pool.close()
        thread.join()
    assert answer.status == 204


def test_a_header_of_the_caller_replaces_ours_in_any_case(receiver: Receiver) -> None:
    HTTP.request("GET", receiver.url, headers={"accept-ENCODING": "client_certificate"})
    assert receiver.received[0].headers["accept-encoding"] == "client_certificate"


@pytest.mark.parametrize("mode", ["hang", "drip-head", "drip-body"])
def test_a_peer_that_never_ends_is_cut_at_the_whole_time(receiver: Receiver, mode: str) -> None:
    error = failure(receiver, Conduct(mode=mode, seconds=0.02), SHORT)  # type: ignore[arg-type]
    assert isinstance(error, TransientError)
    assert error.code == "timeout"


def test_a_peer_that_never_begins_is_cut_at_the_read_time(receiver: Receiver) -> None:
    assert failure(receiver, Conduct(mode="hang"), Limits(read=0.1, total=60)).code == "timeout"


@pytest.mark.parametrize(
    ("mode", "code"), [("cut", "connection-failed"), ("cut-body", "connection-failed"), ("garbage", "bad-response")]
)
def test_a_broken_answer_may_be_whole_another_time(receiver: Receiver, mode: str, code: str) -> None:
    error = failure(receiver, Conduct(mode=mode))  # type: ignore[arg-type]
    assert isinstance(error, TransientError)
    assert error.code == code


@pytest.mark.parametrize("mode", ["endless", "bomb"])
def test_a_body_is_measured_unpacked_and_refused_beyond_its_limit(receiver: Receiver, mode: str) -> None:
    error = failure(receiver, Conduct(mode=mode), Limits(max_bytes=100_000))  # type: ignore[arg-type]
    assert isinstance(error, PermanentError)
    assert error.code == "response-too-large"


@pytest.mark.parametrize("mode", ["endless", "bomb"])
def test_who_wants_only_the_status_gets_the_start_of_a_large_body(receiver: Receiver, mode: str) -> None:
    receiver.conduct(Conduct(mode=mode))  # type: ignore[arg-type]
    response = HTTP.request("GET", receiver.url, limits=Limits(max_bytes=100_000, truncate=True))
    assert (response.status, len(response.body), response.truncated) == (200, 100_000, True)


def test_a_body_of_exactly_the_limit_is_whole(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=200, body="x" * 1000))
    response = HTTP.request("GET", receiver.url, limits=Limits(max_bytes=1000))
    assert (len(response.body), response.truncated) == (1000, False)


def test_a_body_that_is_not_what_its_encoding_says_is_a_bad_answer(receiver: Receiver) -> None:
    assert (
        failure(receiver, Conduct(status=200, headers={"content-encoding": "gzip"}, body="no")).code == "bad-response"
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.conduct(Conduct(status=status, headers={"location": f"{receiver.url}elsewhere"}, body="x", path="/in"))
    assert HTTP.request("GET", f"{receiver.url}in").status == status
    assert [one.path for one in receiver.received] == ["/in"]


def test_a_failure_is_never_sent_again_by_itself(receiver: Receiver) -> None:
    failure(receiver, Conduct(mode="cut"))
    assert len(receiver.received) == 1


def test_one_connection_serves_many_requests(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=200, body="x" * 50_000))
    for _ in range(5):
        HTTP.request("POST", receiver.url, body=b"{}")
    assert receiver.connections == 1


def test_a_connection_that_the_peer_closed_in_between_is_replaced() -> None:
    port = free_port()
    with Receiver(port=port) as first:
        url = first.url
        HTTP.request("GET", url)
    with Receiver(port=port) as second:
        assert HTTP.request("POST", url, body=b"{}").status == 204
        assert len(second.received) == 1


def test_a_connection_is_not_used_after_a_failure(receiver: Receiver) -> None:
    failure(receiver, Conduct(mode="endless", times=1), Limits(max_bytes=100_000))
    assert HTTP.request("POST", receiver.url, body=b"{}").status == 204
    assert receiver.connections == 2


def test_each_thread_has_its_own_connection(receiver: Receiver) -> None:
    receiver.conduct(Conduct(seconds=0.05))
    threads = [threading.Thread(target=HTTP.request, args=("GET", receiver.url)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(receiver.received), receiver.connections) == (3, 3)


def test_a_forked_process_makes_its_own_connection_and_leaves_its_parents_alone(receiver: Receiver) -> None:
    HTTP.request("GET", receiver.url)
    child = os.fork()
    if child == 0:
        os._exit(0 if HTTP.request("GET", f"{receiver.url}child").status == 204 else 1)
    assert os.waitpid(child, 0)[1] == 0
    HTTP.request("GET", receiver.url)
    assert (len(receiver.received), receiver.connections) == (3, 2)


def test_no_cookie_is_kept(receiver: Receiver) -> None:
    receiver.conduct(Conduct(status=200, headers={"set-cookie": "a=b; Path=/"}))
    for _ in range(2):
        HTTP.request("GET", receiver.url)
    assert "cookie" not in receiver.received[1].headers


def test_proxies_and_passwords_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password hush\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fresh = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    assert fresh.request("GET", receiver.url).status == 204
    assert "authorization" not in receiver.received[0].headers
    fresh.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "//example.org/",
        "example.org",
        "",
        "http://",
        "http:///path",
        "http://user@example.org/",
        "http://user:hush@example.org/",
        "http://example.org:99999/",
        "http://example.org:port/",
        "http://[::1/",
        "http://exa mple.org/",
        "http://example.org/a b",
        "http://example.org/\r\nx: y",
        "http://example.org\\@127.0.0.1/",
        "http://\u2024.example.org./\u200b",
        "http://*.example.org/",
    ],
)
def test_an_address_that_is_not_plainly_http_is_refused(url: str) -> None:
    with pytest.raises(PermanentError) as raised:
        HTTP.request("GET", url)
    assert raised.value.code == "invalid-url"
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "headers", [{"x": "a\r\nb: c"}, {"x\r\ny": "a"}, {"x": "a\nb"}, {"x": "\u20ac"}, {"x y": "a"}, {"": "a"}]
)
def test_a_header_that_would_become_two_is_refused(receiver: Receiver, headers: dict[str, str]) -> None:
    with pytest.raises(PermanentError) as raised:
        HTTP.request("GET", receiver.url, headers=headers)
    assert raised.value.code == "invalid-request"
    assert receiver.received == []


def test_a_private_address_is_refused_before_anything_is_sent(receiver: Receiver) -> None:
    with pytest.raises(PermanentError) as raised:
        Http(EgressGuard()).request("POST", receiver.url, body=b"{}")
    assert raised.value.code == "egress-refused"
    assert receiver.connections == 0


@pytest.mark.parametrize("mode", ["hang", "cut", "garbage", "cut-body", "endless", "drip-body"])
def test_no_secret_stands_in_an_error_its_causes_or_the_log(
    receiver: Receiver, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.conduct(Conduct(mode=mode, seconds=0.02))  # type: ignore[arg-type]
    with pytest.raises(CitewireError) as raised:
        HTTP.request(
            "POST",
            f"{receiver.url}hooks/{SECRET}?token={SECRET}",
            headers={"authorization": f"Bearer {SECRET}"},
            limits=SHORT,
        )
    assert SECRET not in "".join(traceback.format_exception(raised.value)) + caplog.text


def test_a_refused_connection_keeps_the_secret_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(TransientError) as raised:
        HTTP.request("GET", f"http://127.0.0.1:1/in?token={SECRET}")
    assert SECRET not in "".join(traceback.format_exception(raised.value)) + caplog.text


def test_a_slow_reader_is_cut_too(receiver: Receiver) -> None:
    """The other end reads the first bytes of a large request and then stops reading."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        with pytest.raises(TransientError) as raised:
            HTTP.request("POST", url, body=bytes(50_000_000), limits=SHORT)
    assert raised.value.code == "timeout"


def test_the_receiver_is_told_over_http_what_to_do(receiver: Receiver) -> None:
    def control(**conduct: object) -> int:
        return HTTP.request("POST", f"{receiver.url}control", body=json.dumps(conduct).encode()).status

    assert control(mode="status", status=503, times=1, path="/a") == 200
    statuses = [HTTP.request("POST", f"{receiver.url}{path}", body=b"").status for path in ("b", "a", "a")]
    assert statuses == [204, 503, 204]
    assert control(nonsense=1) == 400
    assert control(status=410) == 200
    assert HTTP.request("GET", receiver.url).status == 410
    assert control() == 200
    assert HTTP.request("GET", receiver.url).status == 204
    records = HTTP.request("GET", f"{receiver.url}received?after=3").body.splitlines()
    assert [json.loads(record)["answered"] for record in records] == [410, 204]
