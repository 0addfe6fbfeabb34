"""The composition root: settings → services. The only module that knows the class behind each interface."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from config import load
from config.digest import digest_of
from config.settings import ChannelSettings, Settings
from pipeline.channels import Channel, RotatingChannel, Served, channel_types
from pipeline.channels.shared.public_address import checked, shown_at
from pipeline.channels.shared.settings import open_channel as open_own
from pipeline.channels.shared.settings import read_settings
from pipeline.errors import ConfigError
from pipeline.hints import nearest
from pipeline.http import EgressGuard, Http
from pipeline.http.egress import ANYWHERE
from pipeline.intake import source_formats
from pipeline.jws import Signer
from pipeline.ledger import Ledger, operations, places
from pipeline.ledger.clock import LedgerClock, ledger_time
from pipeline.ledger.operations import Operation
from pipeline.ledger.places import Place
from pipeline.model.moment import rfc3339
from pipeline.model.policy import Gate
from pipeline.references.idconv import IdConverter
from pipeline.references.lists import lists
from pipeline.references.published_list import OpenList
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.finding import Finder
from pipeline.references.pubmed.matching import Matcher
from pipeline.references.pubmed.service import Service
from pipeline.references.source import Caller, OpenSource
from pipeline.references.sources import sources
from pipeline.renditions import formats
from pipeline.sealing import Sealer
from pipeline.stages.context import (
    LEASE,
    AlertReceiver,
    ChannelPlan,
    Context,
    Doorbell,
    HubPlan,
    NoDoorbell,
    Policy,
)
from pipeline.stages.partners.rotation import unsealed
from pipeline.stages.places.take_up import log_changes, recorded
from pipeline.store import RenditionStore
from workers.alerting import receivers_of
from workers.disks import shortage_of
from workers.opening import open_ledger
from workers.places import Channels, configured_channels, settings_of
from workers.sharing import prove_or_refuse
from workers.site import feeds_of, site_of
from workers.standing import Standing
from workers.telemetry import check_telemetry, tracing_of
from workers.unapplied import unapplied_of

if TYPE_CHECKING:
    from pipeline.identity import Provider
    from pipeline.identity.passkeys import Passkeys
    from workers.doorbell import CeleryDoorbell

TOOL = "citewire"  # our name in requests to NCBI
_STARTED = "citewire, as it started"
OWNER = "CITEWIRE_OWNER"  # set by `up` for each start of a child: the prefix of its lease tokens


@dataclass(frozen=True)
class Services:
    """The services of one process."""

    settings: Settings
    context: Context
    doorbell: CeleryDoorbell
    standing: Standing
    queue: str = field(repr=False)  # its address, which may hold a password


@functools.cache
def services() -> Services:
    """Return this process's services, built from its environment at the first call, and so after any fork."""
    from workers import celery
    from workers.doorbell import CeleryDoorbell

    settings = load(os.environ)
    queue = settings.redis_url or celery.queue_nearby(os.environ)
    celery.use(queue)
    doorbell = CeleryDoorbell(celery.app, queue)
    is_child = OWNER in os.environ  # of `up`, which has put the settings in force
    context = build_context(settings, doorbell, take_up=not is_child)
    if not is_child:
        prove_or_refuse(context.ledger, settings, {})  # workers prove their channels' folders too
    clock = LedgerClock(context.ledger)
    clock.measure()
    standing = Standing(context.ledger, clock, settings=digest_of(settings))
    context = replace(context, clock=clock, hold=lambda: context.working.hold() or standing.hold())
    context = replace(context, tracing=tracing_of(settings))
    return Services(settings, context, doorbell, standing, queue)


def build_context(settings: Settings, doorbell: Doorbell, *, take_up: bool = True) -> Context:
    """Build the context. Raises ConfigError naming the key of a setting that cannot be used.

    The channels are those that the ledger has in force. With `take_up`, those of the settings are put in force first.
    """
    with named_file(settings):
        return _context(settings, doorbell, take_up)


