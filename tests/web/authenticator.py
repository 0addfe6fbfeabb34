"""An authenticator in software, which says what a real one does, or what a test has it say (WebAuthn, section 6)."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
Lie = Callable[[dict[str, Any]], None]


@dataclass
class Authenticator:
    """Holds one passkey. `host`: the relying party that it belongs to; `origin`: the page that asks."""

    host: str
    origin: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    handle: str = ""
    counter: int = 0

    def make(self, options: str, lie: Lie = lambda said: None) -> str:
        """Answer `navigator.credentials.create`. `lie` changes what is said before it is written."""
        asked = json.loads(options)
        self.handle = asked["user"]["id"]
        said = self._said("webauthn.create", asked["challenge"])
        said["flags"] |= ATTESTED
        said |= {"fmt": "none", "statement": {}, "public_key": self._public_key(), "extra": b""}
        lie(said)
        attested = b"\0" * 16 + len(self.credential).to_bytes(2, "big") + self.credential
        data = self._data(said) + attested + cbor2.dumps(said["public_key"]) + said["extra"]
        statement = {"fmt": said["fmt"], "attStmt": said["statement"], "authData": data}
        return self._answer(said, {"attestationObject": said.get("attestation", cbor2.dumps(statement))})

    def sign(self, options: str, lie: Lie = lambda said: None) -> str:
        """Answer `navigator.credentials.get`."""
        self.counter += 1
        said = self._said("webauthn.get", json.loads(options)["challenge"]) | {"key": self.key, "handle": self.handle}
        lie(said)
        data = said.get("data", self._data(said))
        signed = data + hashlib.sha256(self._client_data(said)).digest()
        signature = said["key"].sign(signed, ec.ECDSA(hashes.SHA256()))
        parts = {"authenticatorData": data, "signature": said.get("signature", signature)}
        if said["handle"] is not None:
            parts["userHandle"] = base64url_to_bytes(said["handle"])
        return self._answer(said, parts)

    def _said(self, type: str, challenge: str) -> dict[str, Any]:
        client = {"type": type, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return {
            "client": client,
            "host": self.host,
            "flags": PRESENT | VERIFIED,
            "counter": self.counter,
            "credential": self.credential,
        }

    def _public_key(self) -> dict[int, Any]:
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}

    def _client_data(self, said: dict[str, Any]) -> bytes:
        client = said["client"]
        return client if isinstance(client, bytes) else json.dumps(client).encode()

    def _data(self, said: dict[str, Any]) -> bytes:
        relying = hashlib.sha256(said["host"].encode()).digest()
        return relying + bytes([said["flags"]]) + said["counter"].to_bytes(4, "big")

    def _answer(self, said: dict[str, Any], parts: dict[str, bytes]) -> str:
        id = bytes_to_base64url(said["credential"])
        response = {"clientDataJSON": self._client_data(said)} | parts
        written = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": id, "rawId": id, "type": "public-key", "response": written})
