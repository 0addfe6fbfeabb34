"""Say what taking up settings, and emptying what their channels leave, would do. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from pipeline.ledger import Transaction, articles, places
from pipeline.ledger.places import ALL, IN_FORCE, Place
from pipeline.stages.context import Context
from pipeline.stages.places.changes import Change, ConfiguredChannel, final_keys
from pipeline.stages.places.fill import lack, page
from pipeline.stages.places.rerender import sent_again
from pipeline.stages.places.take_up import compare, digest_of
from pipeline.stages.render.fan_out import current_fingerprint


class Planned(Struct, frozen=True, kw_only=True):
    """What becomes of a channel. The lists contain ids of articles."""

    channel: str
    change: str
    place: str
    was: str | None  # the place that it leaves
    filled: tuple[str, ...] = ()  # what its place is sent because it lacks it
    refreshed: tuple[str, ...] = ()  # … because its place has it in another form, or it is rendered in another way
    withdrawn: tuple[str, ...] = ()  # withdrawals that are repeated at its place


class Orphaned(Struct, frozen=True, kw_only=True):
    """A place that no channel has any longer."""

    place: str
    channel: str
    is_new: bool  # it is left by these settings
    removed: tuple[str, ...]  # articles that `citewire apply` removes from it
    reachable: bool  # otherwise it can only be given up


class Plan(Struct, frozen=True, kw_only=True):
    in_force: str | None  # a digest of the channels' settings in force
    on_disk: str
    channels: tuple[Planned, ...]  # those with something to do
    orphans: tuple[Orphaned, ...]
    rendered: tuple[str, ...] = ()  # articles that are rendered again: by another release, or with other site facts

    @property
    def totals(self) -> dict[str, int]:
        """Return the number of articles to be sent (filled, refreshed or withdrawn) and removed, and of new orphans."""
        counts = {name: sum(len(getattr(one, name)) for one in self.channels) for name in _SENT}
        removed = sum(len(one.removed) for one in self.orphans)
        others = {"removed": removed, "orphaned": self._new_orphans, "rendered": len(self.rendered)}
        return {"sent": sum(counts.values())} | counts | others

    @property
    def _new_orphans(self) -> int:
        return sum(one.is_new for one in self.orphans)


_EVERY = 10**9
_SENT = ("filled", "refreshed", "withdrawn")


def plan(
    context: Context, transaction: Transaction, configured: Sequence[ConfiguredChannel], *, now: dt.datetime
) -> Plan:
    """Return what putting these settings in force does. `context` is the one that they give."""
    found = compare(transaction, configured)
    known = places.every(transaction)
    keys = _keys_before(found)
    in_force = places.in_force(transaction)
    outdated = _outdated(context, transaction, now)
    again = sent_again(context, transaction, outdated, keys, now=now)
    planned = [_planned(context, transaction, change, keys, again.get(change.channel, ()), now) for change in found]
    return Plan(
        in_force=in_force.digest if in_force else None,
        on_disk=digest_of(configured),
        channels=tuple(one for one in planned if one.change != "kept" or one.filled or one.refreshed or one.withdrawn),
        orphans=tuple(_orphans(transaction, found, known)),
        rendered=tuple(sorted(outdated)),
    )


def _outdated(context: Context, transaction: Transaction, now: dt.datetime) -> list[str]:
    """Return the articles that are rendered again by themselves."""
    if not context.policy.refresh_rate:
        return []
    return articles.outdated(transaction, current_fingerprint(context), now=now, limit=_EVERY)


def _keys_before(found: Sequence[Change]) -> dict[str, tuple[str, ...]]:
    """Return, by the keys after the changes, the keys under which the same deliveries are found before them."""
    final = final_keys(found)
    keys: dict[str, tuple[str, ...]] = {}
    for change in found:
        if change.configured is not None:
            own = () if change.evicted or change.former is None or change.takes else (change.channel,)
            taken = () if change.takes is None else (change.takes.key,)
            keys[change.channel] = own + taken + tuple(one.key for one in change.merges)
    for change in found:
        if change.key is not None and change.evicted is not None and final.get(change.evicted.key) == change.key:
            keys[change.key] = (change.evicted.key,)
    return keys


def _planned(
    context: Context,
    transaction: Transaction,
    change: Change,
    keys: Mapping[str, tuple[str, ...]],
    again: Collection[str],
    now: dt.datetime,
) -> Planned:
    lacks: dict[str, str] = dict.fromkeys(again if change.configured is not None else (), "refresh")
    for source in change.fill if change.configured is not None else ():
        for article_id in _articles(transaction, source, keys):
            if article_id not in lacks:
                plan = context.channels[change.channel]
                found = lack(transaction, context.policy, plan, article_id, source, keys=keys, now=now)
                if found is not None and found.kind != "withhold":
                    lacks[article_id] = found.kind
    by_kind = {kind: tuple(sorted(one for one in lacks if lacks[one] == kind)) for kind in lacks.values()}
    return Planned(
        channel=change.channel,
        change=change.kind,
        place=change.location,
        was=change.former.title if change.former is not None and change.key is not None else None,
        filled=by_kind.get("send", ()),
        refreshed=by_kind.get("refresh", ()),
        withdrawn=by_kind.get("withdraw", ()),
    )


def _articles(transaction: Transaction, source: str, keys: Mapping[str, tuple[str, ...]]) -> list[str]:
    found: set[str] = set()
    for key in (ALL,) if source == ALL else keys.get(source, (source,)):
        after = ""
        while some := page(transaction, key, after):
            found.update(some)
            after = some[-1]
    return sorted(found)


def _orphans(transaction: Transaction, found: Sequence[Change], known: Sequence[Place]) -> list[Orphaned]:
    """Return the places that are orphans already or become ones, with what emptying them removes."""
    taken = {place.key for change in found for place in (change.takes, *change.merges) if place is not None}
    stay = {change.channel for change in found if change.configured is not None and change.evicted is None}
    orphans = []
    for place in known:
        is_new = place.state in IN_FORCE and place.key not in stay
        if place.key in taken or not (is_new or place.state in ("orphan", "emptying")):
            continue
        if is_new and not places.articles_at(transaction, place.key, "", 1):
            continue
        reachable = place.settings is not None
        removed = tuple(places.contents_of(transaction, place.key)) if reachable else ()
        orphans.append(
            Orphaned(place=place.title, channel=place.channel, is_new=is_new, removed=removed, reachable=reachable)
        )
    return orphans
