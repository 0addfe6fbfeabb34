"""Actions on all articles that match a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger.bulk import Action
from pipeline.stages.bulk.starting import Prepared
from pipeline.views.fields import ChannelId, Count, Field, Time
from pipeline.views.operations import OperationId


@dataclass(frozen=True, slots=True)
class Holder:
    """A place that shows some of the articles."""

    channel: Annotated[ChannelId | None, Field(description="Null for the site itself.")]
    articles: Count


@dataclass(frozen=True, slots=True)
class PreparedAction:
    """An action on exactly the articles that matched, which waits to be started."""

    operation: Annotated[OperationId, Field(description="What it is called once it is started.")]
    action: Action
    seen: Annotated[Time, Field(description="When the articles matched. Those changed since will be skipped.")]
    count: Annotated[int, Field(ge=1, description="The articles concerned.")]
    holders: Annotated[tuple[Holder, ...], Field(description="Who shows how many of them now.")]


@dataclass(frozen=True, slots=True)
class StartedAction:
    """An action that is being carried out. Its operation says how far it has come."""

    operation: OperationId
    count: Annotated[int, Field(ge=1, description="The articles concerned.")]


def prepared_action(found: Prepared) -> PreparedAction:
    one = found.one
    holders = tuple(Holder(each.channel, each.articles) for each in found.holders)
    return PreparedAction(one.operation, one.action, one.seen, one.count, holders)
