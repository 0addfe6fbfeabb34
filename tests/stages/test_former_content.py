"""Articles that a former release stored: the same file again is nothing new, whatever fields were added since."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
import sqlalchemy as sa
from bench import Bench, WithoutFeeds

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger, Transaction
from pipeline.ledger.articles import revisions
from pipeline.ledger.tables import contents, events
from pipeline.ledger.tables import revisions as revision_table
from pipeline.model import article as model
from pipeline.model.article import (
    Article,
    CitedWork,
    ListItem,
    NumberedList,
    Paragraph,
    Section,
    Text,
    Topic,
)
from pipeline.model.rendition import digest_of
from pipeline.model.value_digest import value_digest

# As release 0.1 encoded it: Article, Section, Topic and NumberedList had fewer fields.
STORED = (
    b'{"id":"spasms","title":"Spasms","answer":"Rest.","question":null,"lead":[{"type":"paragraph","children":'
    b'[{"type":"text","value":"Rest."}]}],"sections":[{"heading":"Steps","anchor":"steps","blocks":[{"type":"numbers",'
    b'"items":[{"blocks":[{"type":"paragraph","children":[{"type":"text","value":"Stretch."}]}]}]}],"sections":[]}],'
    b'"references":[{"scheme":"doi","value":"10.1000/x"}],"authors":[],"reviewers":[],"topics":[{"name":"Spasticity",'
    b'"slug":"spasticity","mesh":null,"url":null}],"calls_to_action":[],"related":[],"image":null,'
    b'"published":"2026-01-02T03:04:05Z","modified":null,"reviewed":"2026-01-01","embargo":null,"language":"en",'
    b'"canonical":null,"disclaimer":null,"licence":null}'
)
SAME = Article(
    id="spasms",
    title="Spasms",
    answer="Rest.",
    lead=(Paragraph((Text("Rest."),)),),
    sections=(Section("Steps", "steps", (NumberedList((ListItem((Paragraph((Text("Stretch."),)),)),)),)),),
    references=(CitedWork("doi", "10.1000/x"),),
    topics=(Topic("Spasticity", "spasticity"),),
    published=dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    reviewed=dt.date(2026, 1, 1),
)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    """A site whose one article was published by a former release."""
    bench = WithoutFeeds(ledger)
    bench.publish(SAME, id="former")
    bench.work()
    with ledger.write() as transaction:
        _as_formerly(transaction)
    return bench


def _as_formerly(transaction: Transaction) -> None:
    digest = digest_of(STORED)
    transaction.execute(sa.insert(contents).values(digest=digest, article=STORED))
    transaction.execute(sa.update(revision_table).values(content=digest))
    transaction.execute(sa.update(events).values(digest=digest_of(b'["Publish",' + STORED + b"]")))


def test_the_same_article_after_an_upgrade_is_nothing_new(bench: Bench) -> None:
    again = bench.publish(SAME)
    assert (again.revision, again.changed) == (1, False)
    bench.work()
    assert len(bench.partner.got) == 1


def test_what_a_newer_field_says_is_a_new_revision(bench: Bench) -> None:
    corrected = bench.publish(msgspec.structs.replace(SAME, audience="patients"))
    assert (corrected.revision, corrected.changed) == (2, True)
    with bench.ledger.read() as transaction:
        assert revisions.has_content(transaction, "spasms", 1, SAME)


def test_an_event_of_before_the_upgrade_gets_its_answer_again(bench: Bench) -> None:
    bench.publish(msgspec.structs.replace(SAME, title="Cramps"))
    again = bench.publish(SAME, id="former")
    assert (again.revision, again.changed) == (1, True)


@pytest.mark.parametrize("other", [{"title": "Cramps"}, {"id": "cramps"}])
def test_an_event_id_of_before_the_upgrade_is_not_used_for_another_content(bench: Bench, other: dict[str, str]) -> None:
    with pytest.raises(InvalidEvent) as refused:
        bench.publish(msgspec.structs.replace(SAME, **other), id="former")
    assert refused.value.code == "event-id-reused"


def test_a_digest_of_values_does_not_count_defaults() -> None:
    class Topic(model.Topic, frozen=True, tag=False):
        added: str | None = None

    before, after = model.Topic("Spasticity", "spasticity"), Topic("Spasticity", "spasticity")
    assert value_digest((before,)) == value_digest((after,))
    assert value_digest((before,)) != value_digest((Topic("Spasticity", "spasticity", added="new"),))
    read = msgspec.json.decode(msgspec.json.encode(SAME), type=Article)  # whose defaults are other objects
    assert value_digest(read) == value_digest(SAME)
