"""`history` and `show`: the revisions of an article, one of them in detail, and the newest as its readers see it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import InvalidEvent
from pipeline.ledger import articles
from pipeline.ledger.articles import names, renditions, revisions
from pipeline.model.revision import HIGHEST
from pipeline.model.words import later
from pipeline.views import history as history_views
from workers.cli import output
from workers.cli.common import ConfigOption, DataOption, JsonOption, System, UtcOption, find, print_json, reading
from workers.cli.judging import JudgedAsJson, JudgeOption, check_options, print_verdict
from workers.cli.names import unknown_article
from workers.cli.tables import table
from workers.cli.times import shown

if TYPE_CHECKING:
    from pipeline.views.revision import WholeRevision
    from pipeline.views.steps import Step

_Article = Annotated[str, typer.Argument(metavar="ARTICLE_ID")]


def register(app: typer.Typer) -> None:
    app.command()(history)
    app.command()(show)


def history(
    article_id: _Article,
    revision: Annotated[
        int | None,
        typer.Option(min=1, max=HIGHEST, help="How this one differs from the one before, and where it got to when."),
    ] = None,
    utc: UtcOption = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the revisions of an article, the newest first: when each was made and rendered, and why."""
    system = find(data, config)
    if revision is not None:
        _show_revision(system, article_id, revision, utc=utc, json=json)
        return
    with reading(system) as (transaction, now):
        found = history_views.history(transaction, article_id)
    if found is None:
        raise unknown_article(article_id)
    print_json(found) if json else _show(found, now, utc=utc)


def show(
    article_id: _Article,
    format: Annotated[str, typer.Option(help="The format's name.")] = "html",
    judge: JudgeOption = False,
    json: JudgedAsJson = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a live article in a format, as its readers get it. Nothing is kept."""
    from pipeline.renditions import format_named
    from pipeline.store import RenditionStore
    from workers.site import site_of

    check_options(judge=judge, json=json)
    chosen = format_named(format)
    system = find(data, config)
    with reading(system) as (transaction, _):
        known = names.article_named(transaction, article_id)
        current = articles.get(transaction, known)
        if current is None:
            raise unknown_article(article_id)
        if current.state != "live" or current.rendered is None:
            raise _not_shown(known, current.state)
        stored = renditions.one(transaction, known, current.rendered, format)
        revision = revisions.get(transaction, known, current.rendered)
    body = RenditionStore.at(system.settings.store_location).get(stored.digest, stored.bytes) if stored else None
    body = chosen.render(revision, site_of(system.settings)) if body is None else body
    if judge:
        print_verdict(known, current.rendered, chosen, body, json=json)
    else:
        sys.stdout.buffer.write(body)


def _not_shown(article_id: str, state: str) -> InvalidEvent:
    why = f"is {state}" if state != "live" else "is not rendered yet"
    return InvalidEvent(
        f"{article_id} {why}: its readers see nothing",
        code="not-live",
        hint="see `citewire status`",
        article=article_id,
    )


def _show(found: history_views.History, now: dt.datetime, *, utc: bool) -> None:
    rows = [
        (
            one.number,
            one.event,
            shown(one.at, now, utc=utc),
            shown(one.rendered_at, now, utc=utc),
            one.reason or ("an event" if one.by_event else one.cause or "its evidence changed"),
        )
        for one in found.revisions
    ]
    columns = ("revision", "event", "made", "rendered", "why")
    table(output.answers(), found.article, columns, rows, prose=("why",))


def _show_revision(system: System, article_id: str, number: int, *, utc: bool, json: bool) -> None:
    from pipeline.views import revision as revision_views

    with reading(system) as (transaction, now):
        found = revision_views.revision(transaction, article_id, number, now=now)
        if found is None and articles.get(transaction, names.article_named(transaction, article_id)) is None:
            raise unknown_article(article_id)
    if found is None:
        raise InvalidEvent(
            f"{article_id} has no revision {number}",
            code="unknown-revision",
            hint="give a number that `citewire history` shows",
            article=article_id,
        )
    print_json(found) if json else _show_one(found, now, utc=utc)


def _show_one(one: WholeRevision, now: dt.datetime, *, utc: bool) -> None:
    output.line(f"{one.article}  revision {one.number}  {one.event}")
    output.line(f"{one.summary}{f' {one.reason}' if one.reason else ''}")
    for change in one.changes:
        output.line(f"  {change}")
    references = [
        (
            each.id,
            ", ".join((each.before.state, *each.before.editorial)),
            ", ".join((each.after.state, *each.after.editorial)),
        )
        for each in one.references
    ]
    table(output.answers(), "references", ("id", "was", "became"), references)
    columns = ("place", "step", "when", "after", "what")
    table(output.answers(), "its way", columns, list(_steps(one, now, utc=utc)), prose=("what",), spare=("after",))


def _steps(one: WholeRevision, now: dt.datetime, *, utc: bool) -> Iterator[tuple[str, ...]]:
    for step in one.line.steps:
        yield "", *_step(step, now, utc=utc)
    for feed in one.line.feeds:
        says = "" if feed.since else "since when is not known"
        yield feed.name, "in the feed", shown(feed.since, now, utc=utc), "", says
    for place in one.line.places:
        for number, step in enumerate(place.steps):
            yield "" if number else place.channel, *_step(step, now, utc=utc)


def _step(step: Step, now: dt.datetime, *, utc: bool) -> tuple[str, str, str, str]:
    when = shown(step.at, now, utc=utc)
    says = step.says
    if step.until is not None and step.until > now:
        says = f"{says}: {shown(step.until, now, utc=utc)}"
    return step.what, when, "" if step.later is None else later(step.later), says
