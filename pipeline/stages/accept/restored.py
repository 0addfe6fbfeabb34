"""What an operator says about what lies beyond a backup: the backup counts all the same."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles, findings, operations
from pipeline.ledger.articles import ArticleState, revisions
from pipeline.ledger.findings import Finding
from pipeline.ledger.operations import Operation, Part
from pipeline.stages.accept import Intake
from pipeline.stages.accept.release import publish_again
from pipeline.stages.accept.withdrawing import take_back


def accept_backup(intake: Intake, names: Collection[str] | None, *, by: str) -> list[Finding]:
    """Keep the word that articles, or places, are as the backup has them; None: all. Return what that decides.

    An article of which a place has a later revision gets one with a number after that, with the backup's content, so
    that it replaces what is there. Raises InvalidEvent (`nothing-undecided`) for a name that needs no word.
    """
    with intake.ledger.write() as transaction:
        undecided = findings.undecided(transaction)
        chosen = [one for one in undecided if names is None or {one.article, one.place} & set(names)]
        for name in names or ():
            if not any(name in (one.article, one.place) for one in undecided):
                hint = "`citewire restore --look` shows what needs a decision"
                raise InvalidEvent(f"nothing about {name!r} needs a decision", code="nothing-undecided", hint=hint)
        parts = [_next(intake, transaction, id) for id in sorted({one.article for one in chosen if one.article})]
        findings.accept(transaction, chosen, by=by, now=intake.clock())
        if chosen:
            parts += [
                Part(None, None, None, "unchanged", None, one.place, one.detail) for one in chosen if not one.article
            ]
            operations.record(transaction, Operation(intake.new_id("op_"), "restore", by, intake.clock()), parts)
    return chosen


def _next(intake: Intake, transaction: Transaction, article_id: str) -> Part:
    """Give the article its next revision, whose number is after every one that was found."""
    state, now = articles.lock(transaction, article_id), intake.clock()
    if state is None:
        return Part(article_id, None, None, "unchanged", reason="the backup does not have it")
    if state.state == "withdrawn":
        reason = revisions.withdrawal(transaction, article_id, state.revision).reason
        take_back(transaction, state, event_id=None, reason=reason, now=now)
        return Part(article_id, state.revision, _number(transaction, article_id), "withdrawn", reason=reason)
    if state.rendered != state.revision:  # its newest revision has not been published yet
        number = findings.next_number(transaction, article_id, state.revision)
        revisions.repeat(transaction, article_id, state.revision, number, now=now)
        articles.save(transaction, articles.changed(state, revision=number, due=state.due or now))
    else:
        publish_again(transaction, state, now)
    return Part(article_id, state.revision, _number(transaction, article_id), "updated", reason="as the backup has it")


def _number(transaction: Transaction, article_id: str) -> int:
    state: ArticleState | None = articles.get(transaction, article_id)
    return state.revision if state else 0
