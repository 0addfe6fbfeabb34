"""The `amp-cache` channel: tells AMP caches that a page has changed, and reads it back until the cache is fresh.

Requests are signed. The cache verifies them with the public key on the page's host (`PUBLIC_KEY`), which Citewire's web
server provides. A cache may answer "OK" and stay stale, so its copy is read back.
Sources: developers.google.com/amp/cache/update-cache, cdn.ampproject.org/caches.json.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pydantic import Field, field_validator

from pipeline.channels import ChannelType, Served
from pipeline.channels.amp_cache.page import same_or_newer
from pipeline.channels.amp_cache.urls import ascii_host, document_path, subdomain
from pipeline.channels.shared import not_found
from pipeline.channels.shared.deadline import Deadline, probe
from pipeline.channels.shared.settings import Address, ChannelSettings, TotalTimeout
from pipeline.errors import CitewireError, ConfigError, PermanentError, TransientError, UnsendableError
from pipeline.http import Http, Response
from pipeline.model.delivery import Difference, Parcel, Receipt
from pipeline.secret import SecretRef
from pipeline.validation import form
from pipeline.web_address import web_address

PUBLIC_KEY = "/.well-known/amphtml/apikey.pub"
_SMALLEST_KEY = 2048  # bits
_LARGEST = 4_000_000  # bytes of a document
_NO_MARKS = "-"  # the remote id where no cache has answered 404
_NOT_HELD = (301, 302, 303, 307, 308, 404, 410)  # a cache without a copy redirects to the page itself


class CacheSettings(ChannelSettings):
    """The address of a cache, in which `{subdomain}` is replaced by the cache's label for the page's host.

    `update_address`: the address for update requests, if it is a different one.
    """

    id: Annotated[str, form(r"[a-z0-9-]+", "must be lower-case letters, digits and -")]
    address: str
    update_address: str | None = None

    @field_validator("address", "update_address")
    @classmethod
    def _absolute(cls, address: str | None) -> str | None:
        parts = web_address((address or "https://x").replace("{subdomain}", "x"))
        if parts.query or "{" in parts.netloc:
            raise ValueError("must contain no query and no braces other than those of {subdomain}")
        return address and address.rstrip("/")


GOOGLE = CacheSettings(id="google", address="https://{subdomain}.cdn.ampproject.org")
BING = CacheSettings(id="bing", address="https://{subdomain}.www.bing-amp.com")


class AmpCacheSettings(ChannelSettings):
    """`key`: an RSA private key in PEM. `caches_url`: a list like caches.json, used instead of `caches`."""

    key: SecretRef
    caches: tuple[CacheSettings, ...] = Field((GOOGLE, BING), min_length=1)
    caches_url: Address | None = None
    read_back: bool = True
    total_timeout: TotalTimeout = 30.0


_Domain = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]+$")]


class _Listed(msgspec.Struct):
    """An entry of caches.json."""

    id: str
    cacheDomain: _Domain  # noqa: N815  # as named in the file
    updateCacheApiDomainSuffix: _Domain  # noqa: N815


class _Caches(msgspec.Struct):
    caches: list[_Listed]


class AmpCache:
    def __init__(self, settings: AmpCacheSettings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._key = private_key(settings.key)
        self._listed: Sequence[CacheSettings] | None = None

    def deliver(self, parcel: Parcel) -> Receipt:
        """Notify every cache, then raise the first error, if any; a transient one takes precedence."""
        path, deadline = _path(parcel), Deadline(self._settings.total_timeout)
        notified: list[str] = []
        failures: list[CitewireError] = []
        marks = _Marks(parcel.remote_id)
        for cache in self._caches(deadline):
            try:
                notified.append(f"{cache.id}: {self._refresh(cache, path, parcel, deadline, marks)}")
            except (TransientError, PermanentError) as error:
                failures.append(error)
        if failures:
            failure = next((error for error in failures if isinstance(error, TransientError)), failures[0])
            failure.ids |= {"remote_id": marks.remote_id}
            raise failure
        return Receipt(detail="; ".join(notified), status=200, remote_id=_NO_MARKS if parcel.remote_id else None)

    def shows(self, parcel: Parcel) -> str | None:
        path, deadline = _path(parcel), Deadline(self._settings.total_timeout)
        for cache in self._caches(deadline):
            if self._copy(cache, path, parcel, deadline) == "stale":
                return f"{cache.id}: {_address(cache, parcel)}{path}"
        return None

    def differs(self, parcel: Parcel, digest: str) -> Difference | None:
        """A cache that has no copy fetches one when a reader asks for it, so nothing is missing."""
        shown = self.shows(parcel)
        return None if shown is None else Difference("older", f"{shown} shows an older revision")

    def check(self) -> str:
        deadline = Deadline(self._settings.total_timeout)
        names = []
        for cache in self._caches(deadline):
            probe(self._http, cache.address.replace("{subdomain}", subdomain("example.com")) + "/", deadline.limits())
            names.append(cache.id)
        return f"reached: {', '.join(names)}; requests are signed with a key of {self._key.key_size} bits"

    def close(self) -> None:
        """Do nothing: connections belong to the thread and are shared with other channels."""

    # --- one cache

    def _refresh(self, cache: CacheSettings, path: str, parcel: Parcel, deadline: Deadline, marks: _Marks) -> str:
        """Notify one cache, and return what it holds afterwards."""
        target = self._signed(f"/update-cache{path}", parcel.at)
        url = _address(cache, parcel, update=True) + target
        response = self._http.request("GET", url, limits=deadline.limits())
        if response.status == 404 and parcel.event != "published":
            marks.confirm(cache, parcel)
        else:
            marks.clear(cache)
            if response.status not in (404, 410):  # 404 or 410: it never had the page
                _named(response, cache).raise_for_delivery(parcel.at)
        if not self._settings.read_back:
            return response.line
        copy = self._copy(cache, path, parcel, deadline)
        if copy == "stale":
            message = f"{cache.id} answered {response.line} and still shows an older revision"
            raise TransientError(message, status=response.status, code="cache-stale")
        return copy

    def _copy(self, cache: CacheSettings, path: str, parcel: Parcel, deadline: Deadline) -> str:
        """Return the state of the cache's copy: `fresh`, `stale` or `not held`."""
        response = self._http.request("GET", _address(cache, parcel) + path, limits=deadline.limits(max_bytes=_LARGEST))
        if response.status in _NOT_HELD:
            return "not held"
        _named(response, cache).raise_for_delivery(parcel.at)
        return "fresh" if same_or_newer(response.body, parcel) else "stale"

    def _signed(self, path: str, at: dt.datetime) -> str:
        """Return the path with a signature, valid for a minute around `at`. The cache's host is not part of it."""
        target = f"{path}{'&' if '?' in path else '?'}amp_action=flush&amp_ts={int(at.timestamp())}"
        signature = self._key.sign(target.encode(), PKCS1v15(), SHA256())
        return f"{target}&amp_url_signature={base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    # --- which caches

    def _caches(self, deadline: Deadline) -> Sequence[CacheSettings]:
        """Return the caches from the settings, or from `caches_url`, which is fetched once per open channel."""
        if self._settings.caches_url is None:
            return self._settings.caches
        if self._listed is None:
            limits = deadline.limits(max_bytes=1_000_000)
            response = self._http.request("GET", self._settings.caches_url, limits=limits)
            response.raise_for_delivery(dt.datetime.now(dt.UTC))
            self._listed = tuple(_listed(response.body))
        return self._listed


