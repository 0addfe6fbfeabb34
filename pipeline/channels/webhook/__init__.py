"""The `webhook` channel: each revision as a signed HTTP POST (Standard Webhooks, www.standardwebhooks.com).

What is signed is the article itself. With `gzip` the body is packed after that: the specification's own libraries
verify text only, so that nobody could check a signature over packed bytes with them.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import gzip
import hmac
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.channels import ChannelType
from pipeline.channels.webhook.settings import TLSSettings, WebhookSettings
from pipeline.errors import ConfigError
from pipeline.http import ClientCertificate, Http, Limits
from pipeline.model.delivery import Parcel, Receipt
from pipeline.secret import SecretRef

_ANSWER_BYTES = 16_384  # of the partner's answer, of which a kilobyte is kept


class Webhook:
    """One endpoint. Its answer counts by status alone; its body is read for the operator's sake, to a bound."""

    def __init__(self, settings: WebhookSettings, http: Http) -> None:
        self._url = settings.url
        self._http = _with_client_certificate(http, settings.tls) if settings.tls else http
        self._limits = Limits(
            connect=settings.connect_timeout,
            read=settings.read_timeout,
            total=settings.total_timeout,
            max_bytes=_ANSWER_BYTES,
            truncate=True,
        )
        self._keys = tuple(signing_key(secret.resolve("secret")) for secret in settings.secret)
        self._headers = _own_headers(settings)
        self._encoding = {"content-encoding": "gzip"} if settings.gzip else {}
        self._secrets = tuple(_shown_to_them(settings))

    def deliver(self, parcel: Parcel) -> Receipt:
        body = parcel.rendition.body
        headers = {
            **self._headers,
            **self._encoding,
            "content-type": parcel.rendition.content_type,
            **signed(parcel.message_id, int(parcel.at.timestamp()), body, self._keys),
            "citewire-event": parcel.event,
            "citewire-article": parcel.article_id,
            "citewire-revision": str(parcel.revision),
        }
        if self._encoding:
            body = gzip.compress(body, 6, mtime=0)  # the same bytes at every attempt
        response = self._http.request("POST", self._url, headers=headers, body=body, limits=self._limits)
        response = response.without(self._secrets)
        response.raise_for_delivery(parcel.at)
        return Receipt(detail=response.line, status=response.status, answer=response.opening)

    def check(self) -> str:
        """OPTIONS changes nothing at the other end (RFC 9110, section 9.2.1). No secret is shown to it.

        Many endpoints take nothing but POST, so 4xx and 501 say no more than that somebody is there.
        """
        response = self._http.request("OPTIONS", self._url, limits=self._limits)
        if response.status == 410 or (response.status >= 500 and response.status != 501):
            response.raise_for_delivery(dt.datetime.now(dt.UTC))
        return f"reached: {response.line} to OPTIONS"

    def close(self) -> None:
        """The connections are the thread's, and shared with other channels."""


def signed(message_id: str, timestamp: int, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """The three headers of Standard Webhooks, one signature for each key.

    Not by the `standardwebhooks` package, which signs text only and with one key; the tests verify with it.
    """
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    signatures = (base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def signing_key(secret: str, *, key: str = "secret") -> bytes:
    """The bytes of a Standard Webhooks secret: base64 after an optional `whsec_`, its padding optional too.

    Other text is refused, because libraries disagree on what it would mean. Raises ConfigError naming `key`.
    """
    encoded = secret.removeprefix("whsec_").rstrip("=")
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(
            "the secret is not base64: make one with `echo whsec_$(openssl rand -base64 32)`", key=key
        ) from None


def _own_headers(settings: WebhookSettings) -> Mapping[str, str]:
    headers = {name: _value(name, value) for name, value in settings.headers.items()}
    if settings.bearer:
        headers["authorization"] = f"Bearer {settings.bearer.resolve('bearer')}"
    if settings.basic:
        credentials = f"{settings.basic.username}:{settings.basic.password.resolve('basic.password')}"
        headers["authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"  # RFC 7617
    return headers


def _shown_to_them(settings: WebhookSettings) -> Iterator[bytes]:
    """The secrets that a request holds, in each form: an answer may repeat them."""
    if settings.bearer:
        yield settings.bearer.resolve("bearer").encode()
    if settings.basic:
        password = settings.basic.password.resolve("basic.password")
        yield from (password.encode(), base64.b64encode(f"{settings.basic.username}:{password}".encode()))
    for name, value in settings.headers.items():
        if (secret := _value(name, value)) != value:
            yield secret.encode()


def _with_client_certificate(http: Http, tls: TLSSettings) -> Http:
    key = Path(tls.key.name) if tls.key else None
    try:
        return http.with_client_certificate(ClientCertificate(Path(tls.certificate.name), key, tls.authorities))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not PEM"
        raise ConfigError(
            f"no certificate and unencrypted key in PEM can be read there: {reason}",
            key="tls",
            code="invalid-certificate",
        ) from error


def _value(name: str, value: str) -> str:
    if value.startswith(("env:", "file:/")):
        return SecretRef.parse(value).resolve(f"headers.{name}")
    return value


CHANNEL = ChannelType(name="webhook", settings=WebhookSettings, open=Webhook)
