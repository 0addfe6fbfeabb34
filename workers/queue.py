"""The queue as seen without Celery: a client of its Redis, and the processes that gave a sign of life in it."""

from __future__ import annotations

import functools
import os
import socket
import ssl
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection, SentinelManagedSSLConnection

from config.queue_address import Host, QueueAddress, queue_address
from pipeline.errors import ConfigError
from pipeline.secret import SecretRef

KEY = "redis_url"  # the setting, in messages
CONNECTIONS = 32  # a client's at most; who needs one more waits for it
_CONNECT_WITHIN = 2.0  # seconds


def connect(url: str, *, as_text: bool = True, timeout: float = 2.0) -> redis.Redis:
    """Return a client of the server at an address (`config.queue_address`), or of the master that its Sentinels name.

    It waits `timeout` seconds for an answer. Answers are text, or bytes without `as_text`. Raises ConfigError for a
    secret that is not there. It connects when it is first used.
    """
    address = queue_address(url)
    common: dict[str, Any] = {
        "db": address.database,
        "username": address.username,
        "password": password_of(address),
        "decode_responses": as_text,
        "socket_timeout": timeout,
        "socket_connect_timeout": _CONNECT_WITHIN,
        "client_name": name_of_process(),
        "max_connections": CONNECTIONS,
    }
    pool: Any = redis.BlockingConnectionPool
    if address.master is not None:
        pool = functools.partial(_MasterPool, address.master, sentinels_of(address))
        common["connection_class"] = SentinelManagedSSLConnection if address.over_tls else SentinelManagedConnection
    elif address.socket is not None:
        common |= {"path": address.socket, "connection_class": UnixDomainSocketConnection}
    else:
        ((host, port),) = address.hosts
        common |= {"host": host, "port": port, "connection_class": SSLConnection if address.over_tls else Connection}
    return redis.Redis.from_pool(pool(timeout=_CONNECT_WITHIN, **common, **tls_of(address)))


def check(url: str) -> None:
    """Find the secrets and files that an address names. Raises ConfigError; connects to nothing."""
    address = queue_address(url)
    password_of(address)
    sentinel_options(address)
    if address.over_tls:
        context = ssl.create_default_context()
        try:
            if address.ca_file is not None:
                context.load_verify_locations(address.ca_file)
            if address.cert_file is not None:
                context.load_cert_chain(address.cert_file, address.key_file, password=lambda: "")
        except OSError as error:  # SSLError is one
            hint = "ca_file, cert_file and key_file must be readable PEM files, the key without a passphrase"
            message = f"a file for TLS cannot be used: {error.strerror or error}"
            raise ConfigError(message, key=KEY, hint=hint, code="queue-file-unusable") from error


class _MasterPool(SentinelConnectionPool, redis.BlockingConnectionPool):
    """Connections to whichever server is the master, of which there are never more than the limit."""

    def owns_connection(self, connection: Any) -> bool:
        """Keep one that has not reached the master: it looks for it when it is used again.

        redis-py's pool makes another instead, and keeps each that it ever made: it grows while no Sentinel answers.
        """
        if self.master_address != (connection.host, connection.port):
            connection.disconnect()
        return bool(connection.pid == self.pid)

    def close(self) -> None:
        super().close()
        self.sentinel_manager.close()


def sentinels_of(address: QueueAddress) -> Sentinel:
    """Return a client of all Sentinels of an address."""
    kind: Any = Sentinel  # without types in redis-py
    return cast("Sentinel", kind(address.hosts, sentinel_kwargs=sentinel_options(address)))


def sentinel_of(address: QueueAddress, host: Host) -> redis.Redis:
    """Return a client of one Sentinel."""
    return redis.Redis(*host, **sentinel_options(address))


def sentinel_options(address: QueueAddress) -> dict[str, Any]:
    """Return how to connect to a Sentinel, in redis-py's words."""
    secret = address.sentinel_password
    return {
        "username": address.sentinel_username,
        "password": secret.resolve(KEY) if secret else None,
        "socket_timeout": _CONNECT_WITHIN,
        "socket_connect_timeout": _CONNECT_WITHIN,
        "client_name": name_of_process(),
        "retry": Retry(NoBackoff(), 0),  # the next Sentinel is asked instead
        **({"ssl": True} if address.over_tls else {}),
        **tls_of(address),
    }


def tls_of(address: QueueAddress) -> dict[str, Any]:
    """Return what is asked of a server's certificate, in redis-py's words; nothing without TLS."""
    if not address.over_tls:
        return {}
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_ca_certs": address.ca_file,
        "ssl_certfile": address.cert_file,
        "ssl_keyfile": address.key_file,
    }


def password_of(address: QueueAddress) -> str | None:
    """Return the password of the server, or of the master. Raises ConfigError if it is elsewhere, and not there."""
    given = address.password
    return given.resolve(KEY) if isinstance(given, SecretRef) else given


def name_of_process() -> str:
    """Return the name of this process in the server's list of clients: `citewire@host:pid`."""
    return f"citewire@{socket.gethostname()}:{os.getpid()}"


_SIGN = "citewire:alive:"


def sign(client: redis.Redis, process: str) -> None:
    """Leave a sign of life that lasts ten seconds. `process` is its name in the whole site."""
    client.set(f"{_SIGN}{process}", 1, ex=10)


def alive(client: redis.Redis) -> list[str]:
    """Return the processes seen in the last ten seconds, by their names in the whole site."""
    return sorted(str(key).removeprefix(_SIGN) for key in client.scan_iter(f"{_SIGN}*"))
