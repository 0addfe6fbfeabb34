"""A provider of identities (OpenID Connect) over a real socket: it signs with real keys, and misbehaves on demand."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT, SECRET = "citewire", "a-secret-of-the-provider"
DISCOVERY = "/.well-known/openid-configuration"

Claims = dict[str, Any]


@functools.cache
def rsa_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid})


def unsigned(claims: Claims) -> str:
    """An ID token with the algorithm `none`."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts) + "."


def signed_with_the_secret(claims: Claims) -> str:
    """An ID token that whoever knows the client's secret could have made."""
    secret = f"{SECRET}, which is long enough for HS256"
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(secret), algorithms=["HS256"])


@dataclass
class Idp:
    """`change` changes the claims before they are signed; `sign` replaces the signing."""

    address: str
    now: Callable[[], int]
    key: RSAKey | ECKey = field(default_factory=lambda: rsa_key("first"))
    alg: str = "RS256"
    person: Claims = field(default_factory=lambda: {"sub": "248289761001", "name": "Ada", "groups": ["editors"]})
    change: Callable[[Claims], Claims] = lambda claims: claims
    sign: Callable[[Claims], str] | None = None
    metadata: Claims = field(default_factory=dict)  # over the usual
    published: list[Claims] | None = None  # the keys, if they are not the one that signs
    error: str | None = None  # with which the browser comes back
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # by path, in place of what is right
    hanging: threading.Event = field(default_factory=threading.Event)
    hangs: str | None = None  # the path that does not answer
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def documents(self) -> dict[str, Claims]:
        keys = [self.key.as_dict(private=False)] if self.published is None else self.published
        known = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "end_session_endpoint": f"{self.address}/logout",
            "response_types_supported": ["code"],
        }
        return {DISCOVERY: known | self.metadata, "/keys": {"keys": keys}}

    def authorize(self, asked: dict[str, str]) -> str:
        """Sign the person in without a word; return where the browser goes then."""
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT and "openid" in asked["scope"].split()
        answer = {"state": asked["state"], "iss": self.address}
        if self.error is not None:
            return f"{asked['redirect_uri']}?{urlencode(answer | {'error': self.error})}"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode(answer | {'code': code})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        """Exchange a code once, for the client that knows its secret and the verifier."""
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        posted = (form.get("client_id"), form.get("client_secret"))
        if authorization != f"Basic {basic}" and posted != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        if (
            asked is None
            or form.get("redirect_uri") != asked["redirect_uri"]
            or create_s256_code_challenge(form.get("code_verifier", "")) != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        now = self.now()
        claims = {"iss": self.address, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = self.change(claims | self.person)
        token = self.sign(claims) if self.sign else self.signed(claims)
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": token, "expires_in": "soon"}

    def signed(self, claims: Claims) -> str:
        return jwt.encode({"alg": self.alg, "kid": self.key.kid}, claims, self.key, algorithms=[self.alg])


class _Handler(BaseHTTPRequestHandler):
    idp: Idp

    def do_GET(self) -> None:
        self._answer("")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def log_message(self, *_: object) -> None:
        return

    def _answer(self, body: str) -> None:
        parts = urlsplit(self.path)
        self.idp.asked.append(parts.path)
        if parts.path == self.idp.hangs:
            self.idp.hanging.wait(60)
        if parts.path in self.idp.answers:
            self._send(*self.idp.answers[parts.path])
        elif parts.path == "/authorize":
            self._lead(self.idp.authorize({name: values[0] for name, values in parse_qs(parts.query).items()}))
        elif parts.path == "/logout":
            self._lead(parse_qs(parts.query)["post_logout_redirect_uri"][0])
        elif parts.path == "/token":
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, found = self.idp.exchange(form, self.headers.get("Authorization", ""))
            self._send(status, json.dumps(found).encode())
        else:
            self._send(200, json.dumps(self.idp.documents()[unquote(parts.path)]).encode())

    def _lead(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, body: bytes) -> None:
        with contextlib.suppress(OSError):  # the other side has hung up
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


@contextlib.contextmanager
def identity_provider(now: Callable[[], int], host: str = "127.0.0.1") -> Iterator[Idp]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    idp = handler.idp = Idp(f"http://{host}:{server.server_address[1]}", now)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield idp
    finally:
        idp.hanging.set()
        server.shutdown()
        thread.join()
        server.server_close()
