"""Outgoing SMTP: a session that goes through the egress guard and is bounded in time and size.

smtplib implements the protocol (RFC 5321). This module provides the socket, which the egress guard connects, which
checks the deadline of the delivery at every step, and which limits how much the server may send. It also translates
smtplib's errors.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline.channels.shared.deadline import Deadline
from pipeline.errors import CitewireError, ConfigError, PermanentError, TransientError
from pipeline.http import CA_FILE, EgressGuard
from pipeline.secret import SecretRef

Security = Literal["starttls", "tls", "none"]
_PORTS: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_MOST_RECEIVED = 1_000_000  # bytes that a server may send in a session
_EXCERPT = 200  # characters of a reply in a message
_CONNECT = 5.0  # seconds


@dataclass(frozen=True)
class Server:
    """A mail server. `login`: a user name and password, sent only over TLS."""

    host: str
    port: int
    security: Security
    tls: ssl.SSLContext
    helo: str  # our name in EHLO
    login: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"  # omits the password


class ServerSettings(Protocol):
    """How a site names its mail server."""

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int | None: ...  # None: the usual one, depending on `security`

    @property
    def security(self) -> Security: ...

    @property
    def ca_file(self) -> Path | None: ...

    @property
    def username(self) -> str | None: ...

    @property
    def password(self) -> SecretRef | None: ...


def server_of(settings: ServerSettings, *, helo: str, within: str = "") -> Server:
    """Return the server to connect to. Raises ConfigError; `within`: what the names of the settings begin with."""
    ca_file = str(settings.ca_file or CA_FILE)
    try:
        tls = tls_context(ca_file)
    except OSError as error:  # includes SSLError
        message = f"{ca_file} contains no readable certificates: {error.strerror or error}"
        raise ConfigError(message, key=f"{within}ca_file") from error
    login, key = None, f"{within}password"
    if settings.username is not None and settings.password is not None:
        login = (settings.username, settings.password.resolve(key))
        if not "".join(login).isascii():
            raise ConfigError("the user name and password of a mail server must be ASCII", key=key)
    return Server(
        host=settings.host,
        port=settings.port or _PORTS[settings.security],
        security=settings.security,
        tls=tls,
        helo=helo,
        login=login,
    )


class _Bounded(socket.socket):
    """A socket that checks the deadline at every step, so that a slow trickle of bytes cannot keep it open."""

    deadline: Deadline | None = None
    received = 0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._bound()
        count = super().recv_into(*args, **kwargs)
        self.received += count
        if self.received > _MOST_RECEIVED:
            raise TransientError("the mail server sent too much", code="bad-response")
        return count

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._bound()
        super().sendall(*args, **kwargs)

    def _bound(self) -> None:
        if self.deadline is not None:
            self.settimeout(self.deadline.left)


class _BoundedTLS(_Bounded, ssl.SSLSocket):
    """The same over TLS. `ssl` applies the socket's timeout to the handshake as a whole."""


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Return a context that verifies names and certificates against `ca_file` (PEM)."""
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _BoundedTLS
    return context


class _Smtp(smtplib.SMTP):
    def __init__(self, server: Server, guard: EgressGuard, deadline: Deadline) -> None:
        self._server = server
        self._guard = guard
        self._deadline = deadline
        # Without `local_hostname`, smtplib would look up a name, with no timeout. With `host`, it would connect here
        # and leak the socket on failure.
        super().__init__(local_hostname=server.helo, timeout=deadline.left)
        self._host = server.host  # the name that the certificate is verified for

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = self._guard.connect(host, port, timeout=min(_CONNECT, self._deadline.left), make=_Bounded)
        if self._server.security == "tls":
            sock = self._wrapped(sock)
        return self._with_deadline(sock)

    def secure(self) -> None:
        """Switch to TLS (STARTTLS, RFC 3207). smtplib discards what the server sent before."""
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("starttls"):
            raise PermanentError(
                f"{self._server.host} offers no STARTTLS (`security`: 'tls' for port 465, 'none' in your own network)",
                code="tls-not-offered",
            )
        self.starttls(context=self._server.tls)
        assert self.sock is not None
        self._with_deadline(self.sock)

    def _wrapped(self, sock: socket.socket) -> socket.socket:
        try:
            sock.settimeout(self._deadline.left)
            return self._server.tls.wrap_socket(sock, server_hostname=self._server.host)
        except BaseException:
            sock.close()
            raise

    def _with_deadline(self, sock: socket.socket) -> socket.socket:
        if isinstance(sock, _Bounded):
            sock.deadline = self._deadline
        return sock


class Session:
    """An open, secured and authenticated connection, made by `session`."""

    def __init__(self, smtp: _Smtp, server: Server) -> None:
        self._smtp = smtp
        self._server = server

    def send(self, sender: str, recipient: str, message: bytes) -> str:
        """Send a mail to one recipient and return the server's reply. Raises TransientError or PermanentError.

        The session is still usable after an error with a status other than 421.
        """
        with _translated_errors(self._server):
            try:
                self._expect(self._smtp.mail(sender), 250)
                self._expect(self._smtp.rcpt(recipient), 250, 251, 252)
                answer = self._smtp.data(message)
                self._expect(answer, 250)
            except smtplib.SMTPResponseException:
                with contextlib.suppress(smtplib.SMTPServerDisconnected):
                    self._smtp.rset()  # a clean state for the next recipient
                raise
        return _printable(answer[1])

    def idle(self) -> str:
        """Send NOOP, and return how the session is secured."""
        with _translated_errors(self._server):
            self._expect(self._smtp.noop(), 250)
        sock = self._smtp.sock
        version = sock.version() if isinstance(sock, ssl.SSLSocket) else None
        return f"{version or 'without TLS'}{', logged in' if self._server.login else ''}"

    @staticmethod
    def _expect(answer: tuple[int, bytes], *expected: int) -> None:
        if answer[0] not in expected:
            raise smtplib.SMTPResponseException(*answer)


@contextmanager
def session(server: Server, guard: EgressGuard, deadline: Deadline) -> Iterator[Session]:
    """Open a session: connect, secure, log in, and quit at the end.

    Raises TransientError and PermanentError: those of `EgressGuard.connect`, and `tls-failed`, `tls-not-offered`,
    `login-refused`, `try-later`, `refused`, `timeout`, `connection-failed`, `bad-response`.
    """
    smtp = _Smtp(server, guard, deadline)
    try:
        with _translated_errors(server):
            Session._expect(smtp.connect(server.host, server.port), 220)
            if server.security == "starttls":
                smtp.secure()
            smtp.ehlo_or_helo_if_needed()
            if server.login:
                smtp.login(*server.login)
        yield Session(smtp, server)
        with contextlib.suppress(smtplib.SMTPException, OSError, TransientError):
            smtp.quit()
    finally:
        smtp.close()


@contextmanager
def _translated_errors(server: Server) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _failure(error, server.host) from _without_secrets(error)


def _failure(error: Exception, host: str) -> CitewireError:
    match error:
        case smtplib.SMTPAuthenticationError() if error.smtp_code >= 500:
            return PermanentError(f"{host} refused the login: {_printable(error.smtp_error)}", code="login-refused")
        case smtplib.SMTPResponseException():
            return _reply_error(error.smtp_code, error.smtp_error, host)
        case ssl.SSLError():
            reason = getattr(error, "verify_message", None) or error.reason or "the handshake failed"
            return TransientError(f"{host}: no secure connection: {reason}", code="tls-failed")
        case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, TimeoutError):
            return TransientError(f"{host} did not answer in time", code="timeout")
        case smtplib.SMTPServerDisconnected():
            return TransientError(f"{host} closed the connection", code="connection-failed")
        case smtplib.SMTPException():
            return PermanentError(f"{host} offers no supported login method", code="login-refused")
        case TimeoutError():
            return TransientError(f"{host} did not answer in time", code="timeout")
        case OSError():
            detail = error.strerror or "it was closed"
            return TransientError(f"{host}: the connection failed: {detail}", code="connection-failed")
    return TransientError(f"{host} answered with what is not SMTP", code="bad-response")


def _reply_error(code: int, words: bytes | str, host: str) -> CitewireError:
    """Return the error for a reply: 4yz is transient, 5yz permanent (RFC 5321, section 4.2.1)."""
    if 400 <= code < 500:
        return TransientError(f"{host}: {code} {_printable(words)}", status=code, code="try-later")
    if 500 <= code < 600 and words != "Line too long.":  # smtplib's own message
        return PermanentError(f"{host}: {code} {_printable(words)}", status=code)
    return TransientError(f"{host} answered with what is not SMTP", code="bad-response")


def _without_secrets(error: Exception) -> Exception | None:
    """Return the error to chain. A ValueError is dropped, because it may quote what was sent, such as the password."""
    return None if isinstance(error, ValueError) else error


def _printable(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_EXCERPT]
