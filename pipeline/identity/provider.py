"""A provider of identities: where to send somebody, who they are when they return, and where they sign out."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from pipeline.errors import TransientError
from pipeline.http import Http
from pipeline.identity.attempt import Attempt
from pipeline.identity.claims import identity_of
from pipeline.identity.exchange import client_of, exchange, refused
from pipeline.identity.id_tokens import KeyUnknown, verified
from pipeline.identity.plan import NotIdentified, ProviderPlan
from pipeline.identity.published import Published, fetch
from pipeline.model.identity import Identity

_KEPT = dt.timedelta(hours=1)  # how long the provider's documents are used
_AGAIN = dt.timedelta(seconds=10)  # after which they are fetched again because of a key that is unknown
_TOGETHER = 8  # conversations of one process: a provider that hangs takes no more threads


class Provider:
    """One provider, safe to share between threads. Raises NotIdentified, TransientError and PermanentError."""

    def __init__(self, plan: ProviderPlan, http: Http) -> None:
        self.plan = plan
        self._http = http
        self._known: Published | None = None
        self._free = threading.BoundedSemaphore(_TOGETHER)

    def address_for(self, attempt: Attempt, now: dt.datetime) -> str:
        """Return the address at which somebody signs in."""
        with self._conversation():
            endpoints = self._published(now).endpoints
            client = client_of(self.plan, endpoints, self._http)
            address, _ = client.create_authorization_url(
                endpoints.authorization_endpoint,
                state=attempt.state,
                code_verifier=attempt.verifier,
                nonce=attempt.nonce,
            )
            return str(address)

    def identify(self, attempt: Attempt, code: str, now: dt.datetime) -> Identity:
        """Return who has come back with this code."""
        with self._conversation():
            known = self._published(now)
            client = client_of(self.plan, known.endpoints, self._http)
            endpoint = known.endpoints.token_endpoint
            id_token, access_token = exchange(client, endpoint, code=code, verifier=attempt.verifier)
            try:
                claims = verified(
                    id_token, known.keys, self.plan, nonce=attempt.nonce, access_token=access_token, now=now
                )
            except KeyUnknown:
                if now - known.at < _AGAIN:
                    raise
                keys = self._published(now, at_least=now).keys
                claims = verified(id_token, keys, self.plan, nonce=attempt.nonce, access_token=access_token, now=now)
            return identity_of(claims, self.plan)

    def check_answer(self, issuer: str | None, error: str | None, now: dt.datetime) -> None:
        """Raise NotIdentified if another provider has answered (RFC 9207), or this one with an error."""
        with self._conversation():
            says_so = self._published(now).endpoints.authorization_response_iss_parameter_supported
        if issuer != self.plan.issuer and (issuer is not None or says_so):
            raise NotIdentified("Another sign-in service has answered.", code="identity-refused")
        if error is not None:
            raise refused(error)

    def sign_out_address(self, now: dt.datetime) -> str | None:
        """Return the address at which somebody signs out (RP-Initiated Logout 1.0), or None if there is none.

        It names this client, and not the person: an ID token, which could, is not kept.
        """
        with self._conversation():
            endpoint = self._published(now).endpoints.end_session_endpoint
        if endpoint is None:
            return None
        query = urlencode({"client_id": self.plan.client_id, "post_logout_redirect_uri": self.plan.signed_out})
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    def _published(self, now: dt.datetime, at_least: dt.datetime | None = None) -> Published:
        """Return what the provider publishes, fetched at or after `at_least`."""
        known = self._known
        if known is None or known.at < (at_least or now - _KEPT):
            self._known = known = fetch(self._http, self.plan.issuer, now)
        return known

    @contextlib.contextmanager
    def _conversation(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise TransientError("too many people are signing in at the same time", code="sign-in-busy")
        try:
            yield
        finally:
            self._free.release()
