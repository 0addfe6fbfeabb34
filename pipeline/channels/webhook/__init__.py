"""The `webhook` channel: each revision as a signed HTTP POST (Standard Webhooks, www.standardwebhooks.com).

The signature covers the uncompressed article even with `gzip`: the specification's own libraries verify only text, and
could not check a signature over compressed bytes.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.channels import ChannelType, Rotation
from pipeline.channels.shared.deadline import probe
from pipeline.channels.webhook import rotation
from pipeline.channels.webhook.rotation import MadeSecrets
from pipeline.channels.webhook.settings import TLSSettings, WebhookSettings
from pipeline.channels.webhook.signing import Signer, message_id, read_signer, signed
from pipeline.channels.webhook.verifying import checks
from pipeline.errors import ConfigError, TransientError
from pipeline.http import ClientCertificate, Http, Limits, Response
from pipeline.model.delivery import Parcel, Receipt, SignatureCheck
from pipeline.secret import SecretRef

_REFUSED_SIGNATURE = frozenset({400, 401, 403, 422})
_CLOCKS_DIFFER = 60.0  # seconds from which a refusal may be about the timestamp; a request may take 40
_ANSWER_BYTES = 16_384  # bytes read of the partner's response; the first kilobyte is stored


class Webhook:
    """One endpoint. Only the status of a response matters; part of the body is kept for the operator."""

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
        self._configured = tuple(read_signer(secret.resolve("secret")) for secret in settings.secret)
        self._made: MadeSecrets | None = None
        self._headers = _configured_headers(settings)
        self._encoding = {"content-encoding": "gzip"} if settings.gzip else {}
        self._secrets = tuple(_secrets_sent(settings))

    def deliver(self, parcel: Parcel) -> Receipt:
        body = parcel.rendition.body
        headers = {
            **self._headers,
            **self._encoding,
            "content-type": parcel.rendition.content_type,
            **signed(message_id(parcel), int(parcel.at.timestamp()), body, self._signers(parcel.at)),
            "citewire-event": parcel.event,
            "citewire-article": parcel.article_id,
            "citewire-revision": str(parcel.revision),
        }
        if parcel.cause is not None:
            headers["citewire-cause"] = parcel.cause
        if parcel.trace is not None:
            headers["traceparent"] = parcel.trace  # not signed: whoever passes the request on may continue the trace
        if self._encoding:
            body = gzip.compress(body, 6, mtime=0)  # mtime=0: the same bytes at every attempt
        response = self._http.request("POST", self._url, headers=headers, body=body, limits=self._limits)
        response = response.without(self._secrets)
        _raise_if_clocks_differ(response, parcel.at)
        response.raise_for_delivery(parcel.at)
        return Receipt(detail=response.line, status=response.status, answer=response.opening)

    def check(self) -> str:
        """Contact the endpoint without sending any credentials."""
        signers = self._signers(dt.datetime.now(dt.UTC))
        keys = [f"verify with {signer.public}" for signer in signers if signer.public]
        return "; ".join([f"reached: {probe(self._http, self._url, self._limits)}", *keys])

    def verify(self, headers: Mapping[str, str], body: bytes, *, now: dt.datetime) -> Sequence[SignatureCheck]:
        return checks(headers, body, self._signers(now), now=now)

    def sign_with(self, state: bytes) -> None:
        self._made = rotation.decoded(state)

    def rotated(self, state: bytes | None, *, now: dt.datetime, overlap: dt.timedelta) -> Rotation:
        versions = {rotation.version_of(signer) for signer in self._configured}
        before = None if state is None else rotation.decoded(state)
        made = rotation.rotated(before, versions, now=now, overlap=overlap)
        secret, public_key = rotation.shown(made)
        return Rotation(rotation.encoded(made), made.former_until(now), secret, public_key)

    def without_former(self, state: bytes, *, now: dt.datetime) -> Rotation:
        made = rotation.newest_alone(rotation.decoded(state), now=now)
        return Rotation(rotation.encoded(made), made.former_until(now))

    def _signers(self, now: dt.datetime) -> tuple[Signer, ...]:
        """Return what signs at this time: what the partner has made comes first."""
        made = self._made
        if made is None:
            return self._configured
        own = tuple(map(read_signer, made.in_force(now)))
        return own + self._configured if now < made.configured_until else own

    def close(self) -> None:
        """Do nothing: connections belong to the thread and are shared with other channels."""


def _raise_if_clocks_differ(response: Response, sent: dt.datetime) -> None:
    """Raise TransientError if the receiver may have refused the timestamp: then nothing is wrong with the article.

    Standard Webhooks has receivers refuse a timestamp that is more than five minutes off. What they answer is not
    specified, so every refusal counts whose Date header differs from our time.
    """
    ahead = response.clock_difference(sent)
    if response.status not in _REFUSED_SIGNATURE or ahead is None or abs(ahead) < _CLOCKS_DIFFER:
        return
    word = "ahead of" if ahead > 0 else "behind"
    message = (
        f"{response.line}: our clock is {abs(ahead):,.0f} seconds {word} the receiver's, "
        "which may have refused the timestamp: one of the two must be set"
    )
    raise TransientError(message, status=response.status, answer=response.opening, code="clocks-differ")


def _configured_headers(settings: WebhookSettings) -> Mapping[str, str]:
    headers = {name: _value(name, value) for name, value in settings.headers.items()}
    if settings.bearer:
        headers["authorization"] = f"Bearer {settings.bearer.resolve('bearer')}"
    if settings.basic:
        credentials = f"{settings.basic.username}:{settings.basic.password.resolve('basic.password')}"
        headers["authorization"] = f"Basic {base64.b64encode(credentials.encode()).decode()}"  # RFC 7617
    return headers


def _secrets_sent(settings: WebhookSettings) -> Iterator[bytes]:
    """Yield the secrets sent in a request, in every form in which a response may repeat them."""
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
            f"cannot read a certificate and an unencrypted key in PEM: {reason}",
            key="tls",
            code="invalid-certificate",
        ) from error


def _value(name: str, value: str) -> str:
    if value.startswith(("env:", "file:/")):
        return SecretRef.parse(value).resolve(f"headers.{name}")
    return value


def _signing_keys(settings: WebhookSettings, key: str) -> list[bytes]:
    return [read_signer(secret.resolve(key), key=key).secret for secret in settings.secret]


CHANNEL = ChannelType(
    name="webhook",
    settings=WebhookSettings,
    open=Webhook,
    signing_keys=_signing_keys,
    singly=True,
    takes_sample=True,
)
