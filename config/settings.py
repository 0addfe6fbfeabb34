"""Settings, typed and checked at start. A mistake names the file and the key, and never quotes a secret."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipeline.errors import ConfigError
from pipeline.model.policy import EvidencePolicy
from pipeline.model.reference import EditorialState
from pipeline.model.site import Profile
from pipeline.secret import SecretRef

DEFAULTS = Path(__file__).with_name("defaults.toml")

_IDCONV = "https://pmc.ncbi.nlm.nih.gov/tools/idconv/api/v1/articles/"

_ENVIRONMENT = {
    "CITEWIRE_DATA": "data",
    "CITEWIRE_DATABASE_URL": "database_url",
    "CITEWIRE_REDIS_URL": "redis_url",
    "CITEWIRE_STORE_URL": "store_url",
    "CITEWIRE_PUBMED_URL": "pubmed_url",
    "CITEWIRE_PUBMED_EMAIL": "pubmed_email",
    "CITEWIRE_IDCONV_URL": "idconv_url",
    "CITEWIRE_EGRESS_ALLOW": "egress_allow",
}
_FROM_FILES = ("CITEWIRE_DATABASE_URL", "CITEWIRE_REDIS_URL")  # whose addresses hold passwords


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an absolute http or https address")
    return value


def _words(value: object) -> object:
    """A list may also be one string, its items parted by commas: that is all the environment can say."""
    return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_http_url)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_.][a-z0-9]+)*$", max_length=100)]


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
    id_prefix: str | None = None  # keeps the ids of entries when the site moves to another address
    public_url: Annotated[Url, AfterValidator(lambda url: url.rstrip("/"))] | None = None


class FeedSettings(_Part):
    id: Id
    title: str
    description: str | None = None
    topics: tuple[str, ...] = ()
    without_topics: tuple[str, ...] = ()
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")] | None = None
    formats: tuple[str, ...] = ()
    size: int = Field(50, ge=1, le=1000)
    content: Literal["full", "summary"] = "full"
    order: Literal["updated", "published"] = "updated"
    profile: Profile | None = None
    dark_logo: Url | None = None
    analytics: str | None = Field(None, max_length=10_000)


class GateSettings(_Part):
    """What an article's references must be before a channel gets it."""

    min_resolved: int = Field(0, ge=0)
    refuse: tuple[EditorialState, ...] = ()
    newest_within_years: int | None = Field(None, ge=1)