@contextlib.contextmanager
def named_file(settings: Settings) -> Iterator[None]:
    """Add the settings file to a ConfigError about something in it."""
    try:
        yield
    except ConfigError as error:
        for one in (error, *error.further):
            if one.file is None and (one.key or "").startswith(("feeds.", "channels.")) and settings.file:
                one.file = str(settings.file)
        raise


def _context(settings: Settings, doorbell: Doorbell, is_start: bool) -> Context:
    http = public_http(settings)
    for channel in settings.channels:
        plan_of(channel, http)  # checks its settings
    ledger = open_ledger(settings)
    put_in_force(ledger, settings, by=_STARTED, only_if_none=not is_start)
    channels = Channels(ledger, lambda place: plan_at(place, settings, http))
    return context_of(settings, ledger, http, doorbell, channels, receivers_of(settings, http))


def context_of(
    settings: Settings,
    ledger: Ledger,
    http: Http,
    doorbell: Doorbell,
    channels: Mapping[str, ChannelPlan],
    alerts: tuple[AlertReceiver, ...],
) -> Context:
    """Return the context that the settings give, with these channels and receivers of alerts."""
    check_telemetry(settings)
    return Context(
        ledger=ledger,
        store=RenditionStore.at(settings.store_location),
        doorbell=doorbell,
        pubmed=pubmed_of(settings),
        converter=converter_of(settings),
        finder=finder_of(settings),
        matcher=matcher_of(settings),
        sources=sources_of(settings),
        lists=lists_of(settings),
        site=site_of(settings),
        formats=formats(),
        channels=channels,
        feeds={feed.id: feed for feed in feeds_of(settings)},
        policy=policy_of(settings),
        hub=hub_of(settings, http),
        served=served_of(settings),
        ghost_secret=ghost_secret_of(settings),
        provider=provider_of(settings, http),
        sealer=sealer_of(settings),
        passkeys=passkeys_of(settings),
        signer=signer_of(settings),
        disk=shortage_of(settings),
        unapplied=unapplied_of(settings),
        alerts=alerts,
        new_id=new_id,
        random=random.random,
    )


def context_to_look(settings: Settings, ledger: Ledger) -> Context:
    """Return the context of a command that only looks at the ledger.

    It has no secret, so that it can be had in a shell without those of the system. It notifies nobody.
    """
    evidence = settings.evidence.model_copy(update={"signing_key": None})
    web = settings.web.model_copy(update={"ghost_secret": None, "oidc": None, "passkeys": None})
    telemetry = settings.telemetry.model_copy(update={"otlp_url": None, "sentry_dsn": None})
    parts = {"evidence": evidence, "web": web, "telemetry": telemetry}
    blind = settings.model_copy(update={"pubmed_api_key": None, "sealing_key": (), **parts})
    http = public_http(settings)
    channels = Channels(ledger, lambda place: plan_at(place, settings, http))
    return context_of(blind, ledger, http, NoDoorbell(), channels, ())


def check_plugins() -> None:
    """Import every plug-in, also those that nothing uses. Raises ConfigError if two claim the same name."""
    for plugins in (channel_types(), formats(), source_formats()):
        list(plugins)


def check_settings(settings: Settings) -> None:
    """Check everything that a start checks, and find every secret. Changes nothing. Raises ConfigError."""
    with named_file(settings):
        http = public_http(settings)
        for channel in settings.channels:
            plan = plan_of(channel, http)
            if plan.enabled:
                plan.open().close()
        keep_signing_secrets_apart(settings)
        check_services(settings, http)


def check_services(settings: Settings, http: Http) -> None:
    """Check everything that a start checks beside the channels, and find its secrets. Raises ConfigError."""
    site_of(settings)
    served_of(settings)
    hub_of(settings, http)
    pubmed_of(settings)
    converter_of(settings)
    sources_of(settings)
    lists_of(settings)
    ghost_secret_of(settings)
    provider_of(settings, http)
    sealer_of(settings)
    signer_of(settings)
    receivers_of(settings, http)
    check_telemetry(settings)
    check_queue(settings)


def check_queue(settings: Settings) -> None:
    """Find the secrets and files that the queue's address names. Raises ConfigError."""
    if settings.redis_url:
        from workers import queue

        queue.check(settings.redis_url)


