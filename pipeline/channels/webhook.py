"""The `webhook` channel: each revision as a signed HTTP POST (Standard Webhooks, www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, StringConstraints, field_validator, model_validator

from pipeline.channels import ChannelType
from pipeline.channels.secret import SecretRef
from pipeline.channels.settings import ChannelSettings
from pipeline.errors import ConfigError
from pipeline.http import Http, Limits
from pipeline.model.delivery import Parcel, Receipt

_ANSWER_BYTES = 16_384  # of the partner's answer: enough for its first line, which is all that is kept
_OURS = re.compile(r"(?i)webhook-.*|citewire-.*|content-.*|host|connection|transfer-encoding|expect|user-agent|date")
_SECRET_NAMED = re.compile(r"(?i).*(auth|key|token|secret|password|cookie|signature).*")

Seconds = Annotated[float, Field(gt=0, le=600)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]


def _one_or_two(value: object) -> tuple[SecretRef, ...]:
    secrets = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not 1 <= len(secrets) <= 2:
        raise ValueError("give one secret, or the new and the old one")
    return tuple(SecretRef.parse(secret) for secret in secrets)


class BasicSettings(ChannelSettings):
    username: str = Field(pattern=r"^[^:\x00-\x1f]+$")
    password: SecretRef


class WebhookSettings(ChannelSettings):
    """`secret`: one, or [new, old] while the partner changes over. Header values may be secrets too (`env:NAME`)."""

    url: str
    secret: Annotated[tuple[SecretRef, ...], PlainValidator(_one_or_two)]
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    bearer: SecretRef | None = None
    basic: BasicSettings | None = None
    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 10.0
    total_timeout: Annotated[float, Field(gt=0, le=40)] = 20.0  # a delivery is leased for a little longer

    @field_validator("url")
    @classmethod
    def _absolute(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an absolute https:// or http:// address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must hold no user name or password: use `basic`")
        return url

    @field_validator("headers")
    @classmethod
    def _headers_of_theirs(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if _OURS.fullmatch(name):
                raise ValueError(f"{name} is set by the delivery itself")
            if _SECRET_NAMED.fullmatch(name):
                SecretRef.parse(value)
            if any(ord(character) < 32 or ord(character) > 126 for character in value):
                raise ValueError(f"the value of {name} must be printable ASCII")
        return headers

    @model_validator(mode="after")
    def _one_authorization(self) -> WebhookSettings:
        named = any(name.lower() == "authorization" for name in self.headers)
        if (self.bearer is not None) + (self.basic is not None) + named > 1:
            raise ValueError("give one of `bearer`, `basic` and the header `authorization`")
        return self


class Webhook:
    """One endpoint. Its answer counts by status alone; its body is read for the operator's sake, to a bound."""

    def __init__(self, settings: WebhookSettings, http: Http) -> None:
        self._url = settings.url
        self._http = http
        self._limits = Limits(
            connect=settings.connect_timeout,
            read=settings.read_timeout,
            total=settings.total_timeout,
            max_bytes=_ANSWER_BYTES,
            truncate=True,
        )
        self._keys = tuple(signing_key(secret.resolve("secret")) for secret in settings.secret)
        self._headers = _own_headers(settings)

    def deliver(self, parcel: Parcel) -> Receipt:
        body = parcel.rendition.body
        headers = {
            **self._headers,
            "content-type": _content_type(parcel.rendition.media_type),
            **signed(parcel.message_id, int(parcel.at.timestamp()), body, self._keys),
            "citewire-event": parcel.event,
            "citewire-article": parcel.article_id,
            "citewire-revision": str(parcel.revision),
        }
        response = self._http.request("POST", self._url, headers=headers, body=body, limits=self._limits)
        response.raise_for_delivery(parcel.at)
        return Receipt(detail=response.line, status=response.status)

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


def _content_type(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


def _own_headers(settings: WebhookSettings) -> Mapping[str, str]:
    headers = {name: _value(name, value) for name, value in settings.headers.items()}
    if settings.bearer:
        headers["authorization"] = f"Bearer {settings.bearer.resolve('bearer')}"
    if settings.basic:
        credentials = f"{settings.basic.username}:{settings.basic.password.resolve('basic.password')}"
        headers["authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"  # RFC 7617
    return headers


def _value(name: str, value: str) -> str:
    if value.startswith(("env:", "file:/")):
        return SecretRef.parse(value).resolve(f"headers.{name}")
    return value


CHANNEL = ChannelType(name="webhook", settings=WebhookSettings, open=Webhook)
