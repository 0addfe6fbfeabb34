"""`withdraw`: take back one article by its id, or the articles of an operation, a topic, or files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.intake.fields.reasons import reason_of
from pipeline.ledger import Transaction, articles, deliveries, operations
from pipeline.ledger.articles import listing, names, origins, public
from pipeline.ledger.articles.listing import ArticleFilter
from pipeline.model.event import FILE, Withdraw
from pipeline.stages.accept import accept_all
from workers.cli import output
from workers.cli.accepting import intake_of, operation_of, origin
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    TimeoutOption,
    WaitOption,
    existing_ledger,
    find,
    now,
    print_json,
)
from workers.cli.confirming import confirm_withdrawal
from workers.cli.names import unknown_article
from workers.cli.outcomes import Published, exit_with, wait_for
from workers.cli.reading import read_one

_TOGETHER = 1000  # articles of a topic read from the ledger at a time


def register(app: typer.Typer) -> None:
    app.command()(withdraw)


def withdraw(
    reason: Annotated[str, typer.Option(help="Why, for everyone downstream to read.")],
    named: Annotated[list[str] | None, typer.Argument(metavar="[ARTICLE_ID | FILE...]")] = None,
    operation: Annotated[
        str | None, typer.Option(metavar="ID", help="What this operation published or changed.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Every article of this topic.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Withdraw any number of articles without asking.")] = False,
    wait: WaitOption = False,
    timeout: TimeoutOption = 300.0,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Withdraw an article everywhere, or the articles of files, of an operation or of a topic.

    For several articles it first shows which channels have them, and asks once if it runs on a terminal.
    """
    reason = reason_of(reason, field="reason")
    system = find(data, config)
    with existing_ledger(system) as ledger:
        with ledger.read() as transaction:
            chosen = _chosen(transaction, named or [], operation, topic, system.known.drop)
            holders = {article: _holders_of(transaction, article) for article in chosen}
        if not (named and chosen == named and len(named) == 1):
            output.holders(holders)
            if not yes:
                confirm_withdrawal(len(chosen))
        intake = intake_of(ledger, system)
        done = operation_of(intake, "withdraw")
        events = [Withdraw(origin(), article, reason) for article in chosen]
        taken = [Published("", answer) for answer in accept_all(intake, events, done)]
        waited = wait_for(ledger, taken, timeout) if wait else "ended"
    shapes = [one.shape() for one in taken]
    for shape in shapes:
        del shape["file"], shape["warnings"]
    if json:
        print_json({"articles": shapes, "operation": done.id})
    elif not wait:
        output.accepted(shapes)
    exit_with(taken, refused=False, waited=waited)


def _chosen(
    transaction: Transaction, named: Sequence[str], operation: str | None, topic: str | None, drop: tuple[str, ...]
) -> list[str]:
    """Return the articles to take back, each once. Raises InvalidEvent if there are none, or if two ways are mixed."""
    if sum((bool(named), operation is not None, topic is not None)) != 1:
        hint = "give an article's id, or files, or --operation, or --topic"
        raise InvalidEvent("name what is withdrawn in exactly one way", code="nothing-named", hint=hint)
    if operation is not None:
        found = _of_operation(transaction, operation)
    elif topic is not None:
        found = sorted(set(_of_topic(transaction, topic)))
    else:
        return list(dict.fromkeys(_article(transaction, one, drop) for one in named))
    if not found:
        message = "nothing of it is live or scheduled"
        raise InvalidEvent(message, code="nothing-to-withdraw", hint="`citewire articles` shows what is")
    return found


def _article(transaction: Transaction, named: str, drop: tuple[str, ...]) -> str:
    """Return the article with this id, or from this file, which may no longer exist. Raises InvalidEvent."""
    if articles.get(transaction, names.article_named(transaction, named)) is not None:
        return named
    path = Path(named)
    known = origins.article_from(transaction, FILE + str(path.resolve()))
    if known is not None:
        return known
    if not path.is_file():
        raise unknown_article(named)
    one = read_one(path, drop, now(), named=True)
    if one.read is None:
        raise one.mistakes[0]
    article = names.article_named(transaction, one.read.article.id)
    if articles.get(transaction, article) is None:
        raise unknown_article(article)
    return article


def _of_operation(transaction: Transaction, operation: str) -> list[str]:
    if operations.find(transaction, operation) is None:
        hint = "give the id that `citewire operations` shows"
        raise InvalidEvent(f"no operation {operation!r} is known", code="unknown-operation", hint=hint)
    parts = operations.parts_of(transaction, operation)
    changed = dict.fromkeys(one.article for one in parts if one.article and one.outcome in ("published", "updated"))
    return [article for article in changed if _is_there(transaction, article)]


def _of_topic(transaction: Transaction, topic: str) -> Iterator[str]:
    """Return the articles of a topic, those whose newest revision is not yet out included."""
    return (one.id for one in listing.every(transaction, ArticleFilter(topic=topic)) if one.state != "withdrawn")


def _is_there(transaction: Transaction, article: str) -> bool:
    current = articles.get(transaction, article)
    return current is not None and current.state != "withdrawn"


def _holders_of(transaction: Transaction, named: str) -> dict[str, int]:
    """Return which revision of the article the site and each channel has."""
    article = names.article_named(transaction, named)
    shown = public.find(transaction, article)
    holders = {"site": shown.revision} if shown and shown.state == "live" else {}
    for one in deliveries.of_article(transaction, article):
        if one.delivered_revision is not None and one.delivered_event != "withdrawn":
            holders[one.channel] = one.delivered_revision
    return holders
