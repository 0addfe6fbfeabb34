"""Whether a channel that accepted a withdrawal really stopped showing the article."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pipeline.ledger.deliveries import proofs
from pipeline.views.fields import ArticleId, ChannelId, Field, RevisionNumber, Time


@dataclass(frozen=True, slots=True)
class Proof:
    """A withdrawal that a channel accepted, and whether the article is gone there."""

    delivery: str
    article: ArticleId
    channel: ChannelId
    revision: RevisionNumber
    withdrawn: Annotated[Time, Field(description="When the channel accepted the withdrawal.")]
    checked: Time | None
    proved: Annotated[Time | None, Field(description="When the article was first found to be gone.")]
    seconds: Annotated[float | None, Field(description="From `withdrawn` to `proved`.")]
    shown: Annotated[str | None, Field(description="Where the article could still be read.")]
    due: Annotated[Time | None, Field(description="When the channel will be looked at again.")]
    error: str | None


def proof(one: proofs.Proof) -> Proof:
    return Proof(
        delivery=one.delivery,
        article=one.article,
        channel=one.channel,
        revision=one.revision,
        withdrawn=one.withdrawn,
        checked=one.checked,
        proved=one.proved,
        seconds=None if one.proved is None else (one.proved - one.withdrawn).total_seconds(),
        shown=one.shown,
        due=one.due,
        error=one.error,
    )
