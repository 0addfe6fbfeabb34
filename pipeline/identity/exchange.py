"""The token endpoint: a code for an ID token (RFC 6749, section 4.1.3), by Authlib over our own HTTP client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import DEFAULT_HEADERS, OAuth2Client
from msgspec import Struct

from pipeline.http import Http, Response
from pipeline.identity.plan import LIMITS, NotIdentified, ProviderPlan
from pipeline.identity.published import Endpoints, invalid, raise_for

_ERROR = re.compile(r"[a-z_]{1,60}")  # the codes of RFC 6749 and OpenID Connect; anything else is not repeated


class _Tokens(Struct, frozen=True):
    """What is read of the answer."""

    id_token: str | None = None
    access_token: str | None = None
    error: str | None = None


class _Answer:
    """A response in the form that Authlib expects."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self.status_code = response.status

    def json(self) -> dict[str, str]:
        try:
            found = msgspec.json.decode(self._response.body, type=_Tokens)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError("not the JSON of a token endpoint") from error
        return {name: value for name, value in msgspec.structs.asdict(found).items() if value is not None}

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise_for(self.status_code)


class _Session:
    """The HTTP client in the form of the session that Authlib expects."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def post(self, url: str, *, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> _Answer:
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Answer(self._http.request("POST", url, headers=sent, body=body.encode(), limits=LIMITS))


def client_of(plan: ProviderPlan, endpoints: Endpoints, http: Http) -> OAuth2Client:
    """Return Authlib's client for the provider, which authenticates in a way that the provider takes."""
    offered = endpoints.token_endpoint_auth_methods_supported
    method = next((one for one in ("client_secret_basic", "client_secret_post") if one in offered), None)
    if method is None:
        raise invalid("it takes a client's secret in no way that is known here")
    return OAuth2Client(
        _Session(http),
        client_id=plan.client_id,
        client_secret=plan.secret,
        token_endpoint_auth_method=method,
        scope=" ".join(plan.scopes),
        redirect_uri=plan.callback,
        code_challenge_method="S256",
    )


def exchange(client: OAuth2Client, endpoint: str, *, code: str, verifier: str) -> tuple[str, str | None]:
    """Return the ID token, and the access token if there is one, that the code is exchanged for.

    Raises NotIdentified, TransientError and PermanentError.
    """
    headers = dict(DEFAULT_HEADERS)  # a copy: Authlib writes the secret into it
    asked = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "headers": headers}
    try:
        tokens = client.fetch_token(endpoint, **asked)
    except OAuth2Error as error:
        raise refused(str(error.error)) from error
    except ValueError as error:
        raise invalid("its token endpoint did not answer with the JSON that it should") from error
    if "id_token" not in tokens:
        raise invalid("its token endpoint gave no ID token")
    return tokens["id_token"], tokens.get("access_token")


def refused(error: str) -> NotIdentified:
    """Return the error for a provider that has said no, with its code if that is one."""
    code = error if _ERROR.fullmatch(error) else "an unknown error"
    return NotIdentified(f"The sign-in service refused: {code}.", code="provider-refused")
