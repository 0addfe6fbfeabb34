"""Signatures of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec, "Signature scheme").

`v1` is HMAC-SHA256 with a secret that both sides know; `v1a` is Ed25519, which the partner verifies with a public key.
Both cover `webhook-id`, `webhook-timestamp` and the body, but no other header. The message id therefore repeats what
the article's own headers say, so that a delivery whose headers were replaced on its way can be detected.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipeline.errors import ConfigError
from pipeline.model.delivery import Parcel

SHARED, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"  # how the specification marks the three kinds of keys

_BYTES = range(24, 65)  # the lengths that the specification allows for a shared secret
_VARIED = 12  # different bytes in 24 random ones: fewer happen once in 10^9 secrets
_SEED = 32  # bytes of an Ed25519 private key; 64 where the public key follows it, as libsodium writes it


class Signer(Protocol):
    """Signs a message. `public`: the key to verify it with, as text; None if that is the secret itself."""

    @property
    def public(self) -> str | None: ...

    @property
    def secret(self) -> bytes:
        """The key itself, which may be written in several ways."""

    def sign(self, content: bytes) -> str:
        """Return the signature with its version: "v1,…"."""


@dataclass(frozen=True)
class SharedSecret:
    """HMAC-SHA256, `v1`."""

    key: bytes
    public: None = None

    @property
    def secret(self) -> bytes:
        return self.key

    def sign(self, content: bytes) -> str:
        return f"v1,{_base64(hmac.digest(self.key, content, 'sha256'))}"


@dataclass(frozen=True)
class PrivateKey:
    """Ed25519 (RFC 8032), `v1a`."""

    key: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return PUBLIC + _base64(self.key.public_key().public_bytes_raw())

    @property
    def secret(self) -> bytes:
        return self.key.private_bytes_raw()

    def sign(self, content: bytes) -> str:
        return f"v1a,{_base64(self.key.sign(content))}"


def read_signer(text: str, *, key: str = "secret") -> Signer:
    """Return the signer for a secret: base64 with optional padding, after an optional prefix.

    Raises ConfigError naming `key`, and never quoting the text: for what is not base64 (libraries disagree on its
    meaning), for a length that the specification does not allow, and for a secret that could be guessed.
    """
    prefix = PRIVATE if text.startswith(PRIVATE) else SHARED
    decoded = _decoded(text.removeprefix(prefix), key)
    if prefix == PRIVATE:
        if len(decoded) not in (_SEED, 2 * _SEED):
            raise _weak(f"is an Ed25519 key of {len(decoded)} bytes; it must have {_SEED}", key, " --ed25519")
        return PrivateKey(Ed25519PrivateKey.from_private_bytes(decoded[:_SEED]))
    if len(decoded) not in _BYTES:
        raise _weak(f"has {len(decoded)} bytes; it must have {_BYTES.start} to {_BYTES.stop - 1}", key)
    if len(set(decoded)) < _VARIED:
        raise _weak("repeats a few characters and could be guessed", key)
    return SharedSecret(decoded)


def new_secret() -> str:
    """Return a new shared secret of 32 bytes."""
    while True:
        if len(set(key := secrets.token_bytes(32))) >= _VARIED:
            return SHARED + _base64(key)


def new_private_key() -> str:
    """Return a new Ed25519 private key."""
    return PRIVATE + _base64(Ed25519PrivateKey.generate().private_bytes_raw())


def message_id(parcel: Parcel) -> str:
    """Return the `webhook-id`: "msg_….REVISION.DIGEST.EVENT.ARTICLE", where only the article may contain dots."""
    return f"{parcel.message_id}.{parcel.event}.{parcel.article_id}"


def signed(message_id: str, timestamp: int, body: bytes, signers: Iterable[Signer]) -> dict[str, str]:
    """Return the three headers of Standard Webhooks, with a signature by each signer.

    The `standardwebhooks` package signs only text and with a single key. The tests use it to verify.
    """
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signer.sign(content) for signer in signers),
    }


def _decoded(encoded: str, key: str) -> bytes:
    encoded = encoded.rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _weak("is not base64", key) from None


def _weak(what: str, key: str, option: str = "") -> ConfigError:
    hint = f"create one with `citewire secret{option}`"
    return ConfigError(f"the secret {what}", key=key, hint=hint, code="secret-unusable")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
