"""Say which channels are sent an article again because it is rendered in another way. Nothing is written."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from pipeline.ledger import Transaction, articles
from pipeline.stages.context import Context
from pipeline.stages.render.compare import compare
from pipeline.stages.render.decide import decide
from pipeline.stages.render.reading import read


def sent_again(
    context: Context,
    transaction: Transaction,
    outdated: Sequence[str],
    keys: Mapping[str, tuple[str, ...]],
    *,
    now: dt.datetime,
) -> dict[str, list[str]]:
    """Return the articles that each channel is sent again, by rendering them in the formats of the channels alone.

    `keys` says under which keys the deliveries of a channel are found before the settings are in force.
    """
    delivered_formats = {plan.format for plan in context.channels.values()}
    context = replace(
        context, formats={name: one for name, one in context.formats.items() if name in delivered_formats}
    )
    found: defaultdict[str, list[str]] = defaultdict(list)
    for article_id in outdated if delivered_formats else ():
        for channel in _channels(context, transaction, article_id, keys, now):
            found[channel].append(article_id)
    return found


def _channels(
    context: Context,
    transaction: Transaction,
    article_id: str,
    keys: Mapping[str, tuple[str, ...]],
    now: dt.datetime,
) -> tuple[str, ...]:
    state = articles.get(transaction, article_id)
    if state is None:
        return ()
    facts = read(context, transaction, [state], now)[article_id]
    after = {key: channel for channel in context.channels for key in keys.get(channel, (channel,))}
    known = {after[key]: one for key, one in facts.channels.items() if key in after}
    facts = structs.replace(facts, channels=known)
    if not any(name in context.formats for name in facts.stored):
        return ()  # its channels take formats that are new: their places are filled
    compared = compare(context, facts, now)
    return decide(context.policy, context.channels.values(), facts, compared=compared, now=now).scheduled
