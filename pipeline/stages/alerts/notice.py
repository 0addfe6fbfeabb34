"""Notices in the forms that receivers understand. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from pipeline.ledger.alerts import Alert, Kind
from pipeline.model.moment import rfc3339
from pipeline.stages.attention import Condition

TYPE = "org.citewire.attention"
PARTNER_TYPE = "org.citewire.delivery.exhausted"
_MOST = 20  # entries in a text for people


class Notice(Struct, frozen=True, kw_only=True):
    """What began and what ended since the receiver's last notice. `id` is the same at every attempt."""

    id: str
    site: str
    at: dt.datetime
    began: tuple[Condition, ...]
    over: tuple[Condition, ...]


def notice(entries: Sequence[tuple[Kind, Alert]], *, site: str, at: dt.datetime) -> Notice:
    names = "\n".join(f"{kind} {alert.id}" for kind, alert in entries)
    by_kind = {
        kind: tuple(condition_of(alert) for this, alert in entries if this == kind) for kind in ("opened", "ended")
    }
    id = "alert_" + hashlib.sha256(names.encode()).hexdigest()[:24]
    return Notice(id=id, site=site, at=at, began=by_kind["opened"], over=by_kind["ended"])


def as_json(sent: Notice) -> dict[str, Any]:
    """Return the plain form."""
    return {
        "type": TYPE,
        "id": sent.id,
        "site": sent.site,
        "at": rfc3339(sent.at),
        "began": [msgspec.to_builtins(one) for one in sent.began],
        "over": [msgspec.to_builtins(one) for one in sent.over],
    }


def as_slack(sent: Notice) -> dict[str, Any]:
    """Return the form of Slack's incoming webhooks, in which three characters are escaped."""
    text = as_text(sent).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text}


def as_teams(sent: Notice) -> dict[str, Any]:
    """Return the form of Teams' workflows: a message with an adaptive card, a block of text for each line."""
    blocks = [{"type": "TextBlock", "text": line, "wrap": True} for line in as_text(sent).splitlines() if line]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def as_partners_event(sent: Notice) -> dict[str, Any]:
    """Return the form for a partner: its own channel, without our commands."""
    return {
        "type": PARTNER_TYPE,
        "timestamp": rfc3339(sent.at),
        "data": {"began": [_for_partner(one) for one in sent.began], "over": [_for_partner(one) for one in sent.over]},
    }


def subject(sent: Notice) -> str:
    """Return one line that says how much began and ended."""
    counts = ((len(sent.began), "to be looked at"), (len(sent.over), "well again"))
    return f"{sent.site}: {', '.join(f'{count} {words}' for count, words in counts if count)}"


def as_text(sent: Notice, *, commands: bool = True) -> str:
    """Return the form for people, one entry in a line."""
    lines = [subject(sent)]
    lines += [f"- {one.what}{f' (run: {one.command})' if commands else ''}" for one in sent.began[:_MOST]]
    lines += [f"- well again: {one.what}" for one in sent.over[:_MOST]]
    left = max(len(sent.began) - _MOST, 0) + max(len(sent.over) - _MOST, 0)
    return "\n".join([*lines, *([f"- and {left} more"] if left else [])])


def _for_partner(one: Condition) -> dict[str, Any]:
    return {"kind": one.kind, "channel": one.channel, "what": one.what, "count": one.count, "article": one.article}


def condition_of(alert: Alert) -> Condition:
    return msgspec.json.decode(alert.condition, type=Condition)
