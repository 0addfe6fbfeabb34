"""Write a note about a cause of failures, or dismiss the cause until it happens again."""

from __future__ import annotations

import datetime as dt

from pipeline.intake.fields.reasons import reason_of
from pipeline.ledger import failure_notes
from pipeline.ledger.failure_notes import Note
from pipeline.ledger.operations import PartOutcome
from pipeline.stages import acts
from pipeline.stages.accept import Intake
from pipeline.stages.accept.replay import failure_named
from pipeline.stages.acts import Act


def note(intake: Intake, key: str, text: str, *, by: str) -> Note:
    """Write what people should know about a cause. An empty text removes it. Raises InvalidEvent."""
    cleaned = reason_of(text, field="note") if text.strip() else None
    return _write(intake, key, by=by, text=cleaned, outcome="noted")


def dismiss(intake: Intake, key: str, *, seen: dt.datetime, by: str) -> Note:
    """Dismiss a cause until a delivery fails of it that had not by the time it was `seen`. Raises InvalidEvent.

    Nobody has seen what is still to come: a later `seen` counts as now.
    """
    return _write(intake, key, by=by, dismissed=min(seen, intake.clock()), outcome="dismissed")


def reopen(intake: Intake, key: str, *, by: str) -> Note:
    """Take the dismissal of a cause back. Raises InvalidEvent."""
    return _write(intake, key, by=by, dismissed=None, outcome="reopened")


def _write(intake: Intake, key: str, *, by: str, outcome: PartOutcome, **changed: object) -> Note:
    now = intake.clock()
    with intake.ledger.read() as transaction:
        cause = failure_named(transaction, key, now=now).cause
    with intake.ledger.write() as transaction:
        former = failure_notes.every(transaction).get(cause.key)
        kept = {"text": former.text, "dismissed": former.dismissed} if former else {"text": None, "dismissed": None}
        new = Note(key=cause.key, channel=cause.channel, by=by, at=now, **kept | changed)  # type: ignore[arg-type]
        failure_notes.put(transaction, new)
        act = Act(intake.new_id("op_"), by, now)
        about = f"{cause.key}: {new.text}" if new.text else cause.key
        acts.record(transaction, act, "note", outcome, channel=cause.channel, reason=about)
    return new