class ChannelSettings(BaseModel):
    """What every channel has. The other keys are its type's, which checks them."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    id: Id
    type: str
    format: str | None = None  # some types have one of their own
    topics: tuple[str, ...] = ()
    enabled: bool = True
    parallel: int | None = Field(None, ge=1, le=64)
    rate: float | None = Field(None, gt=0, le=10_000)
    every: float = Field(0.0, ge=0, le=604_800)
    max_bytes: int | None = Field(None, ge=1)
    retries: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(None, min_length=1)
    evidence: EvidencePolicy | None = None
    gate: GateSettings | None = None
    proof_url: Url | None = None

    @property
    def own(self) -> Mapping[str, Any]:
        return self.__pydantic_extra__ or {}


class IntakeSettings(_Part):
    drop: tuple[Annotated[str, Field(min_length=1, max_length=1000)], ...] = Field((), max_length=1000)


class EvidenceSettings(_Part):
    wait: float = Field(10.0, ge=0, le=3600)
    recheck_days: int = Field(1, ge=0, le=365)
    policy: EvidencePolicy = "annotate"
    hold_on: tuple[EditorialState, ...] = Field(("retracted",), min_length=1)


class DeliverySettings(_Part):
    retries: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=1)
    parallel: int = Field(3, ge=1, le=32)


class WorkerSettings(_Part):
    deliver_threads: int = Field(16, ge=1, le=256)
    deliver_processes: int = Field(1, ge=1, le=64)
    pipeline_processes: int = Field(1, ge=1, le=64)


class WebSettings(_Part):
    partner_rate: float = Field(10.0, gt=0, le=10_000)
    partner_burst: int = Field(50, ge=1, le=10_000)


class HubSettings(_Part):
    enabled: bool = True
    max_subscriptions: int = Field(10_000, ge=1, le=1_000_000)
    max_per_host: int = Field(1_000, ge=1, le=1_000_000)
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
    database_url: str | None = None
    redis_url: str | None = None
    store_url: str | None = None
    pubmed_url: Url
    pubmed_api_key: SecretRef | None = None
    pubmed_email: str | None = None
    idconv_url: Url | None = None
    egress_allow: Annotated[tuple[Network, ...], BeforeValidator(_words)] = ()
    site: SiteSettings
    intake: IntakeSettings
    evidence: EvidenceSettings
    delivery: DeliverySettings
    workers: WorkerSettings
    web: WebSettings
    hub: HubSettings
    feeds: tuple[FeedSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()

    @property
    def ledger_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data.absolute() / 'ledger.sqlite'}"

    @property
    def idconv_location(self) -> str | None:
        """NCBI's converter belongs to NCBI's PubMed: beside another `pubmed_url`, only what is named is asked."""
        if self.idconv_url is not None:
            return self.idconv_url
        return _IDCONV if urlsplit(self.pubmed_url).hostname == "eutils.ncbi.nlm.nih.gov" else None

    @property
    def store_location(self) -> str | Path:
        return self.store_url or self.data.absolute() / "renditions"


def load(environment: Mapping[str, str], *, file: Path | None = None, data: Path | None = None) -> Settings:
    """The settings in force. `file` and `data`, from the command line, win over the environment.

    Raises ConfigError naming the file and the key.
    """
    named = environment.get("CITEWIRE_CONFIG")
    file = file or (Path(named) if named else None)
    merged = _over(_read(DEFAULTS), _read(file) if file else {})
    merged |= _of_environment(environment)
    if data is not None:
        merged["data"] = data
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _mistake(error, file) from None  # pydantic's own text may quote what it should not
    _unique("feeds", [feed.id for feed in settings.feeds])
    _unique("channels", [channel.id for channel in settings.channels])
    return settings


def _of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the environment sets. An empty variable counts as none.

    What holds a secret may stand in a file, as container platforms mount secrets: NAME_FILE is its path. NAME wins.
    """
    said: dict[str, Any] = {key: environment[name] for name, key in _ENVIRONMENT.items() if environment.get(name)}
    for name in _FROM_FILES:
        key, path = _ENVIRONMENT[name], environment.get(f"{name}_FILE")
        if path and key not in said:
            said[key] = SecretRef("file", path).resolve(f"{name}_FILE")
    if environment.get("CITEWIRE_PUBMED_API_KEY"):
        said["pubmed_api_key"] = SecretRef("env", "CITEWIRE_PUBMED_API_KEY")
    elif path := environment.get("CITEWIRE_PUBMED_API_KEY_FILE"):
        said["pubmed_api_key"] = SecretRef("file", path)
    return said


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged key by key; anything else, lists of tables too, is replaced."""
    merged = dict(below)
    for key, value in above.items():
        base = merged.get(key)
        merged[key] = _over(base, value) if isinstance(base, dict) and isinstance(value, dict) else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}", code="invalid-toml") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", code="config-unreadable") from error


def _mistake(error: ValidationError, file: Path | None) -> ConfigError:
    mistakes = [(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors(include_input=False)]
    key, message = mistakes[0]
    others = "".join(f"; {other}: {text}" for other, text in mistakes[1:])
    return ConfigError(f"{message}{others}{f' (in {file} or the environment)' if file else ''}", key=key)


def _unique(table: str, ids: list[str]) -> None:
    for one in ids:
        if ids.count(one) > 1:
            raise ConfigError(f"there are two with the id {one!r}", key=f"{table}.id", code="duplicate-id")
