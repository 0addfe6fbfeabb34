"""What a provider publishes: its endpoints (OpenID Connect Discovery 1.0) and the keys that it signs with."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeVar

import msgspec
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwk
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey
from msgspec import Struct

from pipeline.errors import PermanentError, TransientError
from pipeline.http import Http
from pipeline.identity.plan import LIMITS
from pipeline.web_address import crosses_in_plain_text, web_address

_MOST_KEYS = 100
_RSA_BITS = 2048  # at least (RFC 7518, section 3.3)

T = TypeVar("T")


class Endpoints(Struct, frozen=True):
    """The part of the provider's metadata that a sign-in needs."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Keys(Struct, frozen=True):
    keys: list[dict[str, Any]]


class Published(Struct, frozen=True):
    endpoints: Endpoints
    keys: KeySet
    at: dt.datetime


def fetch(http: Http, issuer: str, now: dt.datetime) -> Published:
    """Fetch both documents. Raises TransientError and PermanentError, as `Http` and with `provider-invalid`."""
    endpoints = _document(http, str(get_well_known_url(issuer, external=True)), Endpoints)
    if endpoints.issuer != issuer:
        raise invalid("its metadata names another issuer")
    for one in (endpoints.authorization_endpoint, endpoints.token_endpoint, endpoints.jwks_uri):
        check_address(one)
    if endpoints.end_session_endpoint is not None:
        check_address(endpoints.end_session_endpoint)
    keys = usable(_document(http, endpoints.jwks_uri, _Keys).keys)
    if not keys:
        raise invalid("it publishes no key that can be used")
    return Published(endpoints, KeySet(keys), now)


def usable(published: list[dict[str, Any]]) -> list[Any]:
    """Return the public keys among these that may sign ID tokens. What is not understood is left out (RFC 7517)."""
    found: list[Any] = []
    for one in published[:_MOST_KEYS]:
        if one.get("kty") not in ("RSA", "EC") or one.get("use", "sig") != "sig":
            continue
        try:
            key = jwk.import_key(one)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, ECKey) or (isinstance(key, RSAKey) and key.public_key.key_size >= _RSA_BITS):
            found.append(key)
    return found


def check_address(address: str) -> None:
    """Raise PermanentError for an endpoint to which secrets would go in plain text."""
    try:
        web_address(address)
    except ValueError as error:
        raise invalid(f"an endpoint {error}") from error
    if crosses_in_plain_text(address):
        raise invalid("an endpoint does not start with https://")


def invalid(what: str) -> PermanentError:
    return PermanentError(f"the provider cannot be used: {what}", code="provider-invalid")


def _document(http: Http, address: str, kind: type[T]) -> T:
    answer = http.request("GET", address, headers={"accept": "application/json"}, limits=LIMITS)
    if answer.status != 200:
        raise_for(answer.status)
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("it did not answer with the JSON that it should") from error


def raise_for(status: int) -> None:
    """Raise TransientError or PermanentError for an answer that is of no use."""
    if status >= 500 or status == 429:
        raise TransientError(f"the provider answered {status}", code="provider-unavailable")
    raise invalid(f"it answered {status}")
