"""What is done when the evidence under a published article changes; what a channel asks of the evidence at all."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pipeline.model.reference import EditorialState

EvidencePolicy = Literal["annotate", "hold", "notify"]
"""annotate: the citation is marked and a new revision goes out. hold: the article is taken back until an operator
decides. notify: the operator is told, and what is out there stays as it is until the article changes by itself."""


class Gate(Struct, frozen=True, kw_only=True):
    """What an article's references must be before a channel gets it. Empty: anything goes."""

    min_resolved: int = 0
    refuse: tuple[EditorialState, ...] = ()  # an article that cites such a paper is refused
    newest_within_years: int | None = None  # at least one resolved reference is no older than that


ANYTHING = Gate()
