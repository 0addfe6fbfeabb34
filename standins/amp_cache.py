"""An AMP cache, which keeps what it has fetched until a signed request flushes it.

Source: developers.google.com/amp/cache/update-cache.

The cache's subdomain is the first folder of its addresses, because there is no DNS for subdomains here.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from standins.endpoint import Call, Endpoint, Reply

_AROUND = 60  # tolerance in seconds of a request's timestamp
KEY = "/.well-known/amphtml/apikey.pub"


@dataclass
class AmpCache:
    """The cache. `fetch` gets an https address from the publisher; `subdomains` are those of the known hosts."""

    fetch: Callable[[str], Reply]
    subdomains: Mapping[str, str]
    clock: Callable[[], float] = time.time
    copies: dict[str, Reply] = field(default_factory=dict)  # by host and path, as served by the publisher
    stubborn: int = 0  # the number of flushes to answer with OK but not perform
    away: bool = False  # answers 404 to everything, as a server does while it is being deployed
    flushes: int = 0

    def serve(self) -> Endpoint:
        return Endpoint(self.respond)

    def respond(self, call: Call) -> Reply:
        _, subdomain, *rest = call.target.split("/", 2)
        target = f"/{rest[0]}" if rest else "/"
        kind = next((one for one in ("/update-cache/c/s/", "/c/s/") if target.startswith(one)), None)
        if call.method != "GET" or kind is None:
            return Reply(405, b"", "text/plain")
        document, _, query = target.removeprefix(kind).partition("?")
        host = document.partition("/")[0]
        if self.away or self.subdomains.get(host) != subdomain:
            return Reply(404, b"no such host", "text/plain")
        return self._update(target, query, document, host) if kind.startswith("/up") else self._show(document)

    def _show(self, document: str) -> Reply:
        if document not in self.copies:
            found = self.fetch(f"https://{document}")
            if found.status != 200:
                return Reply(404, b"", "text/html")
            self.copies[document] = found
        return Reply(200, transformed(self.copies[document].body), "text/html")

    def _update(self, target: str, query: str, document: str, host: str) -> Reply:
        refusal = self._refusal(target, dict(parse_qsl(query)), host)
        if refusal:
            return Reply(403, refusal.encode(), "text/plain")
        self.flushes += 1
        if self.stubborn:
            self.stubborn -= 1
        else:
            self.copies.pop(document, None)
        return Reply(200, b"OK", "text/plain")

    def _refusal(self, target: str, query: Mapping[str, str], host: str) -> str | None:
        if query.get("amp_action") != "flush":
            return "unknown amp_action"
        if abs(int(query.get("amp_ts", "0")) - self.clock()) > _AROUND:
            return "amp_ts is too old"
        signed, _, signature = target.partition("&amp_url_signature=")
        served = self.fetch(f"https://{host}{KEY}")
        if served.status != 200 or not served.media_type.startswith("text/plain"):
            return "no public key"
        key = load_pem_public_key(served.body)
        assert isinstance(key, RSAPublicKey)
        try:
            key.verify(base64.urlsafe_b64decode(signature + "=="), signed.encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            return "the signature does not fit"
        return None


def transformed(body: bytes) -> bytes:
    """Change a document as caches do: add the runtime's style and speed up the first paint, but keep the text."""
    return body.replace(b"<head>", b'<head><style amp-runtime="">html{overflow-x:hidden!important}</style>', 1)
