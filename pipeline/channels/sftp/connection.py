"""An SSH connection to an SFTP server, made through the egress guard, with a verified host key and a deadline."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from pipeline.channels.sftp.settings import kind_of
from pipeline.channels.shared.deadline import Deadline
from pipeline.channels.shared.folder import failure_of
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import EgressGuard

# Its errors say enough: a traceback in the log for every cut connection is just noise.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_IDLE = 30.0  # seconds after which an idle connection is assumed to be dead
_RSA = ("rsa-sha2-512", "rsa-sha2-256")  # RFC 8332: what an ssh-rsa key signs with

_INHERITED: list[Connection] = []


@dataclass(frozen=True)
class Login:
    host: str
    port: int
    username: str
    password: str | None
    key: paramiko.PKey | None
    server_keys: frozenset[bytes]  # the server must prove that it has one of them
    connect_timeout: float  # seconds, each for look-up, TCP and the SSH handshake
    read_timeout: float  # seconds without a byte

    @property
    def where(self) -> str:
        return f"sftp://{self.host}:{self.port}"


class Connection:
    """A session with a server, used by one thread of one process."""

    def __init__(self, login: Login, guard: EgressGuard, deadline: Deadline) -> None:
        """Connect and log in. Raises TransientError and PermanentError."""
        self.login = login
        self._pid = os.getpid()
        self.used = time.monotonic()
        timeout = min(login.connect_timeout, deadline.left)
        self._socket = guard.connect(login.host, login.port, timeout=timeout)
        try:
            self._transport = paramiko.Transport(self._socket)
        except BaseException:
            self._socket.close()
            raise
        try:
            with self.within(deadline):
                self.sftp = self._begun()
        except BaseException:
            self._end()
            raise

    @property
    def usable(self) -> bool:
        """Return False after a fork (the parent keeps using it), and if it has ended or been idle for too long."""
        if self._pid != os.getpid():
            return False
        return bool(self._transport.is_active()) and time.monotonic() - self.used < _IDLE

    def close(self) -> None:
        if self._pid == os.getpid():
            self._end()
        else:  # closing or destroying it would write to the parent's connection
            _INHERITED.append(self)

    @contextmanager
    def within(self, deadline: Deadline) -> Iterator[None]:
        """Close the connection at `deadline` if the block is still running, and translate errors to CitewireErrors.

        With only a timeout per step, a server could send a byte a second forever.
        """
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._end()

        timer = threading.Timer(deadline.left, expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, EOFError, paramiko.SSHException, paramiko.SFTPError) as error:
            raise _failure(error, self.login, expired=expired.is_set()) from error
        finally:
            timer.cancel()
            self.used = time.monotonic()

    def _end(self) -> None:
        """Close transport and socket: paramiko leaves the socket open until its thread runs."""
        self._transport.close()
        self._socket.close()

    def _begun(self) -> paramiko.SFTPClient:
        login, transport = self.login, self._transport
        transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = login.connect_timeout
        kinds = [kind for key in login.server_keys for kind in _signatures(kind_of(key))]
        known = transport.get_security_options().key_types
        transport.get_security_options().key_types = [kind for kind in known if kind in kinds]
        transport.start_client(timeout=login.connect_timeout)
        if transport.get_remote_server_key().asbytes() not in login.server_keys:
            raise PermanentError(f"{login.where} does not have the configured host key", code="host-key-mismatch")
        _log_in(transport, login)
        sftp = paramiko.SFTPClient.from_transport(transport)
        assert sftp is not None
        channel = sftp.get_channel()
        assert channel is not None
        channel.settimeout(login.read_timeout)
        return sftp


def _signatures(kind: str) -> tuple[str, ...]:
    return _RSA if kind == "ssh-rsa" else (kind,)


def _log_in(transport: paramiko.Transport, login: Login) -> None:
    """Log in with the key, the password, or both if the server demands it."""
    if login.key is not None:
        transport.auth_publickey(login.username, login.key)
    if login.password is not None and not transport.is_authenticated():
        transport.auth_password(login.username, login.password)
    if not transport.is_authenticated():
        raise paramiko.AuthenticationException("the server requires more")


def _failure(error: Exception, login: Login, *, expired: bool) -> CitewireError:
    """Return the error to raise. No message quotes the server, since its text cannot be trusted."""
    where, causes = login.where, list(_causes(error))
    if expired or any(isinstance(cause, TimeoutError) or "timeout" in str(cause).lower() for cause in causes):
        return TransientError(f"{where} did not answer in time", code="timeout")
    if isinstance(error, paramiko.AuthenticationException):
        return PermanentError(f"{where} refused the login of {login.username}", code="login-refused")
    if isinstance(error, IncompatiblePeer):
        message = f"{where} has no host key of the configured type, or no algorithm in common"
        return PermanentError(message, code="host-key-mismatch")
    if isinstance(error, paramiko.SFTPError) or any(map(_not_ssh, causes)):
        return TransientError(f"{where} answered with what is not SFTP", code="bad-response")
    if isinstance(error, OSError) and not isinstance(error, ConnectionError) and "closed" not in str(error):
        return failure_of(error, where)
    return TransientError(f"{where}: the connection was cut", code="connection-failed")


def _not_ssh(cause: BaseException) -> bool:
    signs = ("Indecipherable protocol", "Invalid SSH banner", "Invalid packet", "Mismatched MAC", "Illegal info")
    return isinstance(cause, UnicodeDecodeError) or any(sign in str(cause) for sign in signs)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
