"""The composition root: settings → services. The only place that knows what is behind each interface."""

from __future__ import annotations

import functools
import ipaddress
import os
import random
import secrets
from dataclasses import dataclass

from config import Settings, load
from config.settings import ChannelSettings
from pipeline.channels import Channel, channel_types
from pipeline.channels.settings import open_channel as open_own
from pipeline.channels.settings import read_settings
from pipeline.errors import ConfigError
from pipeline.http import EgressGuard, Http
from pipeline.ledger import Ledger
from pipeline.model.policy import Gate
from pipeline.model.site import Feed, Site
from pipeline.references.eutils import Eutils
from pipeline.renditions import formats
from pipeline.stages.context import LEASE, ChannelPlan, Context, Doorbell, Policy
from pipeline.store import RenditionStore
from workers.doorbell import CeleryDoorbell

TOOL = "citewire"  # how we name ourselves to NCBI
OWNER = "CITEWIRE_OWNER"  # set by `up` for each start of a child: what its leases begin with


@dataclass(frozen=True)
class Services:
    """What one process works with."""

    settings: Settings
    context: Context
    doorbell: CeleryDoorbell


@functools.cache
def services() -> Services:
    """This process's services, from its environment; made at the first call, and so after any fork."""
    from workers.celery import app

    settings = load(os.environ)
    doorbell = CeleryDoorbell(app, settings.redis_url or str(app.conf.broker_url))
    return Services(settings, build_context(settings, doorbell), doorbell)


def build_context(settings: Settings, doorbell: Doorbell) -> Context:
    """Raises ConfigError, naming the key, where a setting cannot stand."""
    http = Http(EgressGuard(settings.egress_allow), about=settings.site.url)
    return Context(
        ledger=open_ledger(settings),
        store=RenditionStore.at(settings.store_location),
        doorbell=doorbell,
        pubmed=pubmed_of(settings),
        site=site_of(settings),
        formats=formats(),
        channels={channel.id: plan_of(channel, http) for channel in settings.channels},
        feeds={feed.id: feed for feed in feeds_of(settings)},
        policy=_policy(settings),
        new_id=new_id,
        chance=random.random,
    )


def new_id(prefix: str) -> str:
    """A fresh id. A lease's also names its owner, so that `up` can give back what a child held that has died."""
    owner = os.environ.get(OWNER, "") if prefix == LEASE else ""
    return f"{prefix}{owner}{secrets.token_hex(12)}"


def open_ledger(settings: Settings) -> Ledger:
    """The ledger, its schema up to date."""
    if settings.database_url is None:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    return ledger


def site_of(settings: Settings) -> Site:
    return Site(**settings.site.model_dump(), feeds=feeds_of(settings))


def feeds_of(settings: Settings) -> tuple[Feed, ...]:
    return tuple(Feed(**feed.model_dump()) for feed in settings.feeds)


def plan_of(channel: ChannelSettings, http: Http) -> ChannelPlan:
    """A channel that can be opened; its type's own settings are checked here, its secrets when it is opened."""
    key = f"channels.{channel.id}"
    types = channel_types()
    if channel.type not in types:
        raise ConfigError(f"there is no type {channel.type!r}; there are {', '.join(types)}", key=f"{key}.type")
    kind = types[channel.type]
    format = channel.format or kind.format
    if format is None:
        raise ConfigError(f"a channel of the type {kind.name} needs a format", key=f"{key}.format")
    if format not in formats():
        raise ConfigError(f"there is no format {format!r}; there are {', '.join(formats())}", key=f"{key}.format")
    own = read_settings(kind, channel.own, prefix=key)

    def open_channel() -> Channel:
        return open_own(kind, own, http, prefix=key)

    return ChannelPlan(
        id=channel.id,
        format=format,
        open=open_channel,
        topics=frozenset(channel.topics),
        enabled=channel.enabled,
        parallel=channel.parallel,
        rate=channel.rate,
        every=channel.every,
        max_bytes=channel.max_bytes,
        retries=channel.retries,
        evidence=channel.evidence,
        gate=Gate(**channel.gate.model_dump()) if channel.gate else Gate(),
        proof_url=channel.proof_url,
        after_feeds=kind.after_feeds,
    )


def pubmed_of(settings: Settings) -> Eutils:
    """Its address is the operator's own word, so the guard against strangers' addresses lets it be private."""
    anywhere = EgressGuard([ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")])
    key = settings.pubmed_api_key
    return Eutils(
        Http(anywhere, about=settings.site.url),
        base_url=settings.pubmed_url,
        tool=TOOL,
        email=settings.pubmed_email,
        api_key=key.resolve("pubmed_api_key") if key else None,
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        evidence_wait=settings.evidence.wait,
        pubmed_interval=0.101 if settings.pubmed_api_key else 0.34,
        deliver_parallel=settings.delivery.parallel,
        retries=settings.delivery.retries,
    )