def put_in_force(ledger: Ledger, settings: Settings, *, by: str, only_if_none: bool = False) -> None:
    """Put the settings in force, so that every process uses them. `only_if_none`: if none ever were.

    The audit has it if channels change by it, except that a new site's first settings change nothing.
    """
    now = ledger_time(ledger, dt.datetime.now(dt.UTC), running=False)
    with ledger.write() as transaction:
        before = places.in_force(transaction)
        if only_if_none and before is not None:
            return
        empty = settings.places.on_move == "empty"
        found, parts = recorded(transaction, configured_channels(settings), empty=empty, now=now)
        if parts and before is not None:
            operations.record(transaction, Operation(new_id("op_"), "apply", by, now), parts)
    log_changes(found)


def public_http(settings: Settings) -> Http:
    """Return the client for partners' addresses. It reaches only those private networks that `egress_allow` lists."""
    return Http(EgressGuard(settings.egress_allow), contact_url=settings.site.url)


def new_id(prefix: str) -> str:
    """Return a new id. A lease's id also names its owner, so that `up` can release the leases of a dead child."""
    owner = os.environ.get(OWNER, "") if prefix == LEASE else ""
    return f"{prefix}{owner}{secrets.token_hex(12)}"


def plan_of(channel: ChannelSettings, http: Http) -> ChannelPlan:
    """Return the plan of a channel. Its type's own settings are checked here, its secrets when it is opened."""
    key = f"channels.{channel.id}"
    types = channel_types()
    if channel.type not in types:
        message = f"there is no channel type {channel.type!r}"
        raise ConfigError(message, key=f"{key}.type", hint=nearest(channel.type, types))
    kind = types[channel.type]
    format = channel.format or kind.format
    if format is None:
        hint = f"add one of {', '.join(formats())}"
        raise ConfigError(f"a channel of the type {kind.name} needs a format", key=f"{key}.format", hint=hint)
    if format not in formats():
        message = f"there is no format {format!r}"
        raise ConfigError(message, key=f"{key}.format", hint=nearest(format, formats()))
    own = own_settings(channel)

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
        refused_retries=channel.refused_retries,
        evidence=channel.evidence,
        gate=Gate(**channel.gate.model_dump()) if channel.gate else Gate(),
        proof_check=_proof_of(channel, http),
        is_pull=kind.is_pull,
        is_partner=kind.place is None,
        wait_for_feeds=kind.wait_for_feeds,
        also=kind.also,
        replaces=kind.replaces,
        signs=kind.signing_keys is not None,
        takes_sample=kind.takes_sample,
        singly=kind.singly,
    )


def plan_at(place: Place, settings: Settings, http: Http) -> ChannelPlan:
    """Return the plan of the channel that has, or had, a place, with the settings that it last had there.

    It signs with what its partner has made. Raises ConfigError as `plan_of`, and if no settings were ever stored.
    """
    return signing_with(place, plan_of(settings_of(place), http), settings)


def signing_with(place: Place | None, plan: ChannelPlan, settings: Settings) -> ChannelPlan:
    """Return the plan of a channel, which signs with what the partner at its place has made, if it has made anything.

    What was made is unsealed when the channel is opened: without the key, that raises ConfigError.
    """
    if place is None or place.signing is None or not plan.signs:
        return plan

    def open_signing() -> Channel:
        made = unsealed(sealer_of(settings), place)  # before anything is open that would have to be closed
        channel = plan.open()
        if isinstance(channel, RotatingChannel):
            channel.sign_with(made)
        return channel

    return replace(plan, open=open_signing)


def sealer_of(settings: Settings) -> Sealer | None:
    """Return what seals secrets in the ledger, or None if no key is set. Raises ConfigError for a key that is unfit."""
    keys = settings.sealing_key
    if not keys:
        return None
    try:
        return Sealer([key.resolve("sealing_key") for key in keys])
    except ValueError as error:
        hint = "make one with `openssl rand -base64 32`"
        message = f"the secret at {', '.join(map(str, keys))} {error}"
        raise ConfigError(message, key="sealing_key", hint=hint, code="secret-unusable") from None


