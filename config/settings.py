"""Settings, typed and checked at startup. An error names the file and the key, and never quotes a secret."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from config import addresses
from pipeline.hints import nearest
from pipeline.model.policy import EvidencePolicy, ReviewPolicy, SessionLimits
from pipeline.model.reference import EditorialState
from pipeline.model.roles import Role
from pipeline.model.site import Profile
from pipeline.secret import SecretRef
from pipeline.validation import form
from pipeline.web_address import crosses_in_plain_text, web_address

_IDCONV = "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/"

_ID = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_CONTACT = r"mailto:[^\s@]+@[^\s@]+|https://\S+|tel:\+[\d-]+"


def _http_url(value: str) -> str:
    web_address(value)
    return value


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be lower-case letters and digits, with single - _ or . between them")
    return value


def _network(value: object) -> object:
    try:
        return ipaddress.ip_network(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("is not a network: write it like 10.1.0.0/16") from None


def _words(value: object) -> object:
    """Split a comma-separated string, which is the only form of a list that an environment variable can have."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


def _references(value: object) -> object:
    """Return references to secrets as a tuple, of one or of several."""
    return tuple(map(SecretRef.parse, value if isinstance(value, list | tuple) else (value,)))


def _or_auto(value: object) -> object:
    """Return None for "auto"."""
    if isinstance(value, str) and value != "auto" and not value.isdecimal():
        raise ValueError("must be a number or 'auto'")
    return None if value == "auto" else value


Url = Annotated[str, AfterValidator(_http_url)]
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
Id = Annotated[str, Field(max_length=100), AfterValidator(_id)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SiteSettings(_Part):
    title: str
    url: Annotated[Url, AfterValidator(lambda url: url.rstrip("/"))]
    language: str = "en"
    publisher: str
    logo: Url | None = None
    disclaimer: str
    hubs: tuple[Url, ...] = ()
    id_prefix: str | None = None  # the former `url`, which keeps the ids of entries when the site moves
    tombstone_days: int = Field(30, ge=0, le=3650)
    public_url: Annotated[Url, AfterValidator(lambda url: url.rstrip("/"))] | None = None


class FeedSettings(_Part):
    id: Id
    title: str
    description: str | None = None
    topics: tuple[str, ...] = ()
    without_topics: tuple[str, ...] = ()
    language: Annotated[str, form(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", "must be a language tag like en-GB")] | None = (
        None
    )
    formats: tuple[str, ...] = ()
    size: int = Field(50, ge=1, le=1000)
    content: Literal["full", "summary"] = "full"
    order: Literal["updated", "published"] = "updated"
    profile: Profile | None = None
    dark_logo: Url | None = None
    analytics: str | None = Field(None, max_length=10_000)


class GateSettings(_Part):
    """What a channel requires of an article's references."""

    min_resolved: int = Field(0, ge=0)
    refuse: tuple[EditorialState, ...] = ()
    newest_within_years: int | None = Field(None, ge=1)
    refuse_pending: bool = False
    match: bool = False


Mailbox = Annotated[str, form(r"[^@\s]{1,64}@[A-Za-z0-9.-]{1,190}", "must be a mail address like desk@example.org")]


class NotifySettings(_Part):
    """Where to notify a channel's partner that it cannot be delivered to."""

    url: Url | None = None
    secret: SecretRef | None = None
    email: Mailbox | None = None

    @model_validator(mode="after")
    def _one_way(self) -> NotifySettings:
        if (self.url is None) == (self.email is None):
            raise ValueError("give `url` with `secret`, or `email`")
        if (self.url is None) != (self.secret is None):
            raise ValueError("`url` needs a `secret` to sign with")
        return self


class ChannelSettings(BaseModel):
    """The keys that every channel has. The others belong to its type, which checks them."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    id: Id
    type: str
    format: str | None = None  # optional for types that have a default
    topics: tuple[str, ...] = ()
    enabled: bool = True
    parallel: int | None = Field(None, ge=1, le=64)
    rate: float | None = Field(None, gt=0, le=10_000)
    every: float = Field(0.0, ge=0, le=604_800)
    max_bytes: int | None = Field(None, ge=1)
    retries: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(None, min_length=1)
    refused_retries: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    evidence: EvidencePolicy | None = None
    gate: GateSettings | None = None
    proof_url: Url | None = None
    backfill: bool | None = None  # None: as its type does
    notify: NotifySettings | None = None

    _base: Path = PrivateAttr(Path())

    def model_post_init(self, context: Any) -> None:
        self._base = (context or {}).get("base", Path())

    @property
    def base(self) -> Path:
        """The folder of the settings file; the channel's relative paths start there."""
        return self._base

    @property
    def own(self) -> Mapping[str, Any]:
        return self.__pydantic_extra__ or {}


def _address_or_secret(value: str) -> str:
    """Accept an address, or a reference to one: the addresses of Slack and Teams are secrets themselves."""
    return str(SecretRef.parse(value)) if value.startswith(("env:", "file:")) else _http_url(value)


def _drop_entry(value: str) -> str:
    from pipeline.intake.dropping import compile_selector, is_selector

    if is_selector(value):
        compile_selector(value)
    return value


class IntakeSettings(_Part):
    drop: tuple[Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_drop_entry)], ...] = Field(
        (), max_length=1000
    )


