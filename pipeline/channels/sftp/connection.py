"""An SSH connection to an SFTP server: to a checked address, to the right server, and never for longer than allowed."""

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
from pipeline.channels.shared.folder import failure_of
from pipeline.errors import CitewireError, PermanentError, TransientError
from pipeline.http import EgressGuard

# What it has to say is in the errors; a traceback of every cut connection in the log is not wanted.
logging.getLogger("paramiko").setLevel(logging.CRITICAL)

_IDLE = 30.0  # seconds after which a connection is not trusted to be there any more
_RSA = ("rsa-sha2-512", "rsa-sha2-256")  # RFC 8332: what an ssh-rsa key signs with

_INHERITED: list[Connection] = []


@dataclass(frozen=True)
class Login:
    host: str
    port: int
    username: str
    password: str | None
    key: paramiko.PKey | None
    server_keys: frozenset[bytes]  # one of which the server must prove to have
    connect_timeout: float  # seconds, for the name, TCP, and SSH's handshake each
    read_timeout: float  # seconds without a byte

    @property
    def where(self) -> str:
        return f"sftp://{self.host}:{self.port}"


class Connection:
    """One session with one server, for one thread of one process."""

    def __init__(self, login: Login, guard: EgressGuard, deadline: float) -> None:
        """`deadline` by time.monotonic(). Raises TransientError and PermanentError."""
        self.login = login
        self._pid = os.getpid()
        self.used = time.monotonic()
        timeout = min(login.connect_timeout, _left(deadline, login))
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
        """Not after a fork, whose parent goes on with it; nor when it has ended, or may have while nobody looked."""
        if self._pid != os.getpid():
            return False
        return bool(self._transport.is_active()) and time.monotonic() - self.used < _IDLE

    def close(self) -> None:
        if self._pid == os.getpid():
            self._end()
        else:  # closing it, and its destructor too, would speak on the parent's connection
            _INHERITED.append(self)

    @contextmanager
    def within(self, deadline: float) -> Iterator[None]:
        """Whatever the server does or leaves undone inside ends at `deadline`; what goes wrong is a CitewireError.

        A time limit on each step would let a server drip a byte a second for ever: the connection is closed instead.
        """
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._end()

        timer = threading.Timer(_left(deadline, self.login), expire)
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
        """Close the connection in whatever state it is: paramiko leaves the socket open until its thread runs."""
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
            raise PermanentError(
                f"{login.where} does not have the host key that was agreed on", code="host-key-mismatch"
            )
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
    """With the key, with the password, or with one after the other where the server wants both."""
    if login.key is not None:
        transport.auth_publickey(login.username, login.key)
    if login.password is not None and not transport.is_authenticated():
        transport.auth_password(login.username, login.password)
    if not transport.is_authenticated():
        raise paramiko.AuthenticationException("the server asks for more")


def _left(deadline: float, login: Login) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TransientError(f"{login.where} did not answer in time", code="timeout")
    return seconds


def _failure(error: Exception, login: Login, *, expired: bool) -> CitewireError:
    """The server's own words stand in no message: nobody knows what is in them."""
    where, causes = login.where, list(_causes(error))
    if expired or any(isinstance(cause, TimeoutError) or "timeout" in str(cause).lower() for cause in causes):
        return TransientError(f"{where} did not answer in time", code="timeout")
    if isinstance(error, paramiko.AuthenticationException):
        return PermanentError(f"{where} does not let {login.username} in", code="login-refused")
    if isinstance(error, IncompatiblePeer):
        message = f"{where} has no host key of the kind agreed on, or no way of speaking in common"
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
