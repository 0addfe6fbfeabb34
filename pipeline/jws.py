"""JSON Web Signatures with Ed25519 (RFC 7515, RFC 8037), and the public key as a JWK set (RFC 7517, RFC 7638).

The algorithm is named "EdDSA": few libraries know the name "Ed25519" that RFC 9864 prefers.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class Signer:
    """Signs with one key. Raises ValueError for a text that is not an Ed25519 private key in PEM."""

    def __init__(self, pem: str) -> None:
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("is not a private key in PEM without a password") from None  # its cause may quote the key
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("is not an Ed25519 key")
        self._key = key

    def sign(self, payload: bytes, *, media_type: str) -> str:
        """Return the payload as a JWS in compact form."""
        header = {"alg": "EdDSA", "kid": self.jwk["kid"], "typ": "JOSE", "cty": media_type}
        signed = f"{_base64url(json.dumps(header, separators=(',', ':')).encode())}.{_base64url(payload)}"
        return f"{signed}.{_base64url(self._key.sign(signed.encode()))}"

    @property
    def jwk(self) -> dict[str, str]:
        """The public key. Its `kid` is its thumbprint."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
        thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        return {**members, "use": "sig", "alg": "EdDSA", "kid": _base64url(thumbprint)}

    def jwks(self) -> bytes:
        keys: dict[str, Any] = {"keys": [self.jwk]}
        return json.dumps(keys, indent=1).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