def _source_url(value: str) -> str:
    return _http_url(value) if value else value


def public_sources() -> dict[str, str]:
    """Return the sources beside PubMed with their public addresses: those asked about papers, and published lists."""
    from pipeline.references.lists import lists
    from pipeline.references.sources import sources

    return {name: one.url for name, one in sources().items()} | {name: one.url for name, one in lists().items()}


def _known_source(name: str) -> str:
    if name not in (known := public_sources()):
        raise ValueError(f"is not a source of references ({nearest(name, sorted(known))})")
    return name


class EvidenceSettings(_Part):
    wait: float = Field(10.0, ge=0, le=3600)
    recheck_days: int = Field(1, ge=0, le=365)
    policy: EvidencePolicy = "annotate"
    hold_on: tuple[EditorialState, ...] = Field(("retracted",), min_length=1)
    overdue_review: ReviewPolicy = "notify"
    signing_key: SecretRef | None = None


class RenderSettings(_Part):
    formats: Literal["wanted", "all"] = "wanted"
    refresh_rate: float = Field(10.0, ge=0, le=1000)


class KeepSettings(_Part):
    attempts_days: int = Field(90, ge=1, le=36_500)
    changes_days: int = Field(365, ge=1, le=36_500)
    tokens_days: int = Field(90, ge=1, le=36_500)
    operations_days: int = Field(730, ge=1, le=36_500)
    renditions_days: int = Field(365, ge=1, le=36_500)
    references_days: int = Field(365, ge=1, le=36_500)
    readers_days: int = Field(90, ge=1, le=36_500)


class DeliverySettings(_Part):
    retries: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1)
    refused_retries: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    parallel: int = Field(3, ge=1, le=32)


class PlaceSettings(_Part):
    on_move: Literal["keep", "empty"] = "keep"


class AlertWebhookSettings(_Part):
    url: Annotated[str, AfterValidator(_address_or_secret)]
    form: Literal["json", "slack", "teams"] = "json"


