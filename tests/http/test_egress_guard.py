"""The guard on names: resolved once, checked, connected to what was checked."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.errors import PermanentError, TransientError
from pipeline.http import EgressGuard, Http, Limits
from standins.receiver import Receiver

LOCAL = EgressGuard([ipaddress.ip_network("127.0.0.0/8")])


class Names:
    """Answers for the resolver, one after the other; the last one for ever."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked = 0
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in answer]
        return [
            (family, socket.SOCK_STREAM, 6, "", (address, port))
            for family, address in zip(families, answer, strict=True)
        ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "::1", "0.0.0.0"])
def test_this_machine_is_refused_however_it_is_spelt(host: str) -> None:
    with pytest.raises(PermanentError) as raised:
        EgressGuard().resolve(host, 80)
    assert raised.value.code == "egress-refused"


def test_a_name_keeps_its_public_addresses_and_loses_its_private_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    Names(monkeypatch, ["10.0.0.1", "1.1.1.1", "::1"])
    assert [str(one.address) for one in EgressGuard().resolve("mixed.example", 443)] == ["1.1.1.1"]


def test_a_name_that_is_not_known_may_be_known_later() -> None:
    with pytest.raises(TransientError) as raised:
        EgressGuard().resolve("nobody.invalid", 80)
    assert raised.value.code == "name-not-resolved"


@pytest.mark.parametrize("host", ["a" * 64 + ".example", ".example", "a..example"])
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(PermanentError) as raised:
        EgressGuard().resolve(host, 80)
    assert raised.value.code == "invalid-url"


def test_a_resolver_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [] if never.wait() else None)
    with pytest.raises(TransientError) as raised:
        EgressGuard().resolve("slow.example", 80, timeout=0.01)
    assert raised.value.code == "timeout"
    never.set()


def test_a_name_that_changes_its_answer_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver:
        names = Names(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
        port = receiver.url.rstrip("/").rsplit(":", 1)[1]
        response = Http(LOCAL).request("GET", f"http://rebinding.example:{port}/")
        assert (response.status, names.asked) == (204, 1)
        assert receiver.received[0].headers["host"] == f"rebinding.example:{port}"


def test_an_address_that_does_not_answer_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as receiver, socket.socket() as nobody:
        nobody.bind(("127.0.0.2", 0))  # bound and not listening: refused at once
        port = int(receiver.url.rstrip("/").rsplit(":", 1)[1])
        Names(monkeypatch, ["127.0.0.2", "127.0.0.1"])
        LOCAL.connect("two.example", port).close()


def test_a_refused_connection_says_so_without_naming_more_than_host_and_port() -> None:
    with pytest.raises(TransientError, match=r"^127\.0\.0\.1 port 1: Connection refused$") as raised:
        LOCAL.connect("127.0.0.1", 1)
    assert raised.value.code == "connection-failed"


@pytest.mark.timeout(300)
def test_a_host_that_accepts_nothing_is_given_up_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:  # fill the backlog
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(TransientError) as raised:
            Http(LOCAL).request("GET", f"http://127.0.0.1:{full.getsockname()[1]}/", limits=Limits(connect=0.2))
        assert raised.value.code == "timeout"
        for one in waiting:
            one.close()
