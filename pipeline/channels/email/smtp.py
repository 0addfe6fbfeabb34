"""SMTP out of the house: one guarded, bounded session; every failure told apart by who must act.

smtplib speaks the protocol (RFC 5321). What is ours is the socket: connected by the egress guard, each step within the
time of the whole delivery, and with a limit on what the other end may say.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.channels.shared.deadline import Deadline
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import EgressGuard

Security = Literal["starttls", "tls", "none"]
_MOST_SAID = 1_000_000  # bytes that a server may say in a session
_EXCERPT = 200  # characters of its words, in a message
_CONNECT = 5.0  # seconds


@dataclass(frozen=True)
class Server:
    """`login`: a user name and a password, sent over TLS only."""

    host: str
    port: int
    security: Security
    tls: ssl.SSLContext
    helo: str  # how we name ourselves
    login: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"  # without the password


class _Bounded(socket.socket):
    """Looks at the countdown at every step, so that a byte now and then does not hold the session open."""

    deadline: Deadline | None = None
    said = 0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._bound()
        count = super().recv_into(*args, **kwargs)
        self.said += count
        if self.said > _MOST_SAID:
            raise TransientError("the mail server does not stop talking", code="bad-response")
        return count

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._bound()
        super().sendall(*args, **kwargs)

    def _bound(self) -> None:
        if self.deadline is not None:
            self.settimeout(self.deadline.left)


class _BoundedTLS(_Bounded, ssl.SSLSocket):
    """The same over TLS. `ssl` bounds the handshake by one timeout for all its steps."""


def tls_context(ca_file: str) -> ssl.SSLContext:
    """Checks names and certificates against `ca_file` (PEM)."""
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _BoundedTLS
    return context


class _Smtp(smtplib.SMTP):
    def __init__(self, server: Server, guard: EgressGuard, deadline: Deadline) -> None:
        self._server = server
        self._guard = guard
        self._deadline = deadline
        # With a name of our own, or smtplib would look one up, without any limit; and without `host`, or it would
        # connect here and leave a socket behind where that fails.
        super().__init__(local_hostname=server.helo, timeout=deadline.left)
        self._host = server.host  # what the certificate is checked for

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = self._guard.connect(host, port, timeout=min(_CONNECT, self._deadline.left), make=_Bounded)
        if self._server.security == "tls":
            sock = self._wrapped(sock)
        return self._watched(sock)

    def secure(self) -> None:
        """STARTTLS (RFC 3207). smtplib drops what was said before it."""
        self.ehlo_or_helo_if_needed()
        if not self.has_extn("starttls"):
            raise PermanentError(
                f"{self._server.host} offers no STARTTLS (`security`: 'tls' for port 465, 'none' in your own network)",
                code="tls-not-offered",
            )
        self.starttls(context=self._server.tls)
        assert self.sock is not None
        self._watched(self.sock)

    def _wrapped(self, sock: socket.socket) -> socket.socket:
        try:
            sock.settimeout(self._deadline.left)
            return self._server.tls.wrap_socket(sock, server_hostname=self._server.host)
        except BaseException:
            sock.close()
            raise

    def _watched(self, sock: socket.socket) -> socket.socket:
        if isinstance(sock, _Bounded):
            sock.deadline = self._deadline
        return sock


class Session:
    """An open, secured and authenticated connection. Given by `session`."""

    def __init__(self, smtp: _Smtp, server: Server) -> None:
        self._smtp = smtp
        self._server = server

    def send(self, sender: str, recipient: str, message: bytes) -> str:
        """One mail to one recipient; the server's own words. Raises TransientError or PermanentError.

        After an error with a status the session goes on; after one without, or 421, it is over.
        """
        with _told_apart(self._server):
            try:
                self._expect(self._smtp.mail(sender), 250)
                self._expect(self._smtp.rcpt(recipient), 250, 251, 252)
                answer = self._smtp.data(message)
                self._expect(answer, 250)
            except smtplib.SMTPResponseException:
                with contextlib.suppress(smtplib.SMTPServerDisconnected):
                    self._smtp.rset()  # the next recipient begins anew
                raise
        return _said(answer[1])

    def idle(self) -> str:
        """NOOP: says whether the session is in order, and how it is secured."""
        with _told_apart(self._server):
            self._expect(self._smtp.noop(), 250)
        sock = self._smtp.sock
        version = sock.version() if isinstance(sock, ssl.SSLSocket) else None
        return f"{version or 'without TLS'}{', logged in' if self._server.login else ''}"

    @staticmethod
    def _expect(answer: tuple[int, bytes], *wanted: int) -> None:
        if answer[0] not in wanted:
            raise smtplib.SMTPResponseException(*answer)


@contextmanager
def session(server: Server, guard: EgressGuard, deadline: Deadline) -> Iterator[Session]:
    """Connects, secures, logs in, and says goodbye.

    Raises TransientError and PermanentError: as `EgressGuard.connect`; `tls-failed`, `tls-not-offered`,
    `login-refused`, `try-later`, `refused`, `timeout`, `connection-failed`, `bad-response`.
    """
    smtp = _Smtp(server, guard, deadline)
    try:
        with _told_apart(server):
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
def _told_apart(server: Server) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _failure(error, server.host) from _without_secrets(error)


def _failure(error: Exception, host: str) -> CitewireError:
    match error:
        case smtplib.SMTPAuthenticationError() if error.smtp_code >= 500:
            return PermanentError(f"{host} refuses the login: {_said(error.smtp_error)}", code="login-refused")
        case smtplib.SMTPResponseException():
            return _answered(error.smtp_code, error.smtp_error, host)
        case ssl.SSLError():
            reason = getattr(error, "verify_message", None) or error.reason or "the handshake failed"
            return TransientError(f"{host}: no secure connection: {reason}", code="tls-failed")
        case smtplib.SMTPServerDisconnected() if isinstance(error.__context__, TimeoutError):
            return TransientError(f"{host} did not answer in time", code="timeout")
        case smtplib.SMTPServerDisconnected():
            return TransientError(f"{host} closed the connection", code="connection-failed")
        case smtplib.SMTPException():
            return PermanentError(f"{host} offers no login that is known here", code="login-refused")
        case TimeoutError():
            return TransientError(f"{host} did not answer in time", code="timeout")
        case OSError():
            detail = error.strerror or "it was closed"
            return TransientError(f"{host}: the connection failed: {detail}", code="connection-failed")
    return TransientError(f"{host} answered with what is not SMTP", code="bad-response")


def _answered(code: int, words: bytes | str, host: str) -> CitewireError:
    """4yz may work later, 5yz will not (RFC 5321, section 4.2.1)."""
    if 400 <= code < 500:
        return TransientError(f"{host}: {code} {_said(words)}", status=code, code="try-later")
    if 500 <= code < 600 and words != "Line too long.":  # smtplib's own word
        return PermanentError(f"{host}: {code} {_said(words)}", status=code)
    return TransientError(f"{host} answered with what is not SMTP", code="bad-response")


def _without_secrets(error: Exception) -> Exception | None:
    """smtplib's errors of a login hold nothing but the server's words; those of values may quote what was sent."""
    return None if isinstance(error, ValueError) else error


def _said(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_EXCERPT]