class AlertMailSettings(_Part):
    host: Annotated[str, Field(max_length=253), form(r"[A-Za-z0-9.:_-]+", "must be a host name or an IP address")]
    port: int | None = Field(None, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    username: str | None = None
    password: SecretRef | None = None
    sender: Mailbox
    recipients: tuple[Mailbox, ...] = Field((), max_length=50)  # none: only the partners' `notify`

    @model_validator(mode="after")
    def _login_over_tls(self) -> AlertMailSettings:
        if (self.username is None) != (self.password is None):
            raise ValueError("give both `username` and `password`, or neither")
        if self.password is not None and self.security == "none":
            raise ValueError("passwords are sent only over TLS: `security` must be 'starttls' or 'tls'")
        return self


class AlertSettings(_Part):
    webhooks: tuple[AlertWebhookSettings, ...] = Field((), max_length=10)
    email: AlertMailSettings | None = None


_Processes = Annotated[int, Field(ge=1, le=64)]


class WorkerSettings(_Part):
    deliver_threads: int = Field(16, ge=1, le=256)
    task_events: bool = False  # Celery's, for Flower and the like
    deliver_processes: _Processes = 1
    pipeline_processes: Annotated[_Processes | None, BeforeValidator(_or_auto)] = 1  # None: "auto"
    article_seconds: float = Field(20.0, ge=1.0, le=600.0)


def _over_tls(value: str) -> str:
    if crosses_in_plain_text(value):
        raise ValueError("must start with https://: anyone on the way could sign in")
    return value


def _bare(value: str) -> str:
    if urlsplit(value).query or urlsplit(value).fragment:
        raise ValueError("must end with the path")
    return value


_Printable = Annotated[str, form(r"[!-~]{1,255}", "must be 1 to 255 printable ASCII characters")]


_ConsoleUrl = Annotated[
    Url, AfterValidator(_over_tls), AfterValidator(_bare), AfterValidator(lambda url: url.rstrip("/"))
]


class OidcSettings(_Part):
    """A provider that says who people are (OpenID Connect), and what makes which role of that."""

    issuer: Annotated[Url, AfterValidator(_over_tls), AfterValidator(_bare)]
    client_id: _Printable
    client_secret: SecretRef
    console_url: _ConsoleUrl
    role_claim: str = Field(min_length=1, max_length=255)
    roles: Mapping[str, Role] = Field(min_length=1, max_length=1_000)
    name_claim: str = Field("name", min_length=1, max_length=255)
    scopes: tuple[_Printable, ...] = Field(("openid", "profile"), max_length=20)

    @field_validator("scopes")
    @classmethod
    def _openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError('needs "openid"')
        return scopes


def _of_a_name(value: str) -> str:
    host = urlsplit(value).hostname or ""
    if not host.isascii():
        raise ValueError("must have its host as browsers send it (xn--…)")
    if host.endswith(".") or ":" in host or host.rpartition(".")[2].isdigit():
        raise ValueError("must name a host: passkeys belong to a name, and to no IP address")
    return value


class PasskeySettings(_Part):
    """Passkeys for the console. They belong to the host of this address, and are of no use under another one."""

    console_url: Annotated[_ConsoleUrl, AfterValidator(_of_a_name)]


class WebSettings(_Part):
    partner_rate: float = Field(10.0, gt=0, le=10_000)
    partner_burst: int = Field(50, ge=1, le=10_000)
    trusted_proxies: tuple[Network, ...] = Field((), max_length=100)
    connections: int = Field(1_000, ge=10, le=100_000)
    connections_per_client: int = Field(256, ge=1, le=100_000)
    security_contact: Annotated[str | None, form(_CONTACT, "must begin with mailto:, https:// or tel:+")] = None
    ghost_secret: SecretRef | None = None
    session_idle_minutes: int = Field(60, ge=1, le=1_440)
    session_longest_hours: int = Field(12, ge=1, le=168)
    oidc: OidcSettings | None = None
    passkeys: PasskeySettings | None = None

    @property
    def session_limits(self) -> SessionLimits:
        idle, longest = self.session_idle_minutes, self.session_longest_hours
        issuer = self.oidc.issuer if self.oidc else None
        by_passkey = self.passkeys is not None
        return SessionLimits(dt.timedelta(minutes=idle), dt.timedelta(hours=longest), issuer, by_passkey)


class TelemetrySettings(_Part):
    """What other tools are sent about the work itself."""

    otlp_url: Url | None = None
    otlp_authorization: SecretRef | None = None
    sample_ratio: float = Field(1.0, ge=0, le=1)
    sentry_dsn: SecretRef | None = None

    @field_validator("otlp_authorization")
    @classmethod
    def _header_over_tls(cls, secret: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        if secret and crosses_in_plain_text(info.data.get("otlp_url") or "https:"):
            raise ValueError("anyone on the way could read it: `otlp_url` must start with https://")
        return secret


class HubSettings(_Part):
    enabled: bool = True
    max_subscriptions: int = Field(10_000, ge=1, le=1_000_000)
    max_per_host: int = Field(1_000, ge=1, le=1_000_000)
    max_per_client: int = Field(1_000, ge=1, le=1_000_000)
    min_lease: int = Field(3_600, ge=1, le=31_536_000)
    lease: int = Field(864_000, ge=1, le=31_536_000)
    max_lease: int = Field(2_592_000, ge=1, le=31_536_000)

    @model_validator(mode="after")
    def _in_order(self) -> HubSettings:
        if not self.min_lease <= self.lease <= self.max_lease:
            raise ValueError("`lease` must lie between `min_lease` and `max_lease`")
        return self


class Settings(_Part):
    data: Path
    database_url: Annotated[str, AfterValidator(addresses.database_url)] | None = None
    redis_url: Annotated[str, AfterValidator(addresses.redis_url)] | None = None
    store_url: Annotated[str, AfterValidator(addresses.store_url)] | None = None
    pubmed_url: Url
    pubmed_api_key: SecretRef | None = None
    pubmed_email: str | None = None
    idconv_url: Url | None = None
    sources: Mapping[Annotated[str, AfterValidator(_known_source)], Annotated[str, AfterValidator(_source_url)]] = {}
    egress_allow: Annotated[tuple[Network, ...], BeforeValidator(_words)] = ()
    sealing_key: Annotated[tuple[SecretRef, ...], BeforeValidator(_references), Field(max_length=2)] = ()
    site: SiteSettings
    intake: IntakeSettings
    evidence: EvidenceSettings
    render: RenderSettings
    keep: KeepSettings
    delivery: DeliverySettings
    places: PlaceSettings
    workers: WorkerSettings
    web: WebSettings
    hub: HubSettings
    alerts: AlertSettings
    telemetry: TelemetrySettings
    feeds: tuple[FeedSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()

    _file: Path | None = PrivateAttr(None)

    @field_validator("pubmed_api_key")
    @classmethod
    def _key_over_tls(cls, key: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        if key and crosses_in_plain_text(info.data.get("pubmed_url", "https:")):
            raise ValueError("anyone on the way could read the key: `pubmed_url` must start with https://")
        return key

    def model_post_init(self, context: Any) -> None:
        self._file = (context or {}).get("file")

    @property
    def file(self) -> Path | None:
        """The site's TOML file, for messages; None if there is none."""
        return self._file

    @property
    def ledger_url(self) -> str:
        return addresses.ledger_at(self.data, self.database_url)

    @property
    def idconv_location(self) -> str | None:
        """The address of the ID converter. NCBI's is the default only if `pubmed_url` is NCBI's too."""
        if self.idconv_url is not None:
            return self.idconv_url
        return _IDCONV if self._asks_ncbi else None

    def source_location(self, name: str) -> str | None:
        """The address of a source of references beside PubMed, or None if it is not asked.

        Its public address is the default only if `pubmed_url` is NCBI's too.
        """
        if name in self.sources:
            return self.sources[name] or None
        return public_sources()[name] if self._asks_ncbi else None

    @property
    def _asks_ncbi(self) -> bool:
        return urlsplit(self.pubmed_url).hostname == "eutils.ncbi.nlm.nih.gov"

    @property
    def store_location(self) -> str | Path:
        return addresses.store_at(self.data, self.store_url)
