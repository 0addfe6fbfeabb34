"""One attempt to sign in: a secret that only this browser has, from which everything else is derived.

So nothing is stored before somebody is known, and any process of the site can answer when they return.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from msgspec import Struct

_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{0,1400})")
_LONGEST = 1_000  # bytes of an address that is kept


class Attempt(Struct, frozen=True):
    secret: str  # 256 random bits
    next: str  # where to go afterwards

    @classmethod
    def new(cls, next: str) -> Attempt:
        return cls(secrets.token_urlsafe(32), next if len(next.encode()) <= _LONGEST else "")

    @classmethod
    def of_cookie(cls, cookie: str) -> Attempt | None:
        """Return the attempt that the cookie holds, or None if it holds none."""
        found = _COOKIE.fullmatch(cookie)
        try:
            return found and cls(found[1], base64.urlsafe_b64decode(found[2] + "==").decode())
        except (binascii.Error, UnicodeDecodeError):
            return None

    @property
    def cookie(self) -> str:
        return f"{self.secret}.{_encoded(self.next.encode())}"

    @property
    def state(self) -> str:
        return self._derived("state")

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Return the code verifier of PKCE (RFC 7636, section 4.1)."""
        return self._derived("verifier")

    def is_own_state(self, state: str) -> bool:
        return hmac.compare_digest(state.encode(), self.state.encode())

    def _derived(self, what: str) -> str:
        return _encoded(hmac.new(self.secret.encode(), what.encode(), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
