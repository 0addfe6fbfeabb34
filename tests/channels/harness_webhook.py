"""The other end of a `webhook` channel: a receiver that keeps what came with a right signature."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from channel_harness import Received, Trouble, Way

from pipeline.channels.webhook.signing import new_secret
from pipeline.errors import EndpointGone, PermanentError, TransientError
from pipeline.http import EgressGuard, Http
from standins.receiver import Conduct, Receiver


class WebhookHarness:
    def __init__(self, receiver: Receiver) -> None:
        self.http = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
        self._receiver = receiver

    @property
    def settings(self) -> Mapping[str, object]:
        return {"url": f"{self._receiver.url}in", "secret": "env:CONTRACT_SECRET", "total_timeout": 30}

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        good = {"url": "https://partner.example.org/in", "secret": "env:CONTRACT_SECRET"}
        return [
            ({"secret": "env:CONTRACT_SECRET"}, "url"),
            ({"url": good["url"]}, "secret"),
            ({**good, "url": "ftp://partner.example.org/"}, "url"),
            ({**good, "url": "https://me:hush@partner.example.org/"}, "url"),
            ({**good, "secret": "whsec_aHVzaA=="}, "secret"),
            ({**good, "secret": []}, "secret"),
            ({**good, "secret": ["env:A", "env:B", "env:C"]}, "secret"),
            ({**good, "bearer": "hush"}, "bearer"),
            ({**good, "basic": {"username": "me", "password": "hush"}}, "basic.password"),
            ({**good, "headers": {"webhook-id": "1"}}, "headers"),
            ({**good, "headers": {"x-api-key": "hush"}}, "headers"),
            ({**good, "headers": {"x": "a\r\nb: c"}}, "headers"),
            ({**good, "gzip": "perhaps"}, "gzip"),
            ({**good, "tls": {"certificate": "hush"}}, "tls.certificate"),
            ({**good, "tls": {"certificate": "env:PEM"}}, "tls.certificate"),
            ({**good, "tls": {"certificate": "file:/x", "key": "env:PEM"}}, "tls.key"),
            ({**good, "tls": {"certificate": "file:/nowhere/at/all"}}, "tls"),
            ({**good, "total_timeout": 0}, "total_timeout"),
            ({**good, "uri": "x"}, "uri"),
            ({**good, "secret": "env:NOT_SET"}, "secret"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        private = {**self.settings, "url": "http://10.0.0.1/in"}
        return [
            self._trouble("unavailable", TransientError, "try-later", status=503),
            self._trouble("too much", TransientError, "try-later", 7, status=429, headers={"retry-after": "7"}),
            self._trouble("refused", PermanentError, "refused", status=422, body="no such topic"),
            self._trouble("gone", EndpointGone, "endpoint-gone", status=410),
            self._trouble("redirected", PermanentError, "redirected", status=302, headers={"location": "/elsewhere"}),
            self._trouble("hanging", TransientError, "timeout", mode="hang"),
            self._trouble("dripping a head", TransientError, "timeout", mode="drip-head", seconds=0.02),
            self._trouble("dripping a body", TransientError, "timeout", mode="drip-body", seconds=0.02),
            self._trouble("cut", TransientError, "connection-failed", mode="cut"),
            self._trouble("cut in the answer", TransientError, "connection-failed", mode="cut-body"),
            self._trouble("garbage", TransientError, "bad-response", mode="garbage"),
            Trouble("in a private network", PermanentError, "egress-refused", settings=private),
        ]

    def _trouble(
        self, name: str, raises: type[Any], code: str, retry_after: float | None = None, **conduct: Any
    ) -> Trouble:
        def begin() -> None:
            self._receiver.conduct(Conduct(path="/in", **conduct))

        ways = {"hang": "hang", "drip-head": "drip", "drip-body": "drip", "cut": "cut", "garbage": "garbage"}
        refused: Way = "refusal" if raises is PermanentError else "other"
        way = cast("Way", ways.get(conduct.get("mode", ""), refused))
        settings = {**self.settings, "total_timeout": 0.3} if way in ("hang", "drip") else None
        return Trouble(
            name, raises, code, retry_after, begin=begin, end=self._receiver.behave, settings=settings, way=way
        )

    def received(self, article_id: str) -> Received | None:
        seen: dict[str, Received] = {}
        for one in self._receiver.received:
            headers = one.headers
            if one.verified and one.answered == 204 and headers.get("citewire-article") == article_id:
                received = Received(int(headers["citewire-revision"]), headers["citewire-event"], one.body)
                seen.setdefault(headers["webhook-id"], received)  # a copy is dropped, as the specification says
        return list(seen.values())[-1] if seen else None

    def touched(self) -> int:
        return sum(one.method == "POST" for one in self._receiver.received)


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookHarness]:
    secret = new_secret()
    monkeypatch.setenv("CONTRACT_SECRET", secret)
    with Receiver(secrets=[secret]) as receiver:
        harness = WebhookHarness(receiver)
        yield harness
        harness.http.close()
