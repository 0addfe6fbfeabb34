"""The settings of the `webhook` channel, validated without reading its secrets."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, PlainValidator, field_validator, model_validator

from pipeline.channels.shared.settings import Address, ChannelSettings, LocalPath, TotalTimeout
from pipeline.secret import SecretRef
from pipeline.validation import form
from pipeline.web_address import crosses_in_plain_text

_RESERVED = re.compile(
    r"(?i)webhook-.*|citewire-.*|content-.*|host|connection|transfer-encoding|expect|user-agent|date"
)
_SECRET_NAME = re.compile(r"(?i).*(auth|key|token|secret|password|cookie|signature).*")

Seconds = Annotated[float, Field(gt=0, le=600)]
HeaderName = Annotated[str, form(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "is not the name of a header")]


def _one_to_four(value: object) -> tuple[SecretRef, ...]:
    secrets = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not 1 <= len(secrets) <= 4:
        raise ValueError("give one secret, or a list of up to four: new and old ones, shared ones and Ed25519 keys")
    return tuple(SecretRef.parse(secret) for secret in secrets)


class BasicSettings(ChannelSettings):
    username: Annotated[str, form(r"[^:\x00-\x1f]+", "must be a name without colons and line breaks")]
    password: SecretRef


class TLSSettings(ChannelSettings):
    """Mutual TLS: PEM files of our client certificate and of the authorities to verify the partner's with.

    References must be files, because OpenSSL reads nothing else. `key`: None if the certificate's file contains it.
    """

    certificate: SecretRef
    key: SecretRef | None = None
    authorities: LocalPath | None = None  # None: Mozilla's

    @field_validator("certificate", "key")
    @classmethod
    def _file(cls, reference: SecretRef | None) -> SecretRef | None:
        if reference and reference.kind != "file":
            raise ValueError("must be a file: 'file:/path'")
        return reference


class WebhookSettings(ChannelSettings):
    """`secret`: one, or [new, old] while the partner switches. Header values may refer to secrets too (`env:NAME`).

    `plain_http`: credentials may be sent without TLS to another machine.
    """

    url: Address
    secret: Annotated[tuple[SecretRef, ...], PlainValidator(_one_to_four)]
    headers: dict[HeaderName, str] = Field(default_factory=dict)
    bearer: SecretRef | None = None
    basic: BasicSettings | None = None
    tls: TLSSettings | None = None
    gzip: bool = False
    plain_http: bool = False
    connect_timeout: Seconds = 5.0
    read_timeout: Seconds = 10.0
    total_timeout: TotalTimeout = 20.0

    @field_validator("headers")
    @classmethod
    def _allowed_headers(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if _RESERVED.fullmatch(name):
                raise ValueError(f"{name} is reserved for the delivery itself")
            if _SECRET_NAME.fullmatch(name):
                SecretRef.parse(value)
            if any(ord(character) < 32 or ord(character) > 126 for character in value):
                raise ValueError(f"the value of {name} must be printable ASCII")
        return headers

    @model_validator(mode="after")
    def _tls_over_tls(self) -> WebhookSettings:
        if self.tls and not self.url.startswith("https:"):
            raise ValueError("`tls` needs an https:// address")
        return self

    @model_validator(mode="after")
    def _credentials_over_tls(self) -> WebhookSettings:
        named = any(value.startswith(("env:", "file:/")) for value in self.headers.values())
        if (self.bearer or self.basic or named) and not self.plain_http and crosses_in_plain_text(self.url):
            raise ValueError("anyone on the way could read the credentials: use https://, or say `plain_http = true`")
        return self

    @model_validator(mode="after")
    def _one_authorization(self) -> WebhookSettings:
        named = any(name.lower() == "authorization" for name in self.headers)
        if (self.bearer is not None) + (self.basic is not None) + named > 1:
            raise ValueError("give one of `bearer`, `basic` and the header `authorization`")
        return self
