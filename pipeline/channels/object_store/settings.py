"""The settings of the `object-store` channel, and the store that they describe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store
from pydantic import Field, field_validator, model_validator

from pipeline.channels.shared.folder import folder_place
from pipeline.channels.shared.settings import ChannelSettings
from pipeline.errors import ConfigError
from pipeline.http import EgressGuard
from pipeline.http.gateway import Gateway, target_of
from pipeline.secret import SecretRef
from pipeline.validation import form
from pipeline.web_address import web_address

_SCHEMES = ("s3", "gs", "az", "file")
_KEYS = {  # the credentials of each kind: all keys of one alternative are required
    "s3": (("access_key_id", "secret_access_key"),),
    "gs": (("service_account",),),
    "az": (("account", "account_key"), ("account", "sas_token")),
    "file": ((),),
}
_TOKENS_OF_GOOGLE = ("oauth2.googleapis.com", 443)
# Where instances and pods get their credentials.
_OF_MACHINE = (ip_network("169.254.169.254/32"), ip_network("169.254.170.0/24"))
_ALL_KEYS = ("access_key_id", "secret_access_key", "service_account", "account", "account_key", "sas_token")


class ObjectStoreSettings(ChannelSettings):
    """`credentials`: "given" in these settings, or those of the "machine" (role, environment) as found by obstore."""

    url: str
    credentials: Literal["given", "machine"] = "given"
    access_key_id: SecretRef | None = None
    secret_access_key: SecretRef | None = None
    service_account: SecretRef | None = None  # a service account's key in JSON
    account: str | None = None  # Azure's storage account; not a secret
    account_key: SecretRef | None = None
    sas_token: SecretRef | None = None
    region: Annotated[str, form(r"[a-z0-9-]+", "must be lower-case letters, digits and -")] = "us-east-1"
    endpoint: str | None = None  # None: the cloud's
    content_type: Annotated[str | None, form(r"[!-~]+/[ -~]+", "must be a media type like text/html")] = (
        None  # None: the rendition's
    )
    cache_control: Annotated[str | None, form(r"[ -~]+", "must be ASCII without control characters")] = None
    on_withdrawal: Literal["tombstone", "delete"] = "tombstone"
    index: int = Field(default=100, ge=0, le=1000)  # latest changes in `index.json`; 0: no index
    connect_timeout: Annotated[float, Field(gt=0, le=10)] = 5.0
    request_timeout: Annotated[float, Field(gt=0, le=10)] = 10.0
    total_timeout: Annotated[float, Field(gt=0, le=30)] = 30.0  # no request is started after this

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES:
            raise ValueError("must start with s3://, gs://, az:// or file:///")
        if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
            raise ValueError("a folder must be written as file:///path")
        if parts.scheme != "file" and not parts.netloc:
            raise ValueError("must name a bucket, or a container")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("must contain only the bucket and a path: credentials have their own keys")
        return url

    @field_validator("endpoint")
    @classmethod
    def _address(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        web_address(endpoint)
        return endpoint.rstrip("/")

    @model_validator(mode="after")
    def _complete(self) -> ObjectStoreSettings:
        given = {key for key in _ALL_KEYS if getattr(self, key) is not None}
        if self.kind == "az" and self.account is None:
            raise ValueError("az:// needs `account`")
        if self.credentials == "machine":
            if given - {"account"}:
                raise ValueError('give either credentials = "machine" or keys')
        elif not any(given == set(line) for line in _KEYS[self.kind]):
            choices = " or ".join(" and ".join(f"`{key}`" for key in line) or "no keys" for line in _KEYS[self.kind])
            raise ValueError(f"{self.kind}:// takes {choices}")
        return self

    @property
    def kind(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def folder(self) -> Path | None:
        return Path(urlsplit(self.url).path) if self.kind == "file" else None

    @property
    def where(self) -> str | None:
        """Return the address that requests go to, or None for a folder."""
        clouds = {
            "s3": f"https://s3.{self.region}.amazonaws.com",
            "gs": "https://storage.googleapis.com",
            "az": f"https://{self.account}.blob.core.windows.net",
        }
        return None if self.kind == "file" else self.endpoint or clouds[self.kind]


def place_of(settings: ObjectStoreSettings) -> str:
    """Return the store's canonical address, with its endpoint if it is not the cloud's own, and without credentials."""
    if settings.folder is not None:
        return folder_place(settings.folder)
    parts = urlsplit(settings.url)
    account = f"{settings.account}/" if settings.kind == "az" else ""
    path = "/".join(filter(None, (parts.netloc, *parts.path.split("/"))))
    if settings.endpoint is None:
        return f"{settings.kind}://{account}{path}"
    endpoint = urlsplit(settings.endpoint)
    return f"{settings.kind}+{endpoint.scheme}://{endpoint.netloc.lower()}{endpoint.path}/{account}{path}"


@dataclass(frozen=True)
class _Keys:
    """A provider of the given credentials. Otherwise obstore would mix in what it finds in the environment."""

    found: dict[str, str | None]

    def __call__(self) -> dict[str, Any]:
        return {**self.found, "expires_at": None}


def gateway_of(settings: ObjectStoreSettings, guard: EgressGuard) -> Gateway | None:
    """Return the proxy that obstore must use; None for a folder.

    It leads to the store, and where tokens for it are made. What the credentials of a machine come from differs too
    much to be listed: anything that the guard permits may be reached for them, and the machine's own addresses.
    """
    if settings.where is None:
        return None
    if settings.credentials == "machine":
        return Gateway(replace(guard, allow=[*guard.allow, *_OF_MACHINE]), None, timeout=settings.connect_timeout)
    own = target_of(settings.where)
    hosts = {own, _TOKENS_OF_GOOGLE} if settings.kind == "gs" else {own}
    return Gateway(guard, hosts, timeout=settings.connect_timeout)


def store_of(settings: ObjectStoreSettings, *, proxy: str | None) -> ObjectStore:
    """Return the store, without connecting. Raises ConfigError if a secret is missing or obstore rejects one."""
    if settings.folder is not None:
        return LocalStore(settings.folder, automatic_cleanup=False, mkdir=True)
    where = settings.where or ""
    options: dict[str, Any] = {
        "client_options": {
            "allow_http": where.startswith("http:"),
            "connect_timeout": f"{round(settings.connect_timeout * 1000)}ms",
            "timeout": f"{round(settings.request_timeout * 1000)}ms",
            "user_agent": "citewire",
            "proxy_url": proxy,  # also instead of any proxy of the environment
        },
        "retry_config": {"max_retries": 0},  # retries are scheduled by the ledger
    }
    parts = urlsplit(settings.url)
    bucket, prefix = parts.netloc, parts.path.strip("/") or None
    try:
        return _made(settings, bucket, {**options, "prefix": prefix}, where)
    except (BaseError, ValueError, TypeError):
        # No cause: its message may contain credentials.
        raise ConfigError("the object store's library rejects these settings", key="url") from None


def _made(settings: ObjectStoreSettings, bucket: str, options: dict[str, Any], where: str) -> ObjectStore:
    given = settings.credentials == "given"
    if settings.kind == "s3":
        if given:
            key, secret = _secret(settings, "access_key_id"), _secret(settings, "secret_access_key")
            options["credential_provider"] = _Keys({"access_key_id": key, "secret_access_key": secret, "token": None})
        # Objects are deleted one by one: not every S3-compatible store supports bulk deletion.
        return S3Store(bucket, endpoint=where, region=settings.region, disable_bulk_delete=True, **options)
    if settings.kind == "gs":
        if given:
            options["service_account_key"] = _secret(settings, "service_account")
        return GCSStore(bucket, base_url=where, **options)
    if given:
        name = "account_key" if settings.account_key else "sas_token"
        found = {"access_key" if settings.account_key else "sas_token": _secret(settings, name)}
        options["credential_provider"] = _Keys(dict(found))
    return AzureStore(bucket, account_name=settings.account, endpoint=where, **options)


def _secret(settings: ObjectStoreSettings, key: str) -> str:
    reference = getattr(settings, key)
    assert isinstance(reference, SecretRef)
    return reference.resolve(key)
