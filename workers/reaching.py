"""Look at the queue's servers for `citewire check`, and say in our words what is wrong with them.

redis-py wraps what TLS says in messages of its own, and Kombu tries again for ever, so a wrong certificate would look
like a server that is away.
"""

from __future__ import annotations

import ssl
from contextlib import closing
from typing import Any

import redis
from msgspec import Struct
from redis.sentinel import MasterNotFoundError

from config.queue_address import Host, QueueAddress, queue_address
from pipeline.errors import CitewireError, ConfigError, TransientError
from workers import queue
from workers.celery import READERS, SENDERS

EACH = queue.CONNECTIONS + SENDERS + READERS  # connections that one of our processes may open
# OpenSSL's verdicts (verify(1), "DIAGNOSTICS"): a name or an address that is not in the certificate; one that is over.
_OTHER_NAME, _EXPIRED = {62, 64}, {10}
_REFUSALS = ("NOAUTH", "WRONGPASS", "NOPERM", "invalid username-password", "Authentication required")


class Reached(Struct, frozen=True, kw_only=True):
    """The queue as it answered."""

    server: str  # what it is: "valkey 9.1.2"
    silent: tuple[str, ...]  # Sentinels that did not answer, with the reason; others did
    each: int  # connections that one of our processes may open
    processes: int  # ours that gave a sign of life
    allowed: int | None  # connections that the server takes; None: it does not say

    @property
    def fits(self) -> bool:
        return self.allowed is None or self.each * self.processes <= self.allowed

    def __str__(self) -> str:
        silent = "".join(f"; no answer from the Sentinel {one}" for one in self.silent)
        limit = "" if self.allowed is None else f"; the server allows {self.allowed}"
        more = "" if self.fits else ": raise its maxclients"
        return f"{self.server}; {self.processes} processes, up to {self.each} connections each{limit}{more}{silent}"


def reach(url: str) -> Reached:
    """Ask the queue what it is. Raises ConfigError or TransientError, with what to do."""
    queue.check(url)
    address = queue_address(url)
    try:
        silent = _ask_sentinels(address)
        with closing(queue.connect(url)) as client:
            facts = _facts(client)
            if facts.get("role", "master") != "master":
                hint = "name the server that is written to, or its Sentinels (sentinel://host:26379/NAME)"
                raise _wrong("the server is a replica", hint, code="queue-read-only")
            allowed = facts.get("maxclients")
            return Reached(
                server=_named(facts),
                silent=silent,
                each=EACH,
                processes=len(queue.alive(client)),
                allowed=int(allowed) if allowed else None,
            )
    except redis.RedisError as error:
        raise explained(error, address) from error


def _facts(client: redis.Redis) -> dict[str, Any]:
    """Return what the server says of itself; nothing if our user may not ask."""
    client.ping()
    try:
        return dict(client.info())
    except redis.exceptions.NoPermissionError:
        return {}


def _named(facts: dict[str, Any]) -> str:
    version = facts.get("valkey_version", facts.get("redis_version"))
    return f"{facts.get('server_name', 'redis')} {version}" if version else "it answers"


def explained(error: Exception, address: QueueAddress) -> CitewireError:
    """Return what an error of redis-py or Kombu means for whoever runs the system. It holds no secret."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return _of_tls(cause)
        if isinstance(cause, redis.AuthenticationError) or any(word in str(cause) for word in _REFUSALS):
            hint = "give the login that the server knows: redis://user@host/0?password=env:NAME"
            return _wrong("the server refuses the login", hint, code="queue-refused")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, MasterNotFoundError):
        return TransientError(f"the Sentinels know no master {address.master} that runs", code="queue-unreachable")
    if address.socket is not None:
        return TransientError(f"no answer: {error}", code="queue-unreachable")
    has, write = ("no TLS", "redis:// or sentinel://") if address.over_tls else ("TLS", "rediss:// or sentinels://")
    return TransientError(f"no answer: {error} (if the port speaks {has}, write {write})", code="queue-unreachable")


def _ask_sentinels(address: QueueAddress) -> tuple[str, ...]:
    """Ask each Sentinel for the master; return those that gave no answer. Raises if none did, or if none knows it."""
    silent: list[tuple[Host, CitewireError]] = []
    known = False
    for host in address.hosts if address.master is not None else ():
        try:
            with closing(queue.sentinel_of(address, host)) as sentinel:
                known |= address.master in sentinel.sentinel_masters()
        except redis.RedisError as error:
            silent.append((host, explained(error, address)))
    if address.master is None or known:
        return tuple(f"{host}:{port}: {error}" for (host, port), error in silent)
    if len(silent) == len(address.hosts):
        raise silent[0][1]
    hint = "give the name that follows `sentinel monitor` in their configuration"
    raise _wrong(f"the Sentinels know no master {address.master}", hint, code="queue-master-unknown")


def _of_tls(error: ssl.SSLError) -> ConfigError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        if isinstance(error, ssl.SSLEOFError) or ("alert" in str(error) and "certificate" in str(error)):
            # Its alert is not always read: it comes after the handshake of TLS 1.3, while we write.
            message = "the server hung up: it wants a certificate of ours, or does not take the one it got"
            hint = "give cert_file and key_file"
            return _wrong(message, hint, code="queue-certificate-wanted")
        hint = "write redis:// or sentinel:// if the port speaks no TLS; the server must speak TLS 1.2 or newer"
        return _wrong(f"TLS was not agreed on: {error.reason or error}", hint, code="queue-tls-failed")
    if error.verify_code in _OTHER_NAME:
        hint = "name the server as its certificate does, or have one made for this name"
        message = f"the server's certificate is for another: {error.verify_message}"
        return _wrong(message, hint, code="queue-certificate-name")
    if error.verify_code in _EXPIRED:
        return _wrong("the server's certificate has expired", "have it renewed", code="queue-certificate-expired")
    hint = "name the file with the CA that has signed it: ?ca_file=/etc/…"
    message = f"the server's certificate is not trusted: {error.verify_message}"
    return _wrong(message, hint, code="queue-certificate-untrusted")


def _wrong(message: str, hint: str, *, code: str) -> ConfigError:
    return ConfigError(message, key=queue.KEY, hint=hint, code=code)
