"""The web server over sockets, without a proxy: limits for each client, and shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from asgi import Answer, send
from served import Served, served
from starlette.types import Message, Receive, Scope, Send
from waiting import PATIENCE, until

from config.settings import WebSettings
from pipeline.errors import ConfigError
from pipeline.web.app import create_app
from pipeline.web.clients import client_of
from pipeline.web.middleware import Interrupted
from workers.serving import Limits, Server, server_of
from workers.serving.connection import unmapped
from workers.web import limits_of

GET = b"GET /healthz HTTP/1.1\r\nHost: notes.example.org\r\n\r\n"
LIMITS = Limits(
    head_seconds=1.0,
    body_seconds=1.0,
    body_rate=1_000,
    body_bytes=300_000,
    write_seconds=1.0,
    connections=12,
    connections_of_client=8,
)
PATIENT = replace(LIMITS, head_seconds=PATIENCE, body_seconds=PATIENCE, write_seconds=PATIENCE)
POLL = b"GET /partners/reader/changes?wait=60 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer reader\r\n\r\n"


class Web:
    """The site behind a listening socket."""

    def __init__(self, site: Served, server: Server, listener: socket.socket) -> None:
        self.site, self.server = site, server
        self.address = ("127.0.0.1", int(listener.getsockname()[1]))
        self.thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        return socket.create_connection(self.address, timeout=PATIENCE, source_address=(source, 0))

    def ask(self, request: bytes, source: str = "127.0.0.1") -> bytes:
        """Return all that the server sends until it closes the connection or the answer is complete."""
        with self.connect(source) as client:
            client.sendall(request)
            return answer(client)


def answer(client: socket.socket) -> bytes:
    """Read an answer with a Content-Length, or until the end."""
    got = b""
    while True:
        head, end, body = got.partition(b"\r\n\r\n")
        if end:
            length = next(
                int(v) for n, _, v in (f.partition(b":") for f in head.lower().split(b"\r\n")) if n == b"content-length"
            )
            if len(body) >= length:
                return got
        try:
            more = client.recv(65_536)
        except ConnectionResetError:
            return got
        if not more:
            return got
        got += more


@contextlib.contextmanager
def serving(site: Served, limits: Limits = LIMITS) -> Iterator[Web]:
    listener = socket.create_server(("127.0.0.1", 0))
    web = Web(site, server_of(site.app, limits=limits, stop=site.app.state.stop), listener)
    web.thread.start()
    try:
        yield web
    finally:
        web.server.should_exit = True
        web.thread.join(PATIENCE)
        assert not web.thread.is_alive()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("site"), formats={"ninjs", "json-ld"}) as site:
        yield site


@pytest.fixture(scope="module")
def web(site: Served) -> Iterator[Web]:
    """The site behind a server that leaves its clients time."""
    with serving(site, PATIENT) as web:
        yield web


@pytest.fixture(scope="module")
def hasty(site: Served) -> Iterator[Web]:
    """The site behind a server that does not."""
    with serving(site) as web:
        yield web


@pytest.fixture
def alone(site: Served) -> Iterator[Web]:
    """As `web`, for one test, whose connections are all that there are."""
    with serving(site, PATIENT) as web:
        yield web


def write_until_cut_off(client: socket.socket) -> None:
    """Write without end: the server, which has stopped reading, resets the connection."""
    give_up = time.monotonic() + PATIENCE
    with pytest.raises(ConnectionError):
        while time.monotonic() < give_up:
            client.sendall(b"y" * 10_000)
            time.sleep(0.005)


def problem(got: bytes) -> tuple[int, str]:
    """The status and code of a problem."""
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, got
    return int(head.split()[1]), body.split(b'"code":')[1].split(b'"')[1].decode()


def of(head: bytes, body: bytes = b"") -> bytes:
    return head.replace(b"\n", b"\r\n") + b"\r\n" + body


# --- heads ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [b"X: y\r\n" * 101, b"X: " + b"y" * 33_000 + b"\r\n", b"X" * 33_000 + b": y\r\n", b"X: " + b"y" * 400 + b"\r\n"],
    ids=["many", "a long value", "a long name", "few"],
)
def test_a_head_has_a_limit(web: Web, fields: bytes) -> None:
    got = web.ask(GET[:-2] + fields + b"\r\n")
    if len(fields) < 1_000 and b"y" * 400 in fields:
        assert got.startswith(b"HTTP/1.1 200")
    else:
        assert problem(got) == (431, "headers-too-large")


def test_a_field_without_end_is_cut_off(web: Web) -> None:
    with web.connect() as client:
        client.sendall(GET[:-2] + b"X: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                client.sendall(b"y" * 1_000)
                time.sleep(0.002)
        assert b"431" in answer(client)


def test_fields_after_the_body_join_none_that_were_read(web: Web) -> None:
    head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 401 " in web.ask(head + b"1\r\nx\r\n0\r\nAuthorization: Bearer cms\r\n\r\n")


def test_a_field_without_end_after_the_body_is_cut_off(hasty: Web) -> None:
    with hasty.connect() as client:
        client.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ")
        until(lambda: any(connection.cycle for connection in list(hasty.server.server_state.connections)))
        write_until_cut_off(client)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX:"], ids=["nothing", "half a head"])
def test_a_head_has_a_time(hasty: Web, sent: bytes) -> None:
    with hasty.connect() as client:
        client.sendall(sent)
        got = answer(client)
    assert problem(got) == (408, "request-too-slow") if sent else got == b""


@pytest.mark.parametrize(
    "request_",
    [
        of(b"GET /healthz HTTP/1.1\n"),
        of(b"GET /healthz HTTP/1.1\nHost: a.example\nHost: b.example\n"),
        of(b"GET /healthz HTTP/1.0\n"),
        of(b"GET /healthz HTTP/1.1\nHost: x\nContent-Length: 5\nTransfer-Encoding: chunked\n", b"0\r\n\r\n"),
        of(b"GET /healthz HTTP/1.1\nHost: x\nContent-Length: 5\nContent-Length: 6\n", b"abcdef"),
        of(b"GET /healthz HTTP/1.1\nHost: x\nX\x00: y\n"),
        of(b"GET /healthz HTTP/3.7\nHost: x\n"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(60),
    ],
    ids=["no Host", "two Hosts", "no Host in 1.0", "two lengths", "other lengths", "NUL", "HTTP/3.7", "TLS"],
)
def test_a_request_that_can_be_read_in_two_ways_is_400(web: Web, request_: bytes) -> None:
    assert problem(web.ask(request_))[0] == 400


def test_the_host_that_a_client_names_is_in_no_answer(web: Web) -> None:
    for path in (b"/feeds/", b"/articles/x/", b"/v1/events/?token=secret", b"/hub/", b"/feeds/latest.json/"):
        got = web.ask(of(b"GET " + path + b" HTTP/1.1\nHost: evil.example\nX-Forwarded-Host: evil.example\n"))
        assert got.split()[1] in {b"404", b"405"}, path
        assert b"evil.example" not in got
        assert b"location" not in got.lower()


# --- bodies -----------------------------------------------------------------------------------------------------------

POST = b"POST /hub HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize("size", [40_000, 200_000])
def test_a_body_may_arrive_in_one_piece_with_its_head(web: Web, size: int) -> None:
    """As a proxy sends it that has read the whole request."""
    fields = b"Host: x\r\nAuthorization: Bearer cms\r\nContent-Type: application/cloudevents+json\r\n"
    got = web.ask(b"POST /v1/events HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (fields, size) + b"y" * size)
    assert problem(got) == (422, "invalid-json")


def test_requests_in_one_piece_are_measured_one_by_one(web: Web) -> None:
    with web.connect() as client:
        client.sendall((GET[:-2] + b"X: " + b"y" * 8_000 + b"\r\n\r\n") * 5)
        got = b""
        while got.count(b" 200 OK") < 5 and (more := client.recv(65_536)):
            got += more
    assert got.count(b" 200 OK") == 5


def test_a_body_has_a_time(hasty: Web) -> None:
    assert problem(hasty.ask(POST + b"Content-Length: 1000\r\n\r\nhub.mode=s")) == (408, "request-too-slow")


def test_a_body_that_drips_is_cut_off_and_one_that_flows_is_not(hasty: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """In 1.5 seconds: 30 bytes are too few, 1,500 are as many as must arrive."""
    clock = [time.monotonic()]
    for module in ("connection", "server"):
        monkeypatch.setattr(f"workers.serving.{module}.now", lambda: clock[0])
    form = b"hub.mode=subscribe&x=" + b"y" * 3_000
    with hasty.connect() as drips, hasty.connect() as flows:
        for client in (drips, flows):
            client.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(form))
        for number in range(30):
            with contextlib.suppress(ConnectionError):
                drips.sendall(form[number : number + 1])
            flows.sendall(form[number * 100 : number * 100 + 100])
            until(lambda number=number: number * 100 + 100 in bodies(hasty))
            clock[0] += 0.05
        flows.sendall(form[3_000:])
        assert b" 400 " in answer(flows)
        assert problem(answer(drips)) == (408, "request-too-slow")


def bodies(web: Web) -> list[int]:
    """How many bytes of a body each connection has brought."""
    return [connection.body_bytes for connection in list(web.server.server_state.connections)]


def test_what_follows_a_refusal_is_not_read_for_ever(hasty: Web) -> None:
    with hasty.connect() as client:
        client.sendall(b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        assert b" 413 " in answer(client)
        write_until_cut_off(client)


# --- connections ------------------------------------------------------------------------------------------------------


def test_one_client_has_so_many_connections_and_others_have_theirs(alone: Web) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(LIMITS.connections_of_client):
            stack.enter_context(alone.connect("127.0.0.2"))
        until(lambda: alone.server.server_state.of_client["127.0.0.2"] == LIMITS.connections_of_client)
        assert problem(alone.ask(b"", "127.0.0.2")) == (429, "too-many-connections")
        assert b" 200 " in alone.ask(GET, "127.0.0.3")
    until(lambda: not alone.server.server_state.of_client)
    assert b" 200 " in alone.ask(GET, "127.0.0.2")


def test_all_clients_together_have_so_many_connections(alone: Web) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(LIMITS.connections):
            stack.enter_context(alone.connect(f"127.0.1.{number + 1}"))
        until(lambda: len(alone.server.server_state.connections) == LIMITS.connections)
        assert problem(alone.ask(b"", "127.0.2.1")) == (503, "too-busy")
    until(lambda: not alone.server.server_state.connections)


def test_requests_that_do_not_wait_for_answers_are_few(web: Web) -> None:
    assert b"200" in web.ask(GET * 3)
    with web.connect() as client:
        client.sendall(GET * 1_000)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while more := client.recv(65_536):
                got += more
    assert got.count(b"HTTP/1.1 200") <= LIMITS.queued + 1


def test_a_client_that_takes_no_answer_is_cut_off(hasty: Web) -> None:
    with hasty.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with contextlib.suppress(ConnectionError, TimeoutError):
            client.settimeout(0.5)
            for _ in range(20_000):
                client.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: not hasty.server.server_state.connections)


# --- clients ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unix:", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_client_is_an_address_or_a_64(host: str, client: str) -> None:
    assert client_of(host) == client


def forwarded(site: Served, limits: Limits, listener: socket.socket | None = None) -> list[str]:
    """The clients that the application sees in requests which say that they are of 192.0.2.7, by way of a stranger."""
    seen: list[str] = []

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] == "http":
            seen.append(scope["client"][0])
        await site.app(scope, receive, send)

    listener = listener or socket.create_server(("127.0.0.1", 0))
    web = Web(site, server_of(app, limits=limits, stop=lambda: None), listener)
    web.thread.start()
    try:
        web.ask(GET[:-2] + b"X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n\r\n")
    finally:
        web.server.should_exit = True
        web.thread.join(PATIENCE)
    return seen


def test_the_word_of_a_proxy_counts_only_where_it_is_trusted(site: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # uvicorn's own setting is not one of ours
    assert forwarded(site, PATIENT) == ["127.0.0.1"]
    assert forwarded(site, Limits(trusted_proxies=[ip_network("127.0.0.0/8")])) == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (("::ffff:192.0.2.1", 1), ("192.0.2.1", 1)),
        (("192.0.2.1", 1), ("192.0.2.1", 1)),
        (("2001:db8::1", 1), ("2001:db8::1", 1)),
        (("fe80::1%eth0", 1), ("fe80::1%eth0", 1)),
        (None, None),
    ],
)
def test_a_peer_of_ipv4_is_known_by_its_own_address(
    peer: tuple[str, int] | None, client: tuple[str, int] | None
) -> None:
    assert unmapped(peer) == client


def test_a_proxy_that_a_socket_of_ipv6_shows_is_trusted_by_its_own_network(site: Served) -> None:
    listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    assert forwarded(site, Limits(trusted_proxies=[ip_network("127.0.0.0/8")]), listener) == ["192.0.2.7"]


def test_a_process_that_may_open_few_files_takes_fewer_connections_or_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    allowed = [160, 160]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(allowed))
    assert limits_of(WebSettings()).connections == 10
    for few in (150, 0):
        allowed[:] = [few, few]
        with pytest.raises(ConfigError, match=f"may open {few} files, and needs 150") as raised:
            limits_of(WebSettings())
        assert raised.value.code == "too-few-files"


# --- the end ----------------------------------------------------------------------------------------------------------


def test_at_its_end_the_server_answers_all_who_wait(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with served(tmp_path, formats={"ninjs", "json-ld"}) as site, contextlib.ExitStack() as stack:
        with serving(site, Limits()) as web:
            polls = [stack.enter_context(web.connect()) for _ in range(3)]
            for poll in polls:
                poll.sendall(POLL)
            half = stack.enter_context(web.connect())
            half.sendall(POST + b"Content-Length: 1000\r\n\r\nhub.mode=s")
            stack.enter_context(web.connect())  # says nothing
            until(lambda: len(web.server.server_state.tasks) == 4)
            until(lambda: len(web.server.server_state.connections) == 5)
        for poll in polls:
            assert answer(poll).startswith(b"HTTP/1.1 200 ")
        said = answer(half)
    assert problem(said) == (503, "stopping")
    assert b"retry-after: 5" in said
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_request_that_is_cancelled_at_the_end_is_told_to_come_again(site: Served) -> None:
    answered: list[Answer] = []
    waiting = threading.Event()

    async def cancelled() -> None:
        app = create_app(site.context, alive=list, disk=lambda: waiting.wait() and None)
        asked = asyncio.create_task(send(app, "GET", "/readyz"))
        await asyncio.sleep(0)
        asked.cancel()
        answered.append(await asked)

    asyncio.run(cancelled())
    waiting.set()
    assert (answered[0].status, answered[0].code, answered[0].headers["retry-after"]) == (503, "stopping", "5")


def test_an_answer_that_has_begun_when_it_is_cancelled_stays_without_its_end() -> None:
    """A client takes what it has for all there is, if it gets a second answer or the end of the first."""
    sent: list[str] = []

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    async def receive() -> Message:
        return {"type": "http.request"}

    async def noted(message: Message) -> None:
        sent.append(message["type"])

    async def cancelled() -> None:
        asked = asyncio.create_task(Interrupted(endless)({"type": "http"}, receive, noted))
        await asyncio.sleep(0)
        asked.cancel()
        await asked

    asyncio.run(cancelled())
    assert sent == ["http.response.start"]
