"""Secrets that the ledger must hold are sealed: whoever reads a copy of it, such as a backup, cannot read them.

AES-256-GCM (NIST SP 800-38D) with a random nonce. What belongs to one owner does not open as another's.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE = 12  # bytes
_FORM = b"\x01"  # of what is sealed: this byte, the nonce, the ciphertext with its tag


class Sealer:
    """Seals with the first key, and opens what was sealed with any of them.

    Raises ValueError, which does not quote it, for a key that is not base64 of 32 bytes.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(AESGCM(_key(text)) for text in keys)

    def seal(self, content: bytes, *, owner: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _FORM + nonce + self._keys[0].encrypt(nonce, content, owner.encode())

    def open(self, sealed: bytes, *, owner: str) -> bytes:
        """Return what was sealed for the owner. Raises ValueError if it was changed, or sealed with another key."""
        form, nonce, content = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if form == _FORM and len(nonce) == _NONCE:
            for key in self._keys:
                try:
                    return key.decrypt(nonce, content, owner.encode())
                except InvalidTag:
                    continue
        raise ValueError("was sealed with another key, or changed since")


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"is not base64 of {KEY_BYTES} bytes")
    return key
