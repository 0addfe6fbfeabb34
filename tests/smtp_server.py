"""A mail server: aiosmtpd with STARTTLS and logins, each recipient with answers of his own; and one that misbehaves."""

from __future__ import annotations

import contextlib
import email
import email.policy
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from listeners import accepted, hang_up

USER, PASSWORD = "citewire", "what only we know"


@dataclass(frozen=True)
class Mail:
    recipient: str
    message: EmailMessage
    raw: bytes
    encrypted: bool


@dataclass
class Mailbox:
    """What arrived, and who answers what: `rcpt` and `data` by recipient, "451 try later" for one."""

    mails: list[Mail] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    all_data: str | None = None

    def of(self, recipient: str) -> list[EmailMessage]:
        """Without copies, as a mail program shows them."""
        return list(
            {one.message["Message-ID"]: one.message for one in self.mails if one.recipient == recipient}.values()
        )

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        answer = self.all_data or self.data.get(recipient, "250 taken")
        if answer.startswith("250"):
            raw = cast("bytes", envelope.content)
            message = cast("EmailMessage", email.message_from_bytes(raw, policy=email.policy.default))
            self.mails.append(Mail(recipient, message, raw, session.ssl is not None))
        return answer


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
    fits = isinstance(login, LoginPassword) and login == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=False)


class _Server(Controller):
    def _trigger_server(self) -> None:
        """aiosmtpd wants to connect before it says that it is ready: to the port that it was given."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def mail_server(
    box: Mailbox, certificate: Path, *, login: bool = False, implicit: bool = False, plain: bool = False
) -> Iterator[int]:
    """Its port on 127.0.0.1. STARTTLS must come first, unless `plain`; TLS from the start with `implicit`."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    ways: dict[str, Any] = {}
    if implicit:
        ways["ssl_context"] = tls
    elif not plain:
        ways |= {"tls_context": tls, "require_starttls": True}
    if login:
        ways |= {"authenticator": _authenticate, "auth_required": True, "auth_require_tls": not implicit}
    controller = _Server(box, hostname="127.0.0.1", port=0, ready_timeout=60, **ways)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


Manner = Literal["hang", "drip", "cut", "garbage", "endless", "goodbye"]


class BadServer:
    """Takes connections on 127.0.0.1 and behaves in one `manner`."""

    def __init__(self) -> None:
        self.manner: Manner = "cut"
        self._stopping = threading.Event()

    def __enter__(self) -> BadServer:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        hang_up(self._listener)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def _serve(self) -> None:
        for connection in accepted(self._listener):
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            match self.manner:
                case "hang":
                    self._stopping.wait()
                case "drip":
                    while not self._stopping.wait(0.02):
                        connection.sendall(b"2")
                case "cut":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                case "garbage":
                    connection.sendall(b"\x16\x03\x01 this is not SMTP\r\n")
                    self._stopping.wait(1)
                case "endless":
                    while not self._stopping.is_set():
                        connection.sendall(b"220-and on and on\r\n" * 1000)
                case "goodbye":
                    connection.sendall(b"421 too many connections\r\n")
