"""Failing deliveries grouped by cause: pure functions from what the ledger counted to what a person reads.

A cause is a channel with an error without what differs from one delivery to the next. Its key is the same for as long
as the cause is, so that it can be named in a command, and a replay acts on the cause and not on a list of ids.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from pipeline.ledger.deliveries.failing import Failed, Tally
from pipeline.ledger.failure_notes import Note
from pipeline.model.moment import exact_rfc3339
from pipeline.stages.causes import REMEMBERED, Who, cause_of

_ERROR = re.compile(
    r"(?s)(?P<code>[A-Za-z][\w-]*): (?:(?P<status>[1-5]\d\d)(?: (?P<reason>[A-Z][\w' -]*))?(?:: |$))?(?P<message>.*)"
)
_OURS = {"the channel is disabled": "channel-disabled", "the channel was forgotten": "channel-forgotten"}

# What has to be done on our side before these can succeed. Whatever is not here is for the partner to mend.
MENDS = {
    "channel-disabled": "ask the partner for its new address: it said that this one is gone for ever",
    "channel-forgotten": "nothing, or put the channel back into the settings",
    "place-given-up": "nothing, or put the channel back into the settings",
    "endpoint-gone": "ask the partner for its new address: it said that this one is gone for ever",
    "redirected": "give the channel the new address: redirects are not followed",
    "rendition-too-large": "raise the channel's `max_bytes`, or shorten the article",
    "send-interrupted": "look for why the worker died, in its log and the host's memory",
    "over-budget": "look in the worker's log for what took longer than it may",
    "render-interrupted": "look in the worker's log for why the article cannot be rendered",
    "egress-refused": "add the address to `egress_allow` if it is meant to be private",
    "invalid-url": "correct the channel's `url`",
    "invalid-request": "correct the channel's `headers`",
    "store-refused": "check the object store's credentials and the bucket's name",
    "login-refused": "check the user, key or password",
    "tls-not-offered": "change the channel's `security` or `port`",
    "format-unfit": "give the channel the format `html` or `amp`",
    "no-address": "set the site's `url` or `public_url`",
    "key-file-wrong": "put the channel's key into the file at `key_location`",
    "host-key-mismatch": "ask the partner whether its server has a new key before you change `host_key`",
    "folder-refused": "check the folder's permissions",
    "unsafe-name": "give the article an id that can be the name of a file",
    "unsendable": "look at the message: our side cannot send it",
    "duplicate-elsewhere": "change the article's title or picture",
    "disk-full": "make room on the disk that the message names",
    "folder-unavailable": "check that the folder is mounted and reachable",
    "clocks-differ": "have NTP set this host's clock, and ask the partner to do the same",
    "invalid-config": "correct the setting that the message names",
    "secret-missing": "set the variable, or create the file, that the message names",
    "secret-unusable": "correct the secret that the message names",
    "invalid-certificate": "give the channel's `tls` a certificate and its key, in PEM and unencrypted",
    "store-unreachable": "look for why the rendition store does not answer",
    "ledger-unreachable": "look for why the ledger's database does not answer",
    "ledger-busy": "look for what slows the ledger's database down",
    "ledger-contended": "look for what slows the ledger's database down",
}
_EDITORS = {"duplicate-elsewhere", "unsafe-name"}
_OUR_STATUS = {
    401: "check the credentials that the channel sends",
    403: "check the credentials that the channel sends",
    413: "set the channel's `max_bytes` to what the partner takes, or shorten the article",
}


class Cause(Struct, frozen=True, kw_only=True):
    """What deliveries of a channel failed of."""

    channel: str
    type: str  # the error's code
    status: int | None  # of HTTP
    message: str  # without ids, addresses and quotations

    @property
    def key(self) -> str:
        words = "\0".join((self.channel, self.type, str(self.status or ""), self.message))
        return "flr_" + hashlib.sha256(words.encode()).hexdigest()[:12]


class Failure(Struct, frozen=True, kw_only=True):
    """A cause with all deliveries that it concerns now. It is gone once they are delivered."""

    cause: Cause
    abandoned: int
    retried: int  # to be tried again by themselves
    first: dt.datetime
    last: dt.datetime
    due: dt.datetime | None
    article: str  # one of those concerned
    delivery: str
    who: Who
    mend: str  # what to do, in the imperative
    command: str  # what to run once that is done


def failures(tallies: Iterable[Tally], *, seen: dt.datetime) -> tuple[Failure, ...]:
    """Group by cause, the cause with most deliveries first. `seen`: when the ledger was looked at."""
    by_cause: defaultdict[Cause, list[Tally]] = defaultdict(list)
    for one in tallies:
        by_cause[cause(one.channel, one.error, one.article)].append(one)
    found = (_failure(one, mine, seen) for one, mine in by_cause.items())
    return tuple(sorted(found, key=lambda one: (-one.abandoned - one.retried, one.first, one.cause.key)))


def dismissed_at(one: Failure, note: Note | None) -> dt.datetime | None:
    """Return as of when the failure is dismissed; None if it is not, or if another delivery has failed of it since."""
    dismissed = note.dismissed if note is not None else None
    return dismissed if dismissed is not None and one.last <= dismissed else None


@lru_cache(maxsize=REMEMBERED)
def cause(channel: str, error: str, article: str) -> Cause:
    """Return what an error of a delivery of this article comes down to."""
    for words, code in _OURS.items():
        if error.startswith(words):
            return Cause(channel=channel, type=code, status=None, message=cause_of(error))
    error = _without(error, article)
    parts = _ERROR.fullmatch(error)
    if parts is None:
        return Cause(channel=channel, type="other", status=None, message=cause_of(error))
    status = int(parts["status"]) if parts["status"] else None
    message = parts["message"] or parts["reason"] or ""
    return Cause(channel=channel, type=parts["code"], status=status, message=cause_of(message))


def _without(text: str, word: str) -> str:
    """Return the text without a word: each article has another one, too many to compile a pattern for each."""
    kept, place = "", 0
    while (at := text.find(word, place)) >= 0 and word:
        end = at + len(word)
        alone = not (_continues(text[at - 1 : at]) or _continues(text[end : end + 1]))
        kept += text[place:at] + ("…" if alone else word)
        place = end
    return kept + text[place:]


def _continues(character: str) -> bool:
    return character.isalnum() or character in ("-", "_")


def concerned(one: Cause, failed: Iterable[Failed], *, seen: dt.datetime) -> tuple[list[str], int]:
    """Return the ids of the deliveries with this cause, and how many failed of it only after it was looked at."""
    mine = [row for row in failed if cause(one.channel, row.error, row.article) == one]
    return [row.id for row in mine if row.changed <= seen], sum(row.changed > seen for row in mine)


def _failure(one: Cause, mine: list[Tally], seen: dt.datetime) -> Failure:
    example = min(mine, key=lambda tally: tally.first)
    who, mend = _mend(one)
    return Failure(
        cause=one,
        abandoned=sum(tally.abandoned for tally in mine),
        retried=sum(tally.retried for tally in mine),
        first=example.first,
        last=max(tally.last for tally in mine),
        due=min((tally.due for tally in mine if tally.due is not None), default=None),
        article=example.article,
        delivery=example.delivery,
        who=who,
        mend=mend,
        command=f"citewire replay --failure {one.key} --seen {exact_rfc3339(seen)}",
    )


def _mend(one: Cause) -> tuple[Who, str]:
    if one.type in MENDS:
        return "editor" if one.type in _EDITORS else "operator", MENDS[one.type]
    if one.type == "refused" and one.status in _OUR_STATUS:
        return "operator", _OUR_STATUS[one.status]
    if one.type[0].isupper():  # the name of an exception: not one of ours
        return "operator", "report it: this is a fault in Citewire, and its log has it"
    if one.type == "refused":
        return "partner", f"ask the partner of {one.channel} why it refuses this"
    return "partner", f"wait, or ask the partner of {one.channel}: it is tried again as soon as anything gets through"
