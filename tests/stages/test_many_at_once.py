"""Many articles at once: what a batch costs the ledger, and that none of them disturbs the others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from bench import PLAIN, START, Bench, Store, article
from every_stage import deliver, enrich, render
from msgspec import Struct

from benchmarks.statements import counted
from pipeline.errors import InvalidArticle
from pipeline.ledger import Ledger, articles, deliveries
from pipeline.ledger.articles import revisions
from pipeline.ledger.operations import Operation
from pipeline.ledger.tables import article_names, citations, contents, metadata, origins, references
from pipeline.ledger.tables import articles as rows_of_articles
from pipeline.ledger.tables import operation_parts as parts
from pipeline.ledger.tables import revisions as revision_rows
from pipeline.model.event import Event, Origin, Publish, Withdraw
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.stages.accept import Intake, accept, accept_all
from pipeline.stages.context import Policy
from pipeline.stages.stage import drain

ON_SQLITE = pytest.mark.parametrize("ledger", ["sqlite"], indirect=True)  # what does not hang on the database
HOUR = dt.timedelta(hours=1)


def names(count: int, prefix: str = "article") -> list[str]:
    return [f"{prefix}-{number:02}" for number in range(count)]


def published(bench: Bench, articles: Sequence[str], text: str = "Rest.") -> None:
    for name in articles:
        bench.publish(article(name, text=text, pmids=["1"]))
    drain(bench.context, enrich)


def due_of(bench: Bench) -> dict[str, bool]:
    """Return each article that has a delivery, and whether it is outstanding."""
    with bench.ledger.read() as transaction:
        found = deliveries.search(transaction, state=None, channel="partner", limit=100)
    return {one.article: one.due is not None for one in found}


def cost_of(bench: Bench, step: Callable[[], object]) -> tuple[int, int]:
    """Return how many statements and how many commits of writes a step takes."""
    with counted() as sent:
        step()
    return sent.statements, sent.writes


def test_twenty_articles_are_rendered_with_as_many_statements_as_five(ledger: Ledger) -> None:
    bench = Bench(ledger)
    bench.context = replace(bench.context, policy=replace(bench.context.policy, evidence_wait=0))
    costs = []
    for count, prefix in ((1, "first"), (5, "few"), (20, "many")):  # after the first the sitemap is there
        published(bench, names(count, prefix))
        costs.append(cost_of(bench, lambda: drain(bench.context, render)))
    assert costs[1] == costs[2]
    statements, commits = costs[2]
    assert (statements <= 40, commits) == (True, 2)  # 2 an article, and a tenth of a commit
    assert len(due_of(bench)) == 26


def test_twenty_edits_are_rendered_with_as_many_statements_as_five(ledger: Ledger) -> None:
    bench, costs = Bench(ledger), []
    published(bench, names(20))
    bench.work()
    for count in (1, 5, 20):
        published(bench, names(count), text=f"Walk {count} miles.")
        costs.append(cost_of(bench, lambda: drain(bench.context, render)))
        deliver.drain(bench.context, "partner")
    assert costs[1] == costs[2]
    assert costs[2][0] <= 45
    assert {bench.partner.last(name).rendition.body.split(b"|")[1] for name in names(20)} == {b"Walk 20 miles."}


def intake_of(bench: Bench) -> Intake:
    return Intake(bench.ledger, bench.bells, bench.clock, bench.new_id, evidence_wait=10)


def event(id: str, name: str = "", *, place: str | None = None, text: str = "Rest.", **more: Any) -> Publish:
    origin = Origin(source="test", id=id)
    return Publish(origin, article(name or id, text=text, pmids=["1", "2"]), place=place, **more)


def test_twenty_publications_are_accepted_with_as_many_statements_as_five(ledger: Ledger) -> None:
    bench, costs = Bench(ledger), []
    for count, prefix in ((1, "first"), (5, "few"), (20, "many")):
        batch = [event(name, place=f"file:/{name}.md", former_id="one-title") for name in names(count, prefix)]
        done = Operation(bench.new_id("op_"), "publish", "citewire publish", bench.clock())
        costs.append(cost_of(bench, partial(accept_all, intake_of(bench), batch, done)))
    assert costs[1] == costs[2]
    statements, commits = costs[2]
    assert (statements <= 25, commits) == (True, 1)


class Told(Struct, frozen=True):
    """What a ledger holds after some events, without the ids that are made up."""

    answers: tuple[tuple[object, ...], ...]
    rows: dict[str, list[tuple[Any, ...]]]


def told(ledger: Ledger, before: Sequence[Event], batch: Sequence[Event], accept_in: Callable[..., Any]) -> Told:
    """Return what comes of a batch in a ledger that knows some events already."""
    ledger = emptied(ledger)
    bench = Bench(ledger)
    for one in before:
        accept(intake_of(bench), one)
    bench.clock.pass_(1)
    done = Operation("op", "publish", "citewire publish", bench.clock())
    answers = accept_in(intake_of(bench), batch, done)
    rows = {}
    with ledger.read() as transaction:
        for table in (rows_of_articles, contents, revision_rows, citations, references, origins, article_names, parts):
            named = [column for column in table.c if column.name not in ("event_id",)]
            rows[table.name] = sorted((tuple(row) for row in transaction.execute(sa.select(*named))), key=repr)
    return Told(tuple((a.article, a.revision, a.type, a.changed, a.outcome, a.time_ahead) for a in answers), rows)


def emptied(ledger: Ledger) -> Ledger:
    with ledger.write() as transaction:
        for table in reversed(metadata.sorted_tables):
            transaction.execute(sa.delete(table))
    return ledger


def one_by_one(intake: Intake, batch: Sequence[Event], done: Operation) -> list[Any]:
    return [accept_all(intake, [one], done)[0] for one in batch]


BEFORE = [
    event("old-1", "known", place="file:/known.md"),
    event("old-2", "moved", place="file:/moved.md"),
    event("old-3", "derived", id_from="title"),
]
BATCHES = {
    "a repeated event": [event("old-1", "known", place="file:/known.md"), event("a"), event("b")],
    "an update among new ones": [event("a"), event("u", "known", text="Walk."), event("b")],
    "the same article twice": [event("a"), event("a2", "a", text="Walk."), event("b")],
    "a withdrawal of one that is new": [event("a"), event("b"), Withdraw(Origin(source="test", id="w"), "a", "Wrong.")],
    "a file that gives its article a new id": [event("r", "renamed", place="file:/moved.md"), event("renamed-too")],
    "an id that another file's article gets": [
        event("r", "new", place="file:/moved.md"),
        event("new-2", "new", text="!"),
    ],
    "a former id": [event("a", "titled", former_id="derived", id_from="title"), event("b"), event("c", "derived")],
    "one source whose articles go by their text": [
        event("a", place="source:s", text="Same."),
        event("b", "other", place="source:s", text="Same.", id_from="title"),
        event("c", place="source:s"),
    ],
    "only new ones": [event(name, place=f"file:/{name}.md") for name in names(4)],
    "under an embargo": [event("a"), Publish(Origin(source="test", id="e"), article("e", embargo=START + HOUR))],
}


@pytest.mark.parametrize("batch", BATCHES.values(), ids=BATCHES.keys())
@ON_SQLITE
def test_a_batch_comes_to_the_same_as_its_events_one_after_the_other(ledger: Ledger, batch: list[Event]) -> None:
    together = told(ledger, BEFORE, batch, accept_all)
    assert together == told(ledger, BEFORE, batch, one_by_one)


@ON_SQLITE
def test_a_batch_with_an_event_that_is_refused_changes_nothing(ledger: Ledger) -> None:
    bench = Bench(ledger)
    late = START.date() + dt.timedelta(days=9)
    reviewed_to_come = Publish(Origin(source="test", id="r"), article("r", reviewed=late))
    with pytest.raises(InvalidArticle):
        accept_all(intake_of(bench), [event("a"), event("b"), reviewed_to_come])
    with ledger.read() as transaction:
        assert articles.get_all(transaction, ["a", "b", "r"]) == {}


@ON_SQLITE
def test_a_batch_rings_once_for_each_channel_and_once_for_the_feeds(ledger: Ledger) -> None:
    bench = Bench(ledger, "one", "two")
    published(bench, names(20))
    bench.bells.rung.clear()
    drain(bench.context, render)
    assert sorted(bench.bells.rung) == [("deliver", "one"), ("deliver", "two"), ("feeds", "")]


@ON_SQLITE
def test_an_article_that_no_format_can_render_does_not_disturb_the_others(ledger: Ledger) -> None:
    def picky(revision: Revision, site: Site) -> bytes:
        if revision.article.id == "article-07":
            raise RuntimeError("a format with a fault in it")
        return PLAIN.render(revision, site)

    bench = Bench(ledger)
    published(bench, names(20))
    bench.context = replace(bench.context, formats={"plain": replace(PLAIN, render=picky)})
    drain(bench.context, render)
    assert sorted(due_of(bench)) == [name for name in names(20) if name != "article-07"]
    assert "a format with a fault in it" in str(bench.article("article-07").error)
    bench.context = replace(bench.context, formats={"plain": PLAIN})
    bench.work_for(120, step=10)
    assert len(bench.partner.got) == 20


def test_an_article_that_cannot_be_read_or_stored_does_not_disturb_the_others(ledger: Ledger) -> None:
    bench = Bench(ledger)
    published(bench, names(5))
    with ledger.write() as transaction:
        digest = revisions.content_of(transaction, "article-03", 1)
        transaction.execute(sa.update(contents).where(contents.c.digest == digest).values(article=b"no JSON"))
    drain(bench.context, render)
    assert sorted(due_of(bench)) == [name for name in names(5) if name != "article-03"]
    assert "DecodeError" in str(bench.article("article-03").error)
    assert "render" in bench.oldest_due()  # it is tried again


class Meanwhile(Store):
    """Something happens while the first rendition is stored."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self.then: Callable[[], object] | None = then

    def put(self, digest: str, body: bytes) -> None:
        then, self.then = self.then, None
        if then is not None:
            then()
        super().put(digest, body)