def own_settings(channel: ChannelSettings) -> Any:
    """Return the settings of a channel's own type. Raises ConfigError naming the key."""
    common = list(ChannelSettings.model_fields)
    kind, key = channel_types()[channel.type], f"channels.{channel.id}"
    return read_settings(kind, channel.own, prefix=key, base=channel.base, more=common)


def keep_signing_secrets_apart(settings: Settings) -> None:
    """Raise ConfigError if two channels sign with one key: either partner could forge deliveries to the other.

    A key can be written in several ways, with and without its prefix or padding.
    """
    owners: dict[bytes, str] = {}
    for channel in settings.channels:
        named = channel_types()[channel.type].signing_keys
        if named is None or not channel.enabled:
            continue
        key = f"channels.{channel.id}.secret"
        for secret in named(own_settings(channel), key):
            owner = owners.setdefault(secret, channel.id)
            if owner != channel.id:
                hint = "give each channel its own, from `citewire secret`"
                raise ConfigError(f"channels.{owner} has the same secret", key=key, hint=hint, code="secret-unusable")


def served_of(settings: Settings) -> dict[str, Callable[[], Served]]:
    """Return the small documents that our own web server answers. Raises ConfigError if two channels claim one path."""
    served: dict[str, Callable[[], Served]] = {}
    if contact := settings.web.security_contact:
        served["/.well-known/security.txt"] = functools.partial(_security_txt, contact, settings.site.url)
    if settings.evidence.signing_key is not None:
        served["/.well-known/jwks.json"] = functools.partial(_jwks, settings)
    for channel in settings.channels:
        kind, key = channel_types()[channel.type], f"channels.{channel.id}"
        own = own_settings(channel)
        for path, make in (kind.well_known(own) if kind.well_known else {}).items():
            if served.setdefault(path, make) != make:
                raise ConfigError(f"another channel has {path} hold something else: both must have one key", key=key)
    return served


def _security_txt(contact: str, site: str) -> Served:
    """Return where to report a vulnerability (RFC 9116). It says of itself that it holds for a quarter of a year."""
    expires = dt.datetime.combine(dt.datetime.now(dt.UTC) + dt.timedelta(days=90), dt.time(), dt.UTC)
    canonical = f"{site.rstrip('/')}/.well-known/security.txt"
    text = f"Contact: {contact}\nExpires: {rfc3339(expires)}\nCanonical: {canonical}\n"
    return Served("text/plain; charset=utf-8", text.encode())


def _proof_of(channel: ChannelSettings, http: Http) -> Callable[[str], str | None] | None:
    if channel.proof_url is None:
        return None
    template = checked(channel.proof_url, key=f"channels.{channel.id}.proof_url")
    return functools.partial(shown_at, http, template)


def eutilities_of(settings: Settings) -> Service:
    key = settings.pubmed_api_key
    return Service(
        _http_of_sources(settings),
        settings.pubmed_url,
        TOOL,
        settings.pubmed_email,
        key.resolve("pubmed_api_key") if key else None,
    )


def pubmed_of(settings: Settings) -> Eutils:
    return Eutils(eutilities_of(settings))


def converter_of(settings: Settings) -> IdConverter | None:
    """Return the ID converter, or None if DOIs and PMCIDs are not looked up."""
    url = settings.idconv_location
    if url is None:
        return None
    return IdConverter(_http_of_sources(settings), base_url=url, tool=TOOL, email=settings.pubmed_email)


def finder_of(settings: Settings) -> Finder:
    return Finder(eutilities_of(settings), pubmed_of(settings))


def matcher_of(settings: Settings) -> Matcher:
    return Matcher(eutilities_of(settings), pubmed_of(settings))


def sources_of(settings: Settings) -> dict[str, OpenSource]:
    """Return the sources beside PubMed that have an address, in the order they are asked in."""
    http, caller = _http_of_sources(settings), Caller(TOOL, settings.pubmed_email)
    places = {source: settings.source_location(source.name) for source in sources().values()}
    ranked = sorted(places, key=lambda source: (source.rank, source.name))
    return {one.name: OpenSource(one, one.open(http, url, caller)) for one in ranked if (url := places[one])}


