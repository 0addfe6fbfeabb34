"""The other end of an `email` channel: a mail server with STARTTLS, and a recipient's mailbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from channel_harness import Received, Trouble, Way
from endpoint_troubles import local_http
from made_keys import certificate
from smtp_server import BadServer, Mailbox, Manner, mail_server

from pipeline.errors import PermanentError, TransientError
from pipeline.model.delivery import Parcel
from pipeline.model.rendition import Rendition

READER = "reader@partner.example.org"


class EmailHarness:
    steps = frozenset({"_Bounded.sendall"})

    def __init__(self, box: Mailbox, port: int, bad: BadServer, trusted: Path) -> None:
        self.http = local_http()
        self._box = box
        self._port = port
        self._bad = bad
        self._trusted = trusted

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "host": "127.0.0.1",
            "port": self._port,
            "ca_file": str(self._trusted),
            "sender": "news@notes.example.org",
            "recipients": [READER],
            "total_timeout": 30,
        }

    @property
    def bad_settings(self) -> Sequence[tuple[Mapping[str, object], str]]:
        good: dict[str, Any] = {"host": "mail.example.org", "sender": "a@example.org", "recipients": ["b@example.org"]}
        return [
            ({key: value for key, value in good.items() if key != "host"}, "host"),
            ({**good, "host": "hush mail"}, "host"),
            ({key: value for key, value in good.items() if key != "recipients"}, "recipients"),
            ({**good, "recipients": []}, "recipients"),
            ({**good, "recipients": ["a@example.org\r\nBcc: hush@example.org"]}, "recipients.0"),
            ({**good, "sender": "hush"}, "sender"),
            ({**good, "sender_name": "Hush\r\nBcc: hush@example.org"}, "sender_name"),
            ({**good, "list_id": "hush>\r\n"}, "list_id"),
            ({**good, "unsubscribe": ["https://hush.example.org/>\r\nX: y"]}, "unsubscribe"),
            ({**good, "password": "hush", "username": "me"}, "password"),
            ({**good, "security": "hush"}, "security"),
            ({**good, "username": "me", "password": "env:NOT_SET"}, "password"),
            ({**good, "ca_file": "/not/there"}, "ca_file"),
            ({**good, "total_timeout": 41}, "total_timeout"),
        ]

    @property
    def troubles(self) -> Sequence[Trouble]:
        return [
            self._answer("550 no such topic", PermanentError, "refused", way="refusal"),
            self._answer("451 greylisted", TransientError, "try-later"),
            self._manner("hang", "timeout", "hang"),
            self._manner("drip", "timeout", "drip"),
            self._manner("cut", "connection-failed", "cut"),
            self._manner("garbage", "bad-response", "garbage"),
            self._manner("endless", "bad-response", "garbage"),
            self._manner("goodbye", "try-later", "other"),
            Trouble("in a private network", PermanentError, "egress-refused", settings=self._other(host="10.0.0.1")),
        ]

    def _answer(self, answer: str, raises: type[Any], code: str, way: Way = "other") -> Trouble:
        def begin(reply: str | None = answer) -> None:
            self._box.all_data = reply

        return Trouble(answer, raises, code, begin=begin, end=lambda: begin(None), way=way)

    def _manner(self, manner: Manner, code: str, way: Way) -> Trouble:
        def begin() -> None:
            self._bad.manner = manner

        settings = self._other(port=self._bad.port, total_timeout=0.3 if code == "timeout" else 30)
        return Trouble(manner, TransientError, code, begin=begin, settings=settings, way=way)

    def _other(self, **changed: object) -> Mapping[str, object]:
        return {**self.settings, **changed}

    def shaped(self, one: Parcel) -> Parcel:
        """Not so long that composing mails takes most of the time."""
        return saying(one, one.rendition.body[:6000].rpartition(b"<p>")[0].decode() or " ")

    def expected(self, one: Parcel) -> Received:
        return Received(one.revision, one.event, _words(re.sub(rb"<[^>]*>", b" ", one.rendition.body).decode()))

    def received(self, article_id: str) -> Received | None:
        of = [one for one in self._box.of(READER) if one["Citewire-Article"] == article_id]
        if not of:
            return None
        text = of[-1].get_body(("plain",))
        assert text is not None
        return Received(int(of[-1]["Citewire-Revision"]), of[-1]["Citewire-Event"], _words(text.get_content()))

    def touched(self) -> int:
        return len(self._box.mails)


def saying(one: Parcel, html: str) -> Parcel:
    """The parcel with what mail asks for, in the least form."""
    text = re.sub(r"<[^<>]*>", " ", html).strip()
    item = {} if one.event == "withdrawn" else {"content_html": html}
    also = {
        "json-feed": Rendition("json-feed", "application/feed+json", json.dumps({"items": [item]}).encode()),
        "plain-text": Rendition("plain-text", "text/plain", text.encode()),
    }
    return replace(one, rendition=replace(one.rendition, body=html.encode()), also=also)


def _words(text: str) -> bytes:
    return " ".join(text.split()).encode()


@contextmanager
def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmailHarness]:
    box, trusted = Mailbox(), certificate(folder)
    with mail_server(box, trusted) as port, BadServer() as bad:
        harness = EmailHarness(box, port, bad, trusted)
        yield harness
        harness.http.close()
