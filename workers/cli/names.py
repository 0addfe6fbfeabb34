"""Look up the articles, channels and deliveries that a person names; an unknown name is reported with a suggestion."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.errors import InvalidEvent
from pipeline.hints import meant
from pipeline.ledger import Transaction, articles, operations
from pipeline.ledger import deliveries as ledger_deliveries
from pipeline.ledger.deliveries import Delivery
from workers.cli.common import System


def check_channel(transaction: Transaction, system: System, channel: str) -> None:
    """Raise InvalidEvent `unknown-channel` unless the channel is configured, or was ever sent something."""
    configured = system.known.channels
    if channel in configured or ledger_deliveries.search(transaction, state=None, channel=channel, limit=1):
        return
    raise unknown_channel(channel, configured)


def unknown_channel(channel: str, configured: Iterable[str]) -> InvalidEvent:
    names = list(configured)
    close = meant(channel, names)
    there = f"there are {', '.join(names)}" if names else "none is configured"
    hint = f"did you mean {close!r}?" if close else there
    return InvalidEvent(f"no channel {channel!r} is known", code="unknown-channel", hint=hint, channel=channel)


def check_article(transaction: Transaction, article_id: str) -> None:
    """Raise InvalidEvent `unknown-article` unless the article was ever published."""
    if articles.get(transaction, article_id) is None:
        raise unknown_article(article_id)


def unknown_article(article_id: str) -> InvalidEvent:
    return InvalidEvent(f"no article {article_id!r} is known", code="unknown-article", article=article_id)


def operation_named(transaction: Transaction, operation_id: str) -> str:
    """Return the id of the operation with this id, or of the only one whose id begins so.

    Raises InvalidEvent `unknown-operation`.
    """
    if operations.find(transaction, operation_id) is not None:
        return operation_id
    close = operations.beginning(transaction, operation_id, limit=2) if operation_id else []
    if len(close) != 1:
        hint = "give the id that `citewire operations` shows"
        message = (
            f"several operations begin with {operation_id!r}" if close else f"no operation {operation_id!r} is known"
        )
        raise InvalidEvent(message, code="unknown-operation", hint=hint)
    return close[0]


def delivery_named(transaction: Transaction, delivery_id: str) -> Delivery:
    """Return the delivery with this id, or the only one whose id begins so. Raises InvalidEvent `unknown-delivery`."""
    found = ledger_deliveries.find(transaction, delivery_id)
    if found is not None:
        return found
    close = ledger_deliveries.beginning(transaction, delivery_id, limit=2) if delivery_id else []
    if len(close) != 1:
        hint = "use an id that `citewire deliveries` shows"
        message = f"several deliveries begin with {delivery_id!r}" if close else f"no delivery {delivery_id!r} is known"
        raise InvalidEvent(message, code="unknown-delivery", hint=hint)
    return close[0]
