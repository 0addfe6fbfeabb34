"""What happens when the evidence for a published article changes, and what a channel requires of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pipeline.model.reference import EditorialState

EvidencePolicy = Literal["annotate", "hold", "notify"]
"""annotate: send a new revision with the citation marked. hold: withdraw the article until an operator releases it.
notify: record the change for the operator, and send nothing until the article itself changes."""


ReviewPolicy = Literal["notify", "mark", "hold"]
"""When the day of an article's next review has passed. notify: the operator is alerted. mark: readers see it as well.
hold: the article is withdrawn until it has been reviewed, or an operator releases it."""


class Gate(Struct, frozen=True, kw_only=True):
    """What a channel requires of an article's references. The default requires nothing."""

    min_resolved: int = 0
    refuse: tuple[EditorialState, ...] = ()  # an article that cites such a paper is refused
    newest_within_years: int | None = None  # at least one resolved reference must be no older
    refuse_pending: bool = False  # with `refuse`: also while a source has yet to answer about a reference
    match: bool = False  # the words of every reference must describe the record that its identifier leads to


ANYTHING = Gate()
