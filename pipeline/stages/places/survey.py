"""Ask a place, after a restore, what it has that the restored ledger does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipeline.channels import Channel, ComparableChannel, ListedChannel
from pipeline.errors import CitewireError
from pipeline.ledger import Transaction, articles, deliveries, places
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.database import chunks
from pipeline.ledger.deliveries import WITHDRAWAL, Delivery, sending
from pipeline.ledger.findings import Finding, FindingKind
from pipeline.ledger.places import REACHABLE, readings, rekeying
from pipeline.model.delivery import Found
from pipeline.stages.context import ChannelPlan, Context
from pipeline.stages.deliver.parcels import parcel
from pipeline.stages.places.adopting import add_delivery
from pipeline.stages.places.created import created_since_the_backup

_PAGE = 100  # entries, or deliveries, in a transaction
_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,119})\.[a-z0-9-]{1,40}")  # what a stranger put there may be anything
_MOST = 10**9  # the same for a revision
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{5,15}Z")


def can_be_surveyed(channel: Channel, plan: ChannelPlan) -> bool:
    return isinstance(channel, ListedChannel | ComparableChannel) or plan.proof_check is not None


def survey(context: Context, channel: Channel, plan: ChannelPlan) -> list[Finding]:
    """Return what the place says beyond the ledger. Raises CitewireError if it does not answer.

    What lies there without a delivery gets one, so that corrections and withdrawals reach it.
    """
    if not isinstance(channel, ListedChannel):
        created = created_since_the_backup(context, channel, plan)
        rows = (row for row in _shown(context, plan.id) if row.article not in created)
        return [*created.values(), *(one for row in rows if (one := _asked(context, channel, plan, row)))]
    there = {name: one for name, one in channel.found().items() if _is_ours(name, one)}
    later = _listed(context, plan, there)
    rows = (row for row in _shown(context, plan.id) if row.article not in later)
    gone = (_gone(context, row, there) for row in rows)
    return [*later.values(), *(one for one in gone if one is not None)]


def _listed(context: Context, plan: ChannelPlan, there: Mapping[str, Found]) -> dict[str, Finding]:
    """Return what the manifests say beyond the ledger, by article; of several files the latest."""
    later: dict[str, Finding] = {}
    for some in chunks(sorted(there.items(), key=lambda item: (item[1].revision, item[0])), _PAGE):
        with context.ledger.write() as transaction:
            found = (_entry(context, transaction, plan, name, one) for name, one in some)
            later |= {finding.article: finding for finding in found if finding is not None}
    return later


def _entry(context: Context, transaction: Transaction, plan: ChannelPlan, name: str, one: Found) -> Finding | None:
    state = articles.get(transaction, one.article)
    if one.is_there and one.event != "withdrawn":
        _adopt(context, transaction, plan, name, one, state)
    return _beyond(transaction, plan.id, name, one, state)


def _is_ours(name: str, one: Found) -> bool:
    named = _NAME.fullmatch(name)
    return named is not None and named[1] == one.article and 0 < one.revision < _MOST


def unread(plan_id: str, error: CitewireError) -> Finding:
    return Finding(place=plan_id, kind="unread", detail=f"it could not be read back: {error.code}: {error}")


def _shown(context: Context, key: str) -> Iterator[Delivery]:
    after, more = "", True
    while more:
        with context.ledger.read() as transaction:
            rows = readings.shown(transaction, key, after, _PAGE)
        yield from rows
        more = len(rows) == _PAGE
        after = rows[-1].article if rows else after


def _beyond(transaction: Transaction, key: str, name: str, one: Found, state: ArticleState | None) -> Finding | None:
    """Return what a manifest says that the ledger does not know."""
    is_gone = one.event == "withdrawn"
    if state is not None and (one.revision, is_gone) <= (state.revision, False):
        return None
    if state is not None and one.revision <= state.revision:
        row = deliveries.at_place(transaction, key, one.article)
        if one.revision < state.revision or state.state == "withdrawn" or (row and row.urgency == WITHDRAWAL):
            return None
    written = f", written {one.at}" if _WRITTEN.fullmatch(one.at) else ""
    backup = "the backup does not have the article" if state is None else f"the backup has revision {state.revision}"
    what = f"has a withdrawal, revision {one.revision}" if is_gone else f"has revision {one.revision}"
    kind: FindingKind = "withdrawn" if is_gone else "newer"
    detail = f"{name} {what}{written}; {backup}"
    return Finding(place=key, article=one.article, kind=kind, revision=one.revision, detail=detail)


def _gone(context: Context, row: Delivery, there: Mapping[str, Found]) -> Finding | None:
    """Return that a file which should be there is not, whatever its manifest says."""
    named = there.get(row.remote_id or "")
    if row.remote_id is None or (named is not None and (named.is_there or named.event == "withdrawn")):
        return None
    return _differs(context, row, "gone", f"{row.remote_id} is not there any more")


def _asked(context: Context, channel: Channel, plan: ChannelPlan, row: Delivery) -> Finding | None:
    """Ask for one article at a place that cannot be listed."""
    if isinstance(channel, ComparableChannel) and row.target_digest is not None:
        with context.ledger.read() as transaction:
            loaded = sending.loaded(transaction, row.id)
        found = None if loaded is None else channel.differs(parcel(context, loaded, context.clock()), row.target_digest)
        if found is not None and found.kind == "missing":
            return _differs(context, row, "gone", found.detail)
        if found is not None:
            return _differs(context, row, "newer", found.detail)
    if plan.proof_check is not None and plan.proof_check(row.article) is None:
        return _differs(context, row, "gone", "it is not found at `proof_url`")
    return None


def _differs(context: Context, row: Delivery, kind: FindingKind, detail: str) -> Finding | None:
    """Return what is not as it was delivered, unless the article is withdrawn anyway."""
    with context.ledger.read() as transaction:
        state = articles.get(transaction, row.article)
    if state is None or state.state == "withdrawn":
        return None
    return Finding(place=row.channel, article=row.article, kind=kind, revision=state.revision, detail=detail)


def _adopt(
    context: Context, transaction: Transaction, plan: ChannelPlan, name: str, one: Found, state: ArticleState | None
) -> None:
    """Give an article that lies at a place a delivery there, if it has none, which knows of this file."""
    format = _format_of(context, transaction, plan, name)
    if format is None:
        return
    if deliveries.at_place(transaction, plan.id, one.article) is None:
        add_delivery(context, transaction, plan, one.article, one.revision, state)
    rekeying.add_files(transaction, plan.id, one.article, [format], name if format == plan.format else None)


def _format_of(context: Context, transaction: Transaction, plan: ChannelPlan, name: str) -> str | None:
    """Return the format of a file, or None if none has its extension, or if it may be another channel's."""
    extension = name.partition(".")[2]
    format = next((one.name for one in context.formats.values() if one.extension == extension), None)
    return format if format == plan.format or not _is_shared(transaction, plan.id) else None


def _is_shared(transaction: Transaction, key: str) -> bool:
    every = places.every(transaction, states=REACHABLE)
    location = next((one.location for one in every if one.key == key), None)
    return sum(one.location == location for one in every) > 1
