"""Undo an operation: every article returns to its previous content, as a new revision, or is withdrawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from pipeline.errors import InvalidEvent
from pipeline.ledger import Transaction, articles, operations
from pipeline.ledger.articles import ArticleState, revisions
from pipeline.ledger.operations import Operation, Part
from pipeline.model.event import Accepted, Event, Origin, Publish, Withdraw
from pipeline.stages.accept import Intake, accept_chosen

REASON = "Its publication was undone."


_FOR_GOOD = {
    "replay": (
        "a replay cannot be undone: what it sent again is what the channels had, or should have had",
        "withdraw the articles, if the channels should not have them",
    ),
    "publish-again": (
        "what was published again is the text that was there before",
        "publish another text, or withdraw the articles",
    ),
    "schedule": (
        "what has gone live is not called back by its former time",
        "give it another time with `citewire schedule`, or withdraw it, if it is out",
    ),
    "release": (
        "a release cannot be undone: an operator answered for it, and the article has gone out",
        "withdraw the article, if nobody should have it",
    ),
    **dict.fromkeys(
        ("apply", "empty", "replace"),
        (
            "what lies at places is not brought back by an undo",
            "put the former settings back, and run `citewire apply`: what its places lack is sent to them again",
        ),
    ),
    "give-up": ("a place that was given up is not taken up again by an undo", "put its channel back"),
    **dict.fromkeys(
        ("pause", "resume"),
        (
            "what was sent or held back meanwhile is not undone",
            "use `citewire channels resume` or `citewire channels pause`",
        ),
    ),
    "rotate": (
        "a secret that was shown is not called back by an undo",
        "rotate it again, or use `citewire channels drop-secret`",
    ),
    "token-create": ("a token that was shown is not called back by an undo", "use `citewire token revoke`"),
    "passkey-invite": ("an invitation that was shown is not called back by an undo", "use `citewire passkeys remove`"),
    "passkey-add": ("who has a passkey can sign in", "use `citewire passkeys remove`"),
    "passkey-remove": ("a removed passkey stays removed", "add it again, or use `citewire passkeys invite`"),
    "recovery-codes": ("codes that were replaced are not kept", "make others, which end these"),
    "token-revoke": ("a revoked token stays revoked", "create another one with `citewire token create`"),
    "reload": ("settings are not brought back by an undo", "put the former settings back, and run `citewire reload`"),
    **dict.fromkeys(
        ("test", "fill", "forget", "recheck", "mend", "note", "sign-in", "sign-out", "migrate"),
        ("it changed no article's content", "`citewire operations` shows what it did"),
    ),
    "restore": (
        "what an operator decided after a restore has gone out",
        "publish or withdraw the articles, if something else should be shown",
    ),
}


class Undone(Struct, frozen=True):
    """`overtaken`: articles that were changed since, and are left as they are."""

    operation: str
    accepted: tuple[Accepted, ...]
    overtaken: tuple[str, ...]


class _Change(Struct, frozen=True):
    article: str
    before: int | None
    after: int


def undo(intake: Intake, operation_id: str, *, by: str, reason: str = REASON) -> Undone:
    """Undo an operation in one transaction, so that an edit which arrives meanwhile is kept.

    Raises InvalidEvent (`unknown-operation`, `cannot-be-undone`), and as `accept_all`.
    """
    operation = Operation(intake.new_id("op_"), "undo", by, intake.clock(), operation_id)
    left: list[str] = []

    def choose(transaction: Transaction) -> list[Event]:
        _check(operations.find(transaction, operation_id), operation_id)
        changes = _changes(operations.parts_of(transaction, operation_id))
        ids = sorted(one.article for one in changes)
        articles.take_turns(transaction, ids)
        found = {article_id: articles.lock(transaction, article_id) for article_id in ids}
        left[:] = [one.article for one in changes if operations.changed_since(transaction, one.article, one.after)]
        operations.record(transaction, operation, [_left(one, found[one]) for one in left])
        wanted = [one for one in changes if one.article not in set(left)]
        return list(_events(transaction, wanted, operation.id, reason))

    accepted = accept_chosen(intake, choose, operation)
    return Undone(operation.id, tuple(accepted), tuple(left))


def can_be_undone(kind: str) -> bool:
    """Return whether operations of this kind can be undone at all."""
    return kind not in _FOR_GOOD


def _left(article_id: str, state: ArticleState | None) -> Part:
    revision = state.revision if state else None
    return Part(article_id, revision, revision, "overtaken", reason="it was changed since")


def _check(found: Operation | None, operation_id: str) -> None:
    """Raise InvalidEvent unless the operation exists and can be undone."""
    if found is None:
        raise InvalidEvent(
            f"no operation {operation_id!r} is known",
            code="unknown-operation",
            field="operation",
            hint="give the id that `citewire operations` shows",
        )
    if found.kind in _FOR_GOOD:
        message, hint = _FOR_GOOD[found.kind]
        raise InvalidEvent(message, code="cannot-be-undone", field="operation", hint=hint)


def _changes(parts: Sequence[Part]) -> list[_Change]:
    """Return the overall change to each article, which an operation may have changed several times."""
    changes: dict[str, _Change] = {}
    for part in parts:
        if part.article is None or part.revision is None or part.revision == part.before:
            continue
        first = changes.get(part.article)
        changes[part.article] = _Change(part.article, first.before if first else part.before, part.revision)
    return list(changes.values())


def _events(transaction: Transaction, changes: list[_Change], operation: str, reason: str) -> Iterator[Event]:
    for number, one in enumerate(changes, start=1):
        origin = Origin(source="urn:citewire:undo", id=f"{operation}/{number}")
        if one.before is None or revisions.content_of(transaction, one.article, one.before) is None:
            yield Withdraw(origin, one.article, reason)
        else:
            yield Publish(origin, revisions.get(transaction, one.article, one.before).article, restores_name=True)
