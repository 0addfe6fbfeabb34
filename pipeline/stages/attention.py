"""What needs a person, and who: the facts of the ledger, and pure functions from these to conditions.

To add a condition, write a function from `Facts` to conditions and add it to `CONDITIONS`. `citewire attention`,
`GET /v1/attention`, the exit status of `citewire status` and the alerts are made from this list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

from msgspec import Struct, structs

from pipeline.appraisal.standing import label
from pipeline.ledger import Transaction
from pipeline.ledger import attention as ledger_attention
from pipeline.ledger.attention import MOST_OF_ERROR, Facts, Group, UnappliedSettings
from pipeline.ledger.deliveries.failing import Tally
from pipeline.model import words
from pipeline.stages.causes import MOST_WORDS, Who, cause_of, remembered_cause_of
from pipeline.stages.failures import Failure, cause, dismissed_at, failures
from pipeline.stages.redaction import redacted
from pipeline.stages.refusals import REFUSALS

OVERDUE_AFTER = dt.timedelta(minutes=2)  # a withdrawal that a channel has not accepted
DOWN_AFTER = dt.timedelta(minutes=5)  # a circuit that is open
PAUSED_AFTER = dt.timedelta(days=1)  # a channel that an operator paused, and may have forgotten
SHOWN_AFTER = dt.timedelta(minutes=5)  # a withdrawn article that can still be read
STALE_AFTER = dt.timedelta(days=1)  # without an answer from a source beside PubMed
SOURCE_FAILURES = 5  # in a row, of a source of references
SOURCE_REFUSALS = 2  # the same: a single one may be a page that says "back soon"
FEED_FAILURES = 3  # in a row
UNAPPLIED_AFTER = dt.timedelta(minutes=1)  # a settings file that was changed and is not in force
MOST_CAUSES = 50  # of one channel that are a condition each; the others are one together
OTHER_CAUSES = "other causes, which `citewire failures` lists"


class Condition(Struct, frozen=True, kw_only=True):
    """Something that needs a person. `key` is the same for as long as it lasts."""

    key: str
    kind: str
    who: Who
    what: str
    command: str  # what to run first
    since: dt.datetime | None = None
    count: int = 1
    channel: str | None = None
    article: str | None = None  # one of those concerned


def needs(
    transaction: Transaction,
    channels: Collection[str],
    *,
    now: dt.datetime,
    disk: str | None = None,
    unapplied: UnappliedSettings | None = None,
) -> tuple[Condition, ...]:
    """Read the facts, and return what needs a person.

    `channels`: those in the settings; the rest is what the caller found on its host.
    """
    return attention(
        ledger_attention.facts(
            transaction,
            channels,
            now=now,
            disk=disk,
            unapplied=unapplied,
            cause_of=remembered_cause_of,
            alike=_alike,
        )
    )


def attention(facts: Facts) -> tuple[Condition, ...]:
    """Return what needs a person, the longest-lasting first within each kind."""
    return tuple(condition for find in CONDITIONS for condition in find(facts))


# --- the conditions -------------------------------------------------------------------------------------------------


def held_articles(facts: Facts) -> Iterator[Condition]:
    for one in _merged(facts.held):
        where = f"kept from {one.channel}" if one.channel else "held back everywhere"
        yield _of_group(
            one,
            kind="article-held",
            who="editor",
            what=f"{words.count(one.count, 'article')} {where} because of the evidence ({one.cause})",
            command=f"citewire release {one.article}" if one.cause == "hold" else f"citewire status {one.article}",
        )


def dead_letters(facts: Facts) -> Iterator[Condition]:
    for one in _merged((*facts.dead, *_not_dismissed(facts, lambda tally: tally.dead))):
        yield _of_group(
            one,
            kind="delivery-exhausted",
            who="partner",
            what=f"{one.channel}: {words.count(one.count, 'delivery', 'deliveries')} given up: {one.cause}",
            command=f"citewire replay --channel {one.channel}",
        )


def refusals(facts: Facts) -> Iterator[Condition]:
    for one in _merged((*facts.refused, *_not_dismissed(facts, lambda tally: tally.refused))):
        tried = words.count(one.count, "delivery", "deliveries")
        yield _of_group(
            one,
            kind="channel-refuses",
            who="partner",
            what=f"{one.channel} refuses {tried}, to be tried again: {one.cause}",
            command=f"citewire deliveries --channel {one.channel}",
        )


def troubled_channels(facts: Facts) -> Iterator[Condition]:
    for one in facts.channels:
        reason = cause_of(one.reason or "no reason given")
        if one.disabled is not None:
            yield Condition(
                key=f"channel-disabled:{one.channel}",
                kind="channel-disabled",
                who="operator",
                what=f"{one.channel} is disabled: {reason}",
                command=f"citewire replay --channel {one.channel}",
                since=one.disabled,
                channel=one.channel,
            )
        elif one.opened is not None and facts.now - one.opened >= DOWN_AFTER:
            yield Condition(
                key=f"channel-down:{one.channel}",
                kind="channel-down",
                who="partner",
                what=f"{one.channel} does not answer: {reason}",
                command=f"citewire deliveries --channel {one.channel}",
                since=one.opened,
                channel=one.channel,
            )


def paused_channels(facts: Facts) -> Iterator[Condition]:
    for one in facts.channels:
        if one.paused is not None and facts.now - one.paused >= PAUSED_AFTER:
            yield Condition(
                key=f"channel-paused:{one.channel}",
                kind="channel-paused",
                who="operator",
                what=f"{one.channel} has been paused for more than a day: {one.pause_reason or 'no reason given'}",
                command=f"citewire channels resume {one.channel}",
                since=one.paused,
                channel=one.channel,
            )


def withdrawals_overdue(facts: Facts) -> Iterator[Condition]:
    for one in facts.withdrawals:
        if facts.now - one.since >= OVERDUE_AFTER:
            why = cause_of(one.cause) or "no attempt has ended yet"
            yield _of_group(
                structs.replace(one, cause=""),
                kind="withdrawal-owed",
                who="operator",
                what=f"{one.channel} has not accepted {words.count(one.count, 'withdrawal')}: {why}",
                command=f"citewire deliveries --channel {one.channel}",
            )


def shown_withdrawals(facts: Facts) -> Iterator[Condition]:
    by_channel: defaultdict[str, list[Group]] = defaultdict(list)
    for one in facts.shown:
        by_channel[one.channel].append(one)
    for groups in by_channel.values():
        whole = _sum(groups)
        if facts.now - whole.since >= SHOWN_AFTER:
            shown = words.count(whole.count, "withdrawn article")
            yield _of_group(
                structs.replace(whole, cause=""),
                kind="withdrawn-still-shown",
                who="partner",
                what=f"{whole.channel} still shows {shown}: {whole.cause[:MOST_WORDS]}",
                command=f"citewire status {whole.article}",
            )


def missing_channels(facts: Facts) -> Iterator[Condition]:
    for channel, count in sorted(facts.elsewhere.items()):
        yield Condition(
            key=f"channel-missing:{channel}",
            kind="channel-missing",
            who="operator",
            what=f"{channel} is not in the settings: {words.count(count, 'delivery', 'deliveries')} cannot be made",
            command=f"citewire channels forget {channel}",
            count=count,
            channel=channel,
        )


def silent_sources(facts: Facts) -> Iterator[Condition]:
    names = {
        "pubmed": "PubMed",
        "idconv": "NCBI's ID converter",
        "esearch": "PubMed's search",
        "ecitmatch": "ECitMatch",
    }
    for source, one in sorted(facts.sources.items()):
        name, times = names.get(source) or label(source), words.count(one.failures, "time")
        refuses = one.error in REFUSALS and one.failures >= SOURCE_REFUSALS
        if one.failures >= SOURCE_FAILURES or refuses:
            again = f"; it is asked again at {one.again:%Y-%m-%d %H:%M} UTC" if refuses and one.again else ""
            yield Condition(
                key=f"source-{'refuses' if refuses else 'silent'}:{source}",
                kind="source-refuses" if refuses else "source-silent",
                who="operator",
                what=f"{name} refuses to answer us ({times} in a row: {one.error}){again}"
                if refuses
                else f"{name} has failed {times} in a row",
                command="citewire check",
                since=one.since,
                count=one.failures,
            )


def vanished_references(facts: Facts) -> Iterator[Condition]:
    for one in facts.vanished:
        source = "PubMed" if one.work.startswith("pmid:") else "any source"
        yield Condition(
            key=f"reference-gone:{one.work}",
            kind="reference-gone",
            who="editor",
            what=f"{_name_of(one.work)}, cited by {words.count(one.count, 'article')}, is no longer in {source};"
            " readers see its last record. Look for the paper, and cite it by another identifier or take it out",
            command=f"citewire status {one.article}",
            since=one.since,
            count=one.count,
            article=one.article,
        )


def mismatched_references(facts: Facts) -> Iterator[Condition]:
    for one in facts.mismatches:
        name = _name_of(one.work)
        meant = f"; they describe PMID {one.suggested}" if one.suggested else ""
        nobody = "; PubMed has no paper that they describe" if one.asked and not one.suggested else ""
        yield Condition(
            key=f"reference-mismatch:{one.article}:{one.number}:{one.work}",
            kind="reference-mismatch",
            who="editor",
            what=f"reference {one.number} of {one.article} ({name}) is not the work that its words describe"
            f" ({one.differs}){meant}{nobody}",
            command=f"citewire status {one.article}",
            since=one.since,
            article=one.article,
        )


def lost_edits(facts: Facts) -> Iterator[Condition]:
    for one in facts.lost:
        yield Condition(
            key=f"edit-overtaken:{one.article}:{one.source}",
            kind="edit-overtaken",
            who="editor",
            what=f"not carried out: {words.count(one.count, 'edit')} of {one.article} by {one.source}, older than the"
            " one before by the time sent, but with a text that the article never had. If it is the newest,"
            " publish it again, from its file or as an event under a new id without `time`",
            command=f"citewire status {one.article}",
            since=one.since,
            count=one.count,
            article=one.article,
        )


def overdue_reviews(facts: Facts) -> Iterator[Condition]:
    if (late := facts.overdue) is not None:
        articles = words.count(late.count, "article is", "articles are")
        yield Condition(
            key="review-overdue",
            kind="review-overdue",
            who="editor",
            what=f"{articles} overdue for review, {late.article} since {late.day}",
            command=f"citewire status {late.article}",
            since=dt.datetime.combine(late.day, dt.time(), dt.UTC),
            count=late.count,
            article=late.article,
        )


def stale_sources(facts: Facts) -> Iterator[Condition]:
    for one in facts.verdict_sources:
        if one.failing is not None and facts.now - one.failing >= STALE_AFTER:
            last = f"{one.answered:%Y-%m-%d %H:%M} UTC" if one.answered else "never"
            yield Condition(
                key=f"source-stale:{one.name}",
                kind="source-stale",
                who="operator",
                what=f"{label(one.name)} has not answered for a day (last: {last}): {cause_of(one.error or '')}",
                command="citewire check",
                since=one.failing,
            )


def stuck_feeds(facts: Facts) -> Iterator[Condition]:
    for one in facts.feeds:
        if one.attempts >= FEED_FAILURES:
            yield Condition(
                key=f"feed-stuck:{one.id}",
                kind="feed-stuck",
                who="operator",
                what=f"the feed {one.id.lstrip(':')} could not be built {one.attempts} times: {cause_of(one.error)}",
                command="citewire check",
                count=one.attempts,
            )


def set_aside(facts: Facts) -> Iterator[Condition]:
    for article_id in facts.aside:
        yield Condition(
            key=f"article-set-aside:{article_id}",
            kind="article-set-aside",
            who="operator",
            what=f"{article_id} is not rendered any longer: that never ended, or ended the process, each time",
            command=f"citewire replay --article {article_id}",
            article=article_id,
        )


def feed_findings(facts: Facts) -> Iterator[Condition]:
    for feed in facts.findings:
        yield Condition(
            key=f"feed-breaks-rules:{feed}",
            kind="feed-breaks-rules",
            who="editor",
            what=f"the feed {feed} breaks its partner's rules",
            command="citewire check",
        )


def troubled_processes(facts: Facts) -> Iterator[Condition]:
    for one in facts.processes:
        if one.trouble:
            yield Condition(
                key=f"process-holds:{one.name}",
                kind="process-holds",
                who="operator",
                what=f"{one.name} takes no work: {cause_of(one.trouble)}",
                command="citewire status",
            )
    if len({one.settings for one in facts.processes}) > 1:
        yield Condition(
            key="settings-differ",
            kind="settings-differ",
            who="operator",
            what="the site's processes run with different settings",
            command="citewire status",
            count=len({one.settings for one in facts.processes}),
        )


def unapplied_settings(facts: Facts) -> Iterator[Condition]:
    found = facts.unapplied
    if found is None or facts.now - found.since < UNAPPLIED_AFTER:
        return
    error = redacted(found.error) if found.error else None
    yield Condition(
        key="settings-unapplied",
        kind="settings-unapplied",
        who="operator",
        what=f"the settings on disk cannot be used: {error}" if error else "the settings on disk are not in force",
        command="citewire check" if error else "citewire plan",
        since=found.since,
    )


def troubled_places(facts: Facts) -> Iterator[Condition]:
    for one in facts.places:
        orphan = one.state == "orphan"
        error = cause_of(one.check_error or "")
        yield Condition(
            key=f"place-{'orphaned' if orphan else 'unreadable'}:{one.key}",
            kind="place-orphaned" if orphan else "place-unreadable",
            who="operator",
            what=f"{one.title} was left by {one.channel} and is not empty"
            if orphan
            else f"{one.title} of {one.channel} cannot be read back: {error}",
            command="citewire places" if orphan else "citewire check",
            since=one.left or one.checked,
            channel=one.channel,
        )


def events_set_aside(facts: Facts) -> Iterator[Condition]:
    for one in facts.streams:
        yield Condition(
            key=f"events-set-aside:{one.name}:{one.group}",
            kind="events-set-aside",
            who="operator",
            what=f"{words.count(one.dead, 'entry', 'entries')} of the stream {one.name} could not be accepted: "
            + cause_of(one.error or "no reason given"),
            command=f"citewire listen-stream {one.name} --group {one.group} --retry-dead",
            since=one.since,
            count=one.dead,
        )


def full_disk(facts: Facts) -> Iterator[Condition]:
    if facts.disk:
        yield Condition(key="disk-full", kind="disk-full", who="operator", what=facts.disk, command="df -h")


CONDITIONS: tuple[Callable[[Facts], Iterable[Condition]], ...] = (
    withdrawals_overdue,
    shown_withdrawals,
    troubled_channels,
    paused_channels,
    refusals,
    dead_letters,
    held_articles,
    mismatched_references,
    vanished_references,
    lost_edits,
    overdue_reviews,
    missing_channels,
    troubled_places,
    silent_sources,
    stale_sources,
    stuck_feeds,
    set_aside,
    feed_findings,
    troubled_processes,
    unapplied_settings,
    events_set_aside,
    full_disk,
)


# --- helpers --------------------------------------------------------------------------------------------------------


def _name_of(work: str) -> str:
    scheme, _, value = work.partition(":")
    return f"PMID {value}" if scheme == "pmid" else work


def _alike(channel: str, error: str, article: str) -> Hashable:
    """Tell failures apart by what they are dismissed by, and by what they are shown as."""
    return cause(channel, error, article), remembered_cause_of(error[:MOST_OF_ERROR])


def _not_dismissed(facts: Facts, count: Callable[[Tally], int]) -> Iterator[Group]:
    """Yield the failing deliveries of channels with dismissed causes, without those of such a cause."""
    dismissed = {one.cause.key for one in failures(facts.failing, seen=facts.now) if _is_dismissed(facts, one)}
    for one in facts.failing:
        if count(one) and cause(one.channel, one.error, one.article).key not in dismissed:
            words = one.error[:MOST_OF_ERROR]
            yield Group(channel=one.channel, cause=words, count=count(one), since=one.since, article=one.article)


def _is_dismissed(facts: Facts, one: Failure) -> bool:
    return dismissed_at(one, facts.dismissed.get(one.cause.key)) is not None


def _merged(groups: Iterable[Group]) -> list[Group]:
    """Merge groups whose causes differ only in what varies from one delivery to the next; the oldest come first.

    A partner whose every answer has words of its own has a bounded number of conditions all the same: the causes with
    most deliveries, and one for all others.
    """
    by_cause: defaultdict[tuple[str, str], list[Group]] = defaultdict(list)
    for one in groups:
        by_cause[one.channel, cause_of(one.cause)].append(one)
    by_channel: defaultdict[str, list[Group]] = defaultdict(list)
    for (channel, comes_down_to), found in by_cause.items():
        by_channel[channel].append(structs.replace(_sum(found), cause=comes_down_to))
    merged: list[Group] = []
    for causes in by_channel.values():
        causes.sort(key=lambda one: (-one.count, one.since, one.cause))
        merged += causes[:MOST_CAUSES]
        if others := causes[MOST_CAUSES:]:
            merged.append(structs.replace(_sum(others), cause=OTHER_CAUSES))
    return sorted(merged, key=lambda one: one.since)


def _sum(groups: list[Group]) -> Group:
    first = min(groups, key=lambda one: one.since)
    return structs.replace(first, count=sum(one.count for one in groups))


def _of_group(one: Group, *, kind: str, who: Who, what: str, command: str) -> Condition:
    return Condition(
        key=":".join(filter(None, (kind, one.channel, one.cause))),
        kind=kind,
        who=who,
        what=what,
        command=command,
        since=one.since,
        count=one.count,
        channel=one.channel or None,
        article=one.article,
    )
