"""A portion of an action on many articles, in one transaction: what is done, what is skipped and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from pipeline.ledger import Transaction, articles, bulk, operations
from pipeline.ledger.articles import ArticleState, withheld
from pipeline.ledger.bulk import Action, Bulk, Chosen
from pipeline.ledger.deliveries import failing
from pipeline.ledger.operations import Operation, Part, PartOutcome
from pipeline.model.event import Event, Origin, Withdraw
from pipeline.stages.accept import Intake, accept_chosen, intake_of
from pipeline.stages.accept.release import end_holds, publish_again
from pipeline.stages.accept.replay import replayed_part
from pipeline.stages.bells import ring_for_channels
from pipeline.stages.context import Context

SOURCE = "urn:citewire:bulk"
PORTION = 64  # articles in a transaction
_GIVE_UP = 4  # failed attempts at a portion, of which the last were at one article


class _Taken(Struct, frozen=True):
    """A portion that is dealt with in this transaction: articles that are as they were, and parts for the others."""

    one: Bulk
    now: dt.datetime
    same: tuple[ArticleState, ...]
    parts: tuple[Part, ...]


class _Done(Struct, frozen=True):
    parts: tuple[Part, ...]
    channels: frozenset[str] = frozenset()  # that have something to deliver now
    renders: bool = False


def operation_of(one: Bulk) -> Operation:
    """Return the operation as which an action is recorded."""
    return Operation(
        one.operation, one.action, one.by, one.seen, planned=one.count, alive_until=one.seen + operations.BY_ITSELF
    )


def carry_out(context: Context, operation: str, *, token: str) -> None:
    """Deal with the next articles of an action. Nothing happens if another process has claimed it by now."""
    with context.ledger.read() as transaction:
        one = bulk.find(transaction, operation)
    if one is None:
        return
    limit, intake = max(PORTION >> 2 * one.attempts, 1), intake_of(context)

    def taken(transaction: Transaction) -> _Taken | None:
        return _take(transaction, operation, token=token, limit=limit, now=intake.clock())

    if one.attempts >= _GIVE_UP:
        _step(context, taken, _refuse)
    elif one.action == "withdraw":
        _withdraw(intake, taken, operation_of(one))
    else:
        _step(context, taken, _STEPS[one.action])


def _take(transaction: Transaction, operation: str, *, token: str, limit: int, now: dt.datetime) -> _Taken | None:
    """Take the next articles, and record up to where the action has come with them."""
    one = bulk.claimed(transaction, operation, token=token)
    if one is None:
        return None
    chosen = bulk.portion(transaction, one, limit=limit)
    articles.take_turns(transaction, [each.article for each in chosen])
    states = {id: articles.lock(transaction, id) for id in sorted(each.article for each in chosen)}
    position = one.position + len(chosen)
    if position < one.count and chosen:
        bulk.go_on(transaction, one, position=position, now=now)
    else:
        bulk.end(transaction, one)
        operations.end(transaction, operation, now)
    same = tuple(state for each in chosen if (state := states[each.article]) and state.revision == each.revision)
    kept = {state.id for state in same}
    return _Taken(one, now, same, tuple(_changed(each, states) for each in chosen if each.article not in kept))


def _changed(one: Chosen, states: dict[str, ArticleState | None]) -> Part:
    state = states[one.article]
    revision = state.revision if state else None
    why = f"it was changed since: it is at revision {revision} and was at {one.revision}"
    return Part(one.article, one.revision, revision, "overtaken", reason=why)


def _step(
    context: Context,
    taken: Callable[[Transaction], _Taken | None],
    act: Callable[[Transaction, _Taken], _Done],
) -> None:
    """Act on a portion in one transaction, and ring for what it has made due."""

    def step(transaction: Transaction) -> _Done | None:
        portion = taken(transaction)
        if portion is None:
            return None
        done = act(transaction, portion)
        operations.record(transaction, operation_of(portion.one), [*portion.parts, *done.parts])
        return done

    done = context.ledger.written(step)
    if done is None:
        return
    if done.renders:
        context.doorbell.ring("render")
    ring_for_channels(context, sorted(done.channels), urgent=False)


def _withdraw(intake: Intake, taken: Callable[[Transaction], _Taken | None], operation: Operation) -> None:
    def choose(transaction: Transaction) -> Sequence[Event]:
        portion = taken(transaction)
        if portion is None:
            return []
        gone = [_left(state, "it was withdrawn already") for state in portion.same if state.state == "withdrawn"]
        operations.record(transaction, operation, [*portion.parts, *gone])
        return [_withdrawal(portion.one, state) for state in portion.same if state.state != "withdrawn"]

    accept_chosen(intake, choose, operation)


def _withdrawal(one: Bulk, state: ArticleState) -> Withdraw:
    return Withdraw(Origin(source=SOURCE, id=f"{one.operation}/{state.id}"), state.id, one.reason or "")


def _replay(transaction: Transaction, portion: _Taken) -> _Done:
    ids = failing.abandoned_of(transaction, [state.id for state in portion.same], until=portion.one.seen)
    again = failing.replay(transaction, ids, now=portion.now)
    replayed = {each.article for each in again}
    nothing = [_left(state, "nothing of it was given up") for state in portion.same if state.id not in replayed]
    parts = (*(replayed_part(each) for each in again), *nothing)
    return _Done(parts, frozenset(each.channel for each in again))


def _release(transaction: Transaction, portion: _Taken) -> _Done:
    kept = withheld.of_articles(transaction, [state.id for state in portion.same])

    def parts() -> Iterator[Part]:
        for state in portion.same:
            holds = [each for each in kept.get(state.id, {}).values() if each.cause == "hold"]
            if holds:
                yield from end_holds(transaction, state, holds, by=portion.one.by, now=portion.now)
            else:
                yield _left(state, "nothing of it is held")

    return _Done(tuple(parts()), renders=True)


def _publish_again(transaction: Transaction, portion: _Taken) -> _Done:
    def parts() -> Iterator[Part]:
        for state in portion.same:
            if state.state == "live" and state.rendered is not None:
                number = publish_again(transaction, state, portion.now)
                yield Part(state.id, state.revision, number, "updated")
            else:
                yield _left(state, "it is withdrawn" if state.state == "withdrawn" else "it is not out yet")

    return _Done(tuple(parts()), renders=True)


def _refuse(transaction: Transaction, portion: _Taken) -> _Done:
    """Leave alone what could not be dealt with for an error of our own, so that the rest is."""
    return _Done(tuple(_left(state, "an error in Citewire, which its log has", "refused") for state in portion.same))


def _left(state: ArticleState, why: str, outcome: PartOutcome = "left-out") -> Part:
    return Part(state.id, state.revision, state.revision, outcome, reason=why)


_STEPS: dict[Action, Callable[[Transaction, _Taken], _Done]] = {
    "replay": _replay,
    "release": _release,
    "publish-again": _publish_again,
}
