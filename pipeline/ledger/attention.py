"""What needs a person, read from all rows of the ledger, each of which is counted in a group."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, get_args

import sqlalchemy as sa
from msgspec import Struct

from pipeline.ledger import articles, failure_notes, processes, streams
from pipeline.ledger import deliveries as delivery_records
from pipeline.ledger import feeds as feed_records
from pipeline.ledger import places as place_records
from pipeline.ledger.articles import events
from pipeline.ledger.articles.events import NotDone
from pipeline.ledger.database import Instant, Transaction, moment_of
from pipeline.ledger.deliveries import IS_ABANDONED, failing
from pipeline.ledger.deliveries.failing import Tally
from pipeline.ledger.evidence import mismatches, ncbi_rate_limit, source_rate_limit, vanished, verdicts
from pipeline.ledger.evidence.mismatches import Mismatch
from pipeline.ledger.evidence.vanished import Vanished
from pipeline.ledger.evidence.verdicts import SourceState
from pipeline.ledger.failure_notes import Note
from pipeline.ledger.places import Place
from pipeline.ledger.processes import Process
from pipeline.ledger.streams import Stream
from pipeline.ledger.tables import channels, deliveries, feeds, leases, proofs, revisions, withheld

MOST_OF_ERROR = 160  # characters of an error by which failures are grouped
_BESIDE = (source_rate_limit.row_of(""), "source:")  # rows of sources beside PubMed
_ASIDE = 20  # articles that were set aside: each is a condition of its own
_MISMATCHES = 100  # references that are another work than described: each is a condition of its own
_VANISHED = 100  # works whose record is gone: each is a condition of its own
_LOST = 100  # edits that were overtaken: those of one source about one article are one condition
_LOST_FOR = dt.timedelta(days=7)  # after which nobody will send them again
_IS_SHOWN = proofs.c.shown != sa.literal_column("''")  # as in the index
_REFUSED = deliveries.c.refusals > sa.literal_column("0")  # likewise


class Group(Struct, frozen=True, kw_only=True):
    """Rows with the same cause, in the words of the oldest of them. `article` is one of them, as an example."""

    channel: str
    cause: str
    count: int
    since: dt.datetime
    article: str


class ChannelTrouble(Struct, frozen=True, kw_only=True):
    channel: str
    reason: str | None
    disabled: dt.datetime | None
    failing: dt.datetime | None
    opened: dt.datetime | None
    paused: dt.datetime | None = None
    pause_reason: str | None = None


class SilentSource(Struct, frozen=True, kw_only=True):
    """A source of references that failed the last time. `error`: the code of that failure."""

    failures: int  # in a row
    error: str | None = None
    since: dt.datetime | None = None  # of NCBI's services only
    again: dt.datetime | None = None  # not asked before


class Overdue(Struct, frozen=True):
    """Live articles whose review is overdue: how many, and the one that is longest, with the day."""

    count: int
    article: str
    day: dt.date


class UnappliedSettings(Struct, frozen=True):
    """Settings on disk that are not those in force: since when, and why they cannot be used, if they cannot."""

    since: dt.datetime
    error: str | None = None


class StuckFeed(Struct, frozen=True):
    id: str
    attempts: int
    error: str


class Facts(Struct, frozen=True, kw_only=True):
    """Everything from which it is decided what needs a person."""

    now: dt.datetime
    held: tuple[Group, ...] = ()  # articles, by channel ("": everywhere)
    dead: tuple[Group, ...] = ()  # abandoned deliveries without withdrawals, of channels that `failing` is not about
    refused: tuple[Group, ...] = ()  # deliveries that were refused and will be tried again, of the same channels
    failing: tuple[Tally, ...] = ()  # what fails at channels with a dismissed cause
    dismissed: Mapping[str, Note] = {}  # by the keys of the causes
    withdrawals: tuple[Group, ...] = ()  # not accepted yet; since they were made
    shown: tuple[Group, ...] = ()  # withdrawn articles that can still be read
    channels: tuple[ChannelTrouble, ...] = ()
    elsewhere: Mapping[str, int] = {}  # outstanding deliveries of channels that are not configured
    sources: Mapping[str, SilentSource] = {}
    overdue: Overdue | None = None
    mismatches: tuple[Mismatch, ...] = ()  # the first of them
    vanished: tuple[Vanished, ...] = ()  # the first of them
    lost: tuple[NotDone, ...] = ()  # edits that were overtaken, with a text that the article never had
    verdict_sources: tuple[SourceState, ...] = ()  # beside PubMed, those that fail now
    feeds: tuple[StuckFeed, ...] = ()
    aside: tuple[str, ...] = ()  # the first of the articles whose rendering never ended
    findings: tuple[str, ...] = ()  # feeds that break their partner's rules
    processes: tuple[Process, ...] = ()
    places: tuple[Place, ...] = ()  # that channels have left and that are not empty, or could not be read back
    streams: tuple[Stream, ...] = ()  # that events are read from, of which some were set aside
    disk: str | None = None  # what is full
    unapplied: UnappliedSettings | None = None


def facts(
    transaction: Transaction,
    configured: Collection[str],
    *,
    now: dt.datetime,
    disk: str | None = None,
    unapplied: UnappliedSettings | None = None,
    cause_of: Callable[[str], str] = str,
    alike: Callable[[str, str, str], Hashable] = failing.word_by_word,
) -> Facts:
    """Read the facts. `configured`: the channels in the settings.

    `cause_of`: what an error comes down to; `alike`: the same with its channel and article, as for `failing.tallies`.
    By these failures are merged as they are read: no two of ten thousand need have the same words. The rest is what the
    caller found on its host.
    """
    dismissed = failure_notes.dismissed(transaction)
    noted = {one.channel for one in dismissed.values()}
    others = deliveries.c.channel.not_in(sorted(noted))
    return Facts(
        now=now,
        held=_grouped(transaction, withheld, withheld.c.cause, withheld.c.since),
        dead=_failed(transaction, cause_of, IS_ABANDONED, deliveries.c.urgency != 0, others),
        refused=_failed(transaction, cause_of, _REFUSED, deliveries.c.state.in_(("pending", "sending")), others),
        failing=tuple(failing.tallies(transaction, channels=noted, alike=alike)) if noted else (),
        dismissed=dismissed,
        withdrawals=_withdrawals(transaction),
        shown=_still_shown(transaction),
        channels=_channels(transaction, configured),
        elsewhere=delivery_records.outstanding_elsewhere(transaction, configured),
        sources=silent_sources(transaction),
        overdue=Overdue(*late) if (late := articles.longest_overdue(transaction, now.date())) else None,
        mismatches=mismatches.of_live_articles(transaction, limit=_MISMATCHES),
        vanished=vanished.of_live_articles(transaction, limit=_VANISHED),
        lost=events.lost(transaction, since=now - _LOST_FOR, limit=_LOST),
        verdict_sources=tuple(one for one in verdicts.states(transaction).values() if one.failing),
        feeds=_feeds(transaction),
        aside=tuple(articles.aside(transaction, now=now, limit=_ASIDE)),
        findings=tuple(feed_records.findings(transaction)),
        processes=tuple(processes.alive(transaction, now=now)),
        places=_troubled_places(transaction),
        streams=streams.with_dead_entries(transaction),
        disk=disk,
        unapplied=unapplied,
    )


def _failed(
    transaction: Transaction, cause_of: Callable[[str], str], *where: sa.ColumnElement[bool]
) -> tuple[Group, ...]:
    words = sa.func.substr(sa.func.coalesce(deliveries.c.error, ""), 1, MOST_OF_ERROR)
    return _grouped(transaction, deliveries, words, deliveries.c.changed, *where, alike=cause_of)


def _still_shown(transaction: Transaction) -> tuple[Group, ...]:
    """Return a group for each channel: every withdrawn article has an address of its own."""
    where = (proofs.c.due.is_not(None), _IS_SHOWN)
    return _grouped(transaction, proofs, proofs.c.shown, proofs.c.withdrawn, *where, alike=lambda _address: "")


def _grouped(
    transaction: Transaction,
    table: sa.Table,
    cause: sa.ColumnElement[Any],
    since: sa.Column[Any],
    *where: sa.ColumnElement[bool],
    alike: Callable[[str], str] = str,
) -> tuple[Group, ...]:
    """Return rows grouped by channel and by what `alike` makes of their causes, merged as they are read."""
    query = (
        sa.select(
            table.c.channel,
            cause,
            sa.func.count(),
            sa.func.min(sa.type_coerce(since, sa.BigInteger())),
            sa.func.min(table.c.article),
        )
        .where(*where)
        .group_by(table.c.channel, cause)
    )
    merged: dict[tuple[str, str], _Merged] = {}
    for channel, words, count, first, article in transaction.execute(query):
        key = (channel, alike(words))
        if (known := merged.get(key)) is None:
            merged[key] = _Merged(count, first, article, words)
        else:
            known.add(count, first, article, words)
    found = [(key, one.group(key[0])) for key, one in merged.items()]
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


class _Merged(Struct):
    """How many rows there are, and which was first, in microseconds since 1970, and by article at the same moment."""

    count: int
    first: int
    article: str
    words: str

    def add(self, count: int, first: int, article: str, words: str) -> None:
        self.count += count
        if (first, article) < (self.first, self.article):
            self.first, self.article, self.words = first, article, words

    def group(self, channel: str) -> Group:
        since = moment_of(self.first)
        return Group(channel=channel, cause=self.words, count=self.count, since=since, article=self.article)


def _withdrawals(transaction: Transaction) -> tuple[Group, ...]:
    made = sa.and_(revisions.c.article == deliveries.c.article, revisions.c.number == deliveries.c.target_revision)
    query = (
        sa.select(
            deliveries.c.channel,
            sa.func.count(),
            sa.func.min(revisions.c.at, type_=Instant()),
            sa.func.min(deliveries.c.article),
            sa.func.min(deliveries.c.error),
        )
        .join(revisions, made)
        .where(deliveries.c.urgency == 0, deliveries.c.due.is_not(None))
        .group_by(deliveries.c.channel)
        .order_by(deliveries.c.channel)
    )
    return tuple(
        Group(channel=channel, cause=error or "", count=count, since=since, article=article)
        for channel, count, since, article, error in transaction.execute(query)
    )


def _channels(transaction: Transaction, configured: Collection[str]) -> tuple[ChannelTrouble, ...]:
    columns = {"channel": channels.c.id} | {
        name: channels.c[name] for name in ChannelTrouble.__struct_fields__ if name != "channel"
    }
    signs = ("disabled", "failing", "opened", "paused")
    troubled = sa.or_(*(channels.c[sign].is_not(None) for sign in signs))
    rows = transaction.execute(sa.select(*columns.values()).where(troubled).order_by(channels.c.id))
    found = (ChannelTrouble(**dict(zip(columns, row, strict=True))) for row in rows)
    return tuple(one for one in found if one.channel in configured)


def silent_sources(transaction: Transaction) -> dict[str, SilentSource]:
    """Return the sources that do not answer: NCBI's services, and others when asked for records or for verdicts."""
    of_ncbi = leases.c.name.in_(get_args(ncbi_rate_limit.Service))
    others = (leases.c.name.startswith(prefix, autoescape=True) for prefix in _BESIDE)
    columns = (leases.c.name, leases.c.failures, leases.c.error, leases.c.failing, leases.c.not_before)
    query = sa.select(*columns).where(sa.or_(of_ncbi, *others), leases.c.failures > 0).order_by(leases.c.failures)
    return {
        re.sub("^source[-:]", "", name): SilentSource(failures=failures, error=error, since=since, again=again)
        for name, failures, error, since, again in transaction.execute(query)
    }


def _feeds(transaction: Transaction) -> tuple[StuckFeed, ...]:
    stuck = sa.select(feeds.c.id, feeds.c.attempts, feeds.c.error).where(feeds.c.due.is_not(None), feeds.c.attempts > 0)
    return tuple(StuckFeed(id, count, error or "") for id, count, error in transaction.execute(stuck))


def _troubled_places(transaction: Transaction) -> tuple[Place, ...]:
    every = place_records.every(transaction, states=("in-force", "orphan", "emptying"))
    return tuple(one for one in every if one.state == "orphan" or one.check_error)