def test_what_changes_while_its_batch_is_rendered_is_rendered_as_it_is_then(ledger: Ledger) -> None:
    bench = Bench(ledger)
    published(bench, names(5))

    def changed() -> None:
        bench.publish(article("article-02", text="Newer."))
        bench.withdraw("article-03")

    bench.context = replace(bench.context, store=Meanwhile(changed))
    drain(bench.context, render)
    bench.work()
    got = {one.article_id: one.rendition.body.split(b"|")[:2] for one in bench.partner.got if one.rendition}
    assert got == {
        "article-00": [b"1", b"Rest."],
        "article-01": [b"1", b"Rest."],
        "article-02": [b"2", b"Newer."],
        "article-04": [b"1", b"Rest."],
    }


def test_a_batch_that_takes_longer_than_a_look_is_stored_in_portions(ledger: Ledger) -> None:
    bench = Bench(ledger, policy=Policy(render_look=0))
    published(bench, names(4))
    _, commits = cost_of(bench, lambda: drain(bench.context, render))
    assert commits == 5  # the claim, and one for each article
    assert all(due_of(bench).values()) and len(due_of(bench)) == 4


def test_a_batch_whose_lease_is_half_over_is_released(ledger: Ledger) -> None:
    bench = Bench(ledger, policy=Policy(render_look=0, render_lease=0.000_001))
    published(bench, names(3))
    (claim,) = render.claim(bench.context)
    render.do(bench.context, claim)
    assert len(due_of(bench)) == 1
    drain(bench.context, render)
    assert len(due_of(bench)) == 3


def test_edits_of_what_is_being_sent_are_stored_one_by_one(ledger: Ledger) -> None:
    """The worker that sends them holds locks on their deliveries, in an order of its own."""
    bench = Bench(ledger)
    published(bench, names(3))
    drain(bench.context, render)
    sent = bench.partner.deliver

    def edited(parcel: object) -> object:
        bench.partner.deliver = sent  # type: ignore[method-assign]
        published(bench, names(3), text="Walk.")
        _, commits = cost_of(bench, lambda: drain(bench.context, render))
        assert commits == 4  # the claim, and each of the three
        return sent(parcel)  # type: ignore[arg-type]

    bench.partner.deliver = edited  # type: ignore[method-assign, assignment]
    deliver.drain(bench.context, "partner")
    bench.work()
    assert {bench.partner.last(name).rendition.body for name in names(3)} == {b"2|Walk.|1:pending"}
