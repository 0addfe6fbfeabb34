"""Prove that every host of a site sees the same rendition store and the same folders, by a nonce in each of them.

The nonce is in the ledger too, which all hosts have. A host that does not find it in the place sees another place: it
would serve and correct files of its own, and withdraw articles that it never had. So it does not start.

    the place is not marked yet          this host marks it
    the mark is the ledger's             it is the same place
    another mark, or none                another place: refused, unless this host wrote the former mark and is alone
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog

from config.settings import Settings
from pipeline.channels import MarkedChannel
from pipeline.errors import CitewireError, ConfigError, TransientError
from pipeline.ledger import Ledger, processes, shared_places
from pipeline.ledger.clock import LedgerClock
from pipeline.ledger.shared_places import SharedPlace
from pipeline.stages.context import ChannelPlan
from pipeline.stages.still_shared import MARK_FILE, STORE
from pipeline.store import RenditionStore

_MARKED_WITHIN = dt.timedelta(seconds=5)
_LOOK = 0.2  # seconds
_SHARED = "is the one that every host sees"

_log = structlog.get_logger()


@dataclass(frozen=True)
class Place:
    """A place as this host sees it."""

    name: str
    location: str
    refusal: ConfigError  # to raise if it is not the site's
    read: Callable[[], str | None]
    write: Callable[
        [str, Callable[[], None]], None
    ]  # the mark, after a check that raises if it is no longer the site's


@dataclass(frozen=True)
class Finding:
    """What became of the proof for one place. `error` is the reason why there is none."""

    location: str
    detail: str
    error: CitewireError | None = None


Mode = Literal["look", "start", "accept"]


def prove(ledger: Ledger, settings: Settings, channels: Mapping[str, ChannelPlan], mode: Mode) -> list[Finding]:
    """Prove each place. On SQLite there is one host, and nothing to prove.

    look     write nothing
    start    mark what is not marked yet
    accept   take the places that this host sees for the site's, whatever was known before
    """
    if ledger.is_sqlite:
        return []
    findings = [_caught(_store(settings), ledger, mode)]
    for plan in channels.values():
        with _folder(plan) as folder:
            if folder is not None:
                findings.append(_caught(folder, ledger, mode))
    return findings


def prove_or_refuse(ledger: Ledger, settings: Settings, channels: Mapping[str, ChannelPlan]) -> None:
    """Raise ConfigError if this host sees another store or folder than the others. What does not answer is logged."""
    for finding in prove(ledger, settings, channels, "start"):
        if isinstance(finding.error, ConfigError):
            raise finding.error
        if finding.error is not None:
            _log.warning("not proved to be shared", place=finding.location, error=str(finding.error))


def _caught(place: Place, ledger: Ledger, mode: Mode) -> Finding:
    try:
        return Finding(place.location, _prove(place, ledger, mode))
    except CitewireError as error:
        return Finding(place.location, "", error)


def _prove(place: Place, ledger: Ledger, mode: Mode) -> str:
    host, now, mark = socket.gethostname(), LedgerClock(ledger)(), place.read()
    nonce = mark or secrets.token_hex(16)
    own = SharedPlace(name=place.name, nonce=nonce, location=place.location, host=host, at=now)
    with ledger.read() as transaction:
        known = shared_places.known(transaction, place.name)
        others = {one.host for one in processes.alive(transaction, now=now)} - {host}
    if known is None and mode == "look":
        return "is not marked yet: the first process that starts does so"
    if known is None:
        with ledger.write() as transaction:
            known = shared_places.add(transaction, own)
    if known.nonce == nonce:
        if mark is None:
            place.write(nonce, functools.partial(_still, ledger, place, nonce))
        return _SHARED
    if mark is None and mode != "accept" and _awaited(place, since=now - known.at) == known.nonce:
        return _SHARED
    if mode != "accept" and (known.host != host or others or mode == "look"):
        raise place.refusal
    with ledger.write() as transaction:
        shared_places.replace(transaction, own)
    place.write(nonce, functools.partial(_still, ledger, place, nonce))
    _log.warning("place taken for the site's", place=place.location, former=known.location)
    return "is taken for the site's from now on"


def _still(ledger: Ledger, place: Place, nonce: str) -> None:
    """Raise TransientError if another host has marked the place anew: a mark that is written late must not be its."""
    with ledger.read() as transaction:
        known = shared_places.known(transaction, place.name)
    if known is None or known.nonce != nonce:
        raise TransientError(f"{place.location} was marked by another host meanwhile", code="store-contended")


def _awaited(place: Place, *, since: dt.timedelta) -> str | None:
    """Wait for the mark of a host that started at the same time: it is in the ledger first, then in the place."""
    give_up = time.monotonic() + (_MARKED_WITHIN - since).total_seconds()
    while (mark := place.read()) is None and time.monotonic() < give_up:
        time.sleep(_LOOK)
    return mark


def _store(settings: Settings) -> Place:
    location = settings.store_location
    store = RenditionStore.at(location)

    def read() -> str | None:
        found = store.get_file(MARK_FILE)
        return None if found is None else found[0].decode("ascii", "replace").strip()

    def write(mark: str, check: Callable[[], None]) -> None:
        store.put_file(MARK_FILE, f"{mark}\n".encode(), dt.datetime.now(dt.UTC), check=check)

    message = f"the rendition store {location} of this host is not the one that the site's other hosts use"
    hint = "give all hosts the same store_url, or mount the same folder; see docs/deployment.md, More than one host"
    refusal = ConfigError(message, key="store_url", hint=hint, code="store-not-shared")
    return Place(STORE, str(location), refusal, read, write)


@contextlib.contextmanager
def _folder(plan: ChannelPlan) -> Iterator[Place | None]:
    """Yield the folder of a channel, or None for a channel whose place is no host's own."""
    if not plan.enabled:
        yield None
        return
    channel = plan.open()
    with contextlib.closing(channel):
        yield _place_of(plan, channel) if isinstance(channel, MarkedChannel) else None


def _place_of(plan: ChannelPlan, channel: MarkedChannel) -> Place:
    message = f"the folder {channel.place} of this host is not the one that the site's other hosts use"
    hint = "mount the same folder on all hosts; see docs/deployment.md, More than one host"
    key = f"channels.{plan.id}.{channel.setting}"
    refusal = ConfigError(message, key=key, hint=hint, code="folder-not-shared")

    def write(mark: str, check: Callable[[], None]) -> None:
        check()
        channel.set_mark(mark)

    return Place(channel.place, channel.place, refusal, channel.mark, write)