class _Marks:
    """The first 404 of each cache, kept together as the channel's remote id: one cache's says nothing of another.

    A mark stays until the cache answers something else or the delivery has succeeded at every cache.
    """

    def __init__(self, remote_id: str | None) -> None:
        self._marks = {not_found.without_mark(mark): mark for mark in (remote_id or _NO_MARKS).split("; ")}

    def confirm(self, cache: CacheSettings, parcel: Parcel) -> None:
        try:
            marked = dataclasses.replace(parcel, remote_id=self._marks.get(cache.id))
            not_found.confirm(marked, who=cache.id, remote_id=cache.id)
        except PermanentError as error:
            self._marks[cache.id] = error.ids["remote_id"]
            raise

    def clear(self, cache: CacheSettings) -> None:
        self._marks.pop(cache.id, None)

    @property
    def remote_id(self) -> str:
        """What to store: never empty, because that would leave earlier marks as they are."""
        return "; ".join(mark for mark in self._marks.values() if mark != _NO_MARKS) or _NO_MARKS


@dataclass(frozen=True)
class PublicKey:
    """Makes the public key document that caches fetch. Raises ConfigError."""

    key: SecretRef

    def __call__(self) -> Served:
        public = private_key(self.key).public_key()
        return Served("text/plain", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def served(settings: AmpCacheSettings) -> Mapping[str, PublicKey]:
    return {PUBLIC_KEY: PublicKey(settings.key)}


def private_key(secret: SecretRef) -> RSAPrivateKey:
    """Return the key. Raises a ConfigError that quotes no part of it."""
    text = secret.resolve("key")
    hint = "create one with `openssl genrsa 2048`"
    try:
        key: Any = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(f"must be a private key in PEM without a password: {hint}", key="key") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SMALLEST_KEY:
        raise ConfigError(f"must be an RSA key of {_SMALLEST_KEY} bits or more: {hint}", key="key")
    return key


def _path(parcel: Parcel) -> str:
    try:
        return document_path(parcel.links.amp if parcel.links else "")
    except ValueError:  # includes UnicodeError
        raise UnsendableError("the AMP page has no address that a cache can fetch", code="no-address") from None


def _address(cache: CacheSettings, parcel: Parcel, *, update: bool = False) -> str:
    assert parcel.links is not None, "checked by _path"
    host = ascii_host(urlsplit(parcel.links.amp).hostname or "")
    template = (cache.update_address if update else None) or cache.address
    return template.replace("{subdomain}", subdomain(host))


def _named(response: Response, cache: CacheSettings) -> Response:
    """Return the response with the cache's name in front of its text."""
    return dataclasses.replace(response, body=f"{cache.id}: {response.excerpt}".encode())


def _listed(body: bytes) -> Iterator[CacheSettings]:
    try:
        caches = msgspec.json.decode(body, type=_Caches).caches
        for one in caches:
            yield CacheSettings(
                id=one.id,
                address=f"https://{{subdomain}}.{one.cacheDomain}",
                update_address=f"https://{{subdomain}}.{one.updateCacheApiDomainSuffix}",
            )
    except ValueError as error:  # msgspec's and pydantic's errors are ValueErrors
        raise TransientError("the list of caches cannot be read", code="bad-response") from error
    if not caches:
        raise TransientError("the list of caches is empty", code="bad-response")


CHANNEL = ChannelType(
    name="amp-cache", settings=AmpCacheSettings, open=AmpCache, format="amp", also=("json-feed",), well_known=served
)