def ghost_secret_of(settings: Settings) -> str | None:
    """Return the secret with which Ghost signs its hooks. Raises ConfigError if it is not there."""
    secret = settings.web.ghost_secret
    return secret.resolve("web.ghost_secret") if secret else None


def provider_of(settings: Settings, http: Http) -> Provider | None:
    """Return the provider that says who people are, if there is one. Raises ConfigError if its secret is not there."""
    oidc = settings.web.oidc
    if oidc is None:
        return None
    from pipeline.identity import Provider, ProviderPlan

    plan = ProviderPlan(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        secret=oidc.client_secret.resolve("web.oidc.client_secret"),
        console=oidc.console_url,
        scopes=oidc.scopes,
        role_claim=oidc.role_claim,
        roles=oidc.roles,
        name_claim=oidc.name_claim,
    )
    return Provider(plan, http)


def passkeys_of(settings: Settings) -> Passkeys | None:
    """Return the passkeys of the site, if people may sign in with any."""
    if settings.web.passkeys is None:
        return None
    from pipeline.identity.passkeys import PasskeyPlan, Passkeys

    return Passkeys(PasskeyPlan(settings.web.passkeys.console_url, settings.site.title))


def signer_of(settings: Settings) -> Callable[[bytes], str] | None:
    """Return what signs recall certificates, or None if no key is set. Raises ConfigError for a key that is unfit."""
    signer = _signer(settings)
    return functools.partial(signer.sign, media_type="json") if signer else None


def _signer(settings: Settings) -> Signer | None:
    key = settings.evidence.signing_key
    if key is None:
        return None
    try:
        return Signer(key.resolve("evidence.signing_key"))
    except ValueError as error:
        hint = "make one with `openssl genpkey -algorithm ed25519`"
        message = f"the secret at {key} {error}"
        raise ConfigError(message, key="evidence.signing_key", hint=hint, code="invalid-signing-key") from error


def _jwks(settings: Settings) -> Served:
    signer = _signer(settings)
    return Served("application/jwk-set+json", signer.jwks() if signer else b'{"keys": []}')


def lists_of(settings: Settings) -> dict[str, OpenList]:
    """Return the lists of verdicts that have an address."""
    http = _http_of_sources(settings)
    places = {kind: settings.source_location(kind.name) for kind in lists().values()}
    return {kind.name: OpenList(kind, http, url) for kind, url in places.items() if url}


def _http_of_sources(settings: Settings) -> Http:
    """Return a client without an egress guard: the operator chose the address, so it may be private."""
    return Http(ANYWHERE, contact_url=settings.site.url)


def hub_of(settings: Settings, http: Http) -> HubPlan | None:
    own = settings.hub
    if not own.enabled:
        return None
    return HubPlan(
        address=site_of(settings).hub_url,
        http=http,
        max_subscriptions=own.max_subscriptions,
        max_per_host=own.max_per_host,
        max_per_client=own.max_per_client,
        lease=(own.min_lease, own.lease, own.max_lease),
    )


def policy_of(settings: Settings) -> Policy:
    return Policy(
        intake_drop=settings.intake.drop,
        evidence_wait=settings.evidence.wait,
        recheck_days=settings.evidence.recheck_days,
        evidence=settings.evidence.policy,
        hold_on=settings.evidence.hold_on,
        overdue_review=settings.evidence.overdue_review,
        pubmed_rate=10 if settings.pubmed_api_key else 3,
        deliver_parallel=settings.delivery.parallel,
        retries=settings.delivery.retries,
        refused_retries=settings.delivery.refused_retries,
        render_all=settings.render.formats == "all",
        refresh_rate=settings.render.refresh_rate,
        article_budget=settings.workers.article_seconds,
        keep_attempts=settings.keep.attempts_days,
        keep_changes=settings.keep.changes_days,
        keep_tokens=settings.keep.tokens_days,
        keep_operations=settings.keep.operations_days,
        keep_renditions=settings.keep.renditions_days,
        keep_references=settings.keep.references_days,
        keep_readers=settings.keep.readers_days,
        partner_rate=settings.web.partner_rate,
        partner_burst=settings.web.partner_burst,
        sessions=settings.web.session_limits,
    )
