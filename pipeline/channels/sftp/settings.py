"""The settings of the `sftp` channel, and the keys that they refer to."""

from __future__ import annotations

import base64
import binascii
import io
import posixpath
from typing import Annotated
from urllib.parse import quote

import paramiko
from pydantic import Field, PlainValidator, field_validator, model_validator

from pipeline.channels.shared.settings import ChannelSettings, LocalPath, TotalTimeout
from pipeline.errors import ConfigError
from pipeline.secret import SecretRef
from pipeline.validation import form

_KEY_KINDS: tuple[type[paramiko.PKey], ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def _host_keys(value: object) -> tuple[bytes, ...]:
    """Parse one or several lines as printed by `ssh-keyscan`, without the host: "ssh-ed25519 AAAA…"."""
    lines = value if isinstance(value, list | tuple) else (value,)
    keys = tuple(_host_key(line) for line in lines)
    if not keys:
        raise ValueError("give a key, or use `known_hosts` instead")
    return keys


def _host_key(line: object) -> bytes:
    if isinstance(line, bytes):
        return line
    words = line.split() if isinstance(line, str) else []
    try:
        key = base64.b64decode(words[1], validate=True)
    except (IndexError, binascii.Error, ValueError):
        raise ValueError("must look like 'ssh-ed25519 AAAA…', as printed by `ssh-keyscan` after the host") from None
    if kind_of(key) != words[0]:
        raise ValueError("the key does not have the type written before it")
    return key


def kind_of(key: bytes) -> str:
    """Return the type in a public key's encoding (RFC 4253, section 6.6), or "" if it is malformed."""
    size = int.from_bytes(key[:4], "big")
    return key[4 : 4 + size].decode("ascii", "replace") if len(key) > 4 + size else ""


class SftpSettings(ChannelSettings):
    """`host_key` or `known_hosts` is required: an unverified server gets nothing, not even a password."""

    host: Annotated[str, form(r"[^\s/@]+", "must be a host name or an IP address")]
    port: int = Field(default=22, ge=1, le=65535)
    username: Annotated[str, form(r"[^\x00-\x1f]+", "must be a name without control characters")]
    password: SecretRef | None = None
    private_key: SecretRef | None = None
    passphrase: SecretRef | None = None
    host_key: Annotated[tuple[bytes, ...], PlainValidator(_host_keys)] | None = None
    known_hosts: LocalPath | None = None
    path: str = "."  # the remote folder, relative to the login directory
    create: bool = True
    connect_timeout: TotalTimeout = 10.0
    read_timeout: TotalTimeout = 10.0
    total_timeout: TotalTimeout = 30.0

    @field_validator("path")
    @classmethod
    def _plain(cls, path: str) -> str:
        if not path or any(ord(character) < 32 for character in path):
            raise ValueError("must be a path without control characters")
        return path.rstrip("/") or "/"

    @model_validator(mode="after")
    def _complete(self) -> SftpSettings:
        if not (self.password or self.private_key):
            raise ValueError("give `private_key` or `password`")
        if (self.host_key is None) == (self.known_hosts is None):
            raise ValueError("give `host_key` or `known_hosts`, so that the server can be verified")
        return self


def place_of(settings: SftpSettings) -> str:
    """Return the folder's canonical address. It includes the user, whose folders may not be those of another."""
    host = settings.host.lower()
    port = "" if settings.port == 22 else f":{settings.port}"
    path = posixpath.normpath(settings.path)
    within = path if path.startswith("/") else f"/~/{path}".removesuffix("/.")
    return f"sftp://{quote(settings.username)}@{f'[{host}]' if ':' in host else host}{port}{within}"


def private_key(settings: SftpSettings) -> paramiko.PKey | None:
    """Return the key (Ed25519, ECDSA or RSA; OpenSSH format or PEM). Raises a ConfigError without any part of it."""
    if settings.private_key is None:
        return None
    text = settings.private_key.resolve("private_key")
    passphrase = settings.passphrase.resolve("passphrase") if settings.passphrase else None
    for kind in _KEY_KINDS:
        try:
            return kind.from_private_key(io.StringIO(text), passphrase)
        except paramiko.PasswordRequiredException:
            raise ConfigError("the private key needs its `passphrase`", key="passphrase") from None
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise ConfigError(
        "cannot read a private key (Ed25519, ECDSA or RSA), or the passphrase is wrong", key="private_key"
    )


def server_keys(settings: SftpSettings) -> frozenset[bytes]:
    """Return the acceptable host keys; never empty. Raises ConfigError."""
    if settings.host_key is not None:
        return frozenset(settings.host_key)
    assert settings.known_hosts is not None
    host = settings.host if settings.port == 22 else f"[{settings.host}]:{settings.port}"
    try:
        found = paramiko.HostKeys(str(settings.known_hosts)).lookup(host)
    except (OSError, paramiko.SSHException, UnicodeDecodeError) as error:
        raise ConfigError(f"{settings.known_hosts} cannot be read", key="known_hosts") from error
    if not found:
        raise ConfigError(f"{settings.known_hosts} contains no key of {host}", key="known_hosts")
    return frozenset(found[kind].asbytes() for kind in found)
