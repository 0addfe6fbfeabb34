"""What happens when the evidence changes, what a channel requires of an article, and how long sessions last."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from pipeline.model.reference import EditorialState

EvidencePolicy = Literal["annotate", "hold", "notify"]
"""annotate: send a new revision with the citation marked. hold: withdraw the article until an operator releases it.
notify: record the change for the operator, and send nothing until the article itself changes."""


ReviewPolicy = Literal["notify", "mark", "hold"]
"""When the day of an article's next review has passed. notify: the operator is alerted. mark: readers see it as well.
hold: the article is withdrawn until it has been reviewed, or an operator releases it."""


class SessionLimits(Struct, frozen=True):
    """When sessions of the console end: after so long without a request, and after so long in any case."""

    idle: dt.timedelta = dt.timedelta(hours=1)
    longest: dt.timedelta = dt.timedelta(hours=12)
    issuer: str | None = None  # whose word is taken for who somebody is; the sessions by any other have ended
    passkeys: bool = False  # whether people may sign in with them; if not, the sessions by any have ended


class Gate(Struct, frozen=True, kw_only=True):
    """What a channel requires of an article's references. The default requires nothing."""

    min_resolved: int = 0
    refuse: tuple[EditorialState, ...] = ()  # an article that cites such a paper is refused
    newest_within_years: int | None = None  # at least one resolved reference must be no older
    refuse_pending: bool = False  # with `refuse`: also while a source has yet to answer about a reference
    match: bool = False  # the words of every reference must describe the record that its identifier leads to


ANYTHING = Gate()
USUAL_SESSIONS = SessionLimits()
