"""The SQL of watching the evidence, on both databases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from bench import START, article, paper
from msgspec import structs
from watched import Watched, publish

from pipeline.ledger import Ledger, articles, deliveries, evidence, figures
from pipeline.ledger.articles import ArticleState, revisions, withheld
from pipeline.ledger.articles.withheld import Withheld
from pipeline.ledger.deliveries import channel_contents
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.ledger.evidence import cited, rechecks
from pipeline.ledger.evidence.denials import Rules
from pipeline.ledger.tables import references
from pipeline.model.article import CitedWork
from pipeline.model.reference import Reference
from pipeline.stages.enrich import watch

HOUR = dt.timedelta(hours=1)


def cite(ledger: Ledger, id: str, pmids: Sequence[str], *, state: str = "live", rendered: int | None = 1) -> None:
    with ledger.write() as transaction:
        articles.create(
            transaction,
            ArticleState(
                id=id,
                state=state,
                revision=1,
                rendered=rendered,
                title=id,
                language="en",
                published=START,
                updated=START,
                due=None,
                error=None,
            ),
        )
        evidence.cite(transaction, id, [CitedWork("pmid", pmid) for pmid in pmids], now=START)


def answer(ledger: Ledger, *papers: Reference, next_look: dt.datetime | None = START + HOUR) -> None:
    with ledger.write() as transaction:
        known = {one.pmid: one for one in papers}
        evidence.answered(transaction, known, (), denied=Rules(START, START, HOUR), next_look=next_look)


def claim(ledger: Ledger, *, at: dt.datetime = START, night: bool = True, limit: int = 200) -> list[str]:
    with ledger.write() as transaction:
        return rechecks.claim(transaction, token="t", now=at, seconds=60, limit=limit, night=night)


def test_the_nightly_look_waits_for_its_hour_and_for_the_night(ledger: Ledger) -> None:
    cite(ledger, "a", ["1", "2"])
    answer(ledger, paper("1"), paper("2"))
    assert claim(ledger) == []
    assert claim(ledger, at=START + 2 * HOUR, night=False) == []
    with ledger.read() as transaction:
        assert not rechecks.any_due(transaction, now=START + 2 * HOUR, night=False)
        assert rechecks.any_due(transaction, now=START + 2 * HOUR, night=True)
    assert claim(ledger, at=START + 2 * HOUR) == ["1", "2"]


def test_what_is_waited_for_comes_first_then_orders_then_the_night(ledger: Ledger) -> None:
    cite(ledger, "a", ["1", "2"])
    answer(ledger, paper("1"), paper("2"))
    with ledger.write() as transaction:
        rechecks.request_recheck(transaction, ["2", "unheard-of"], due=START + HOUR)
    cite(ledger, "b", ["3"])
    assert claim(ledger, at=START + 2 * HOUR) == ["3", "2", "1"]
    assert claim(ledger, at=START + 2 * HOUR) == []  # leased


def test_everything_cited_is_ordered_and_nothing_else(ledger: Ledger) -> None:
    cite(ledger, "a", ["1", "2"])
    answer(ledger, paper("1"), paper("2"), next_look=None)
    with ledger.write() as transaction:
        evidence.cite(transaction, "a", [CitedWork("pmid", "2")], now=START)
    assert watch.recheck(ledger, now=START) == 1
    assert claim(ledger, night=False) == ["2"]


def test_what_is_cited_no_more_is_passed_over_and_forgotten(ledger: Ledger) -> None:
    cite(ledger, "a", [str(number) for number in range(10, 30)])
    answer(ledger, *(paper(str(number)) for number in range(10, 30)))
    with ledger.write() as transaction:
        evidence.cite(transaction, "a", [CitedWork("pmid", "29")], now=START)
    assert claim(ledger, at=START + HOUR, limit=5) == ["29"]  # the others are fresh: they stay for a day
    assert claim(ledger, at=START + 26 * HOUR, limit=5) == ["29"]
    with ledger.read() as transaction:
        due = transaction.scalars(sa.select(references.c.pmid).where(references.c.due.is_not(None))).all()
    assert due == ["29"]


def test_cited_again_it_is_asked_for_unless_that_was_just_done(ledger: Ledger) -> None:
    cite(ledger, "a", ["1"])
    answer(ledger, paper("1"), next_look=None)
    cite(ledger, "b", ["1"])
    assert claim(ledger) == []
    with ledger.write() as transaction:
        later = START + dt.timedelta(days=2)
        evidence.cite(transaction, "b", [CitedWork("pmid", "1")], now=later)
    assert claim(ledger, at=later, night=False) == ["1"]


def test_only_articles_that_are_out_are_told_of(ledger: Ledger) -> None:
    cite(ledger, "b", ["1"])
    cite(ledger, "a", ["1"])
    cite(ledger, "embargoed", ["1"], state="scheduled", rendered=None)
    cite(ledger, "gone", ["1"], state="withdrawn")
    with ledger.read() as transaction:
        assert cited.live_articles(transaction, ["1", "2"]) == {"1": ["a", "b"]}
        assert evidence_changes.out_with(transaction, "1") == ["a", "b"]


def test_pmids_are_read_page_by_page(ledger: Ledger) -> None:
    cite(ledger, "a", ["1", "2", "3"])
    cite(ledger, "b", ["2", "3", "10"])
    found, last = [], ""
    with ledger.read() as transaction:
        while page := cited.after(transaction, last, limit=2):
            found.append(page)
            last = page[-1]
    assert [pmid for page in found for pmid in page] == ["1", "10", "2", "3"]


def test_a_reason_changes_and_its_cause_keeps_its_day(ledger: Ledger) -> None:
    def why(reason: str, revision: int, since: dt.datetime) -> Withheld:
        return Withheld(
            channel="c", cause="gate", reason=reason, references=("pmid:1",), revision=revision, since=since
        )

    with ledger.write() as transaction:
        withheld.put(transaction, "a", why("one", 1, START))
        withheld.put(transaction, "a", why("two", 2, START + HOUR))
        assert withheld.of_article(transaction, "a") == {"c": why("two", 2, START)}
        assert (withheld.reason(transaction, "a", "c"), withheld.counts(transaction)) == ("two", {"gate": 1})
        withheld.lift(transaction, "a", ["other"])
        withheld.lift(transaction, "a", ["c"])
        assert withheld.of_article(transaction, "a") == {}


def test_a_paper_turns_bad_and_the_ledger_counts_it(ledger: Ledger) -> None:
    """The whole way on both databases; its many turnings are tested beside the stages, on one."""
    bench = Watched(ledger, "partner", "careful", plans={"careful": {"evidence": "hold"}})
    bench.know(paper("1"), paper("2"))
    publish(bench, "1", "2")
    bench.turn("1", "retracted", "concern")
    bench.recheck()
    with ledger.read() as transaction:
        assert figures.references_by_standing(transaction) == {
            ("resolved", ""): 1,
            ("resolved", "retracted concern"): 1,
        }
        assert evidence_changes.counts(transaction) == {("gained", "retracted"): 1, ("gained", "concern"): 1}
        assert deliveries.counts_by_channel(transaction) == {("partner", "delivered"): 1, ("careful", "delivered"): 1}
        assert figures.attempts_by_outcome(transaction, since=START) == {"delivered": 4}
        assert withheld.counts(transaction) == {"hold": 1}
        assert {name for name, due in bench.oldest_due().items() if due <= bench.clock.now} <= {"feeds"}
        assert bench.shown("careful", bench.clock.now)["event"] == "withdrawn"
    assert bench.release().channels == ("careful",)
    assert bench.got("careful") == [(1, "published"), (2, "withdrawn"), (3, "published")]
    bench.publish(article(text="Edited.", pmids=["1", "2"]))
    bench.receivers["partner"].mood = "down"
    bench.work()
    with ledger.read() as transaction:
        assert deliveries.counts_by_channel(transaction)["partner", "pending"] == 1
        assert "deliver" in bench.oldest_due()


def test_what_a_revision_showed_is_never_changed(ledger: Ledger) -> None:
    bench = Watched(ledger)
    bench.know(paper("1"))
    publish(bench, "1")
    with ledger.write() as transaction:
        first = revisions.get(transaction, "spasms", 1)
        shown, other = first.references, structs.replace(first, references=(), updated=START + HOUR)
        revisions.keep_shown(transaction, {"spasms": other}, now=START + HOUR)
        assert revisions.get(transaction, "spasms", 1).references == shown != ()
        assert revisions.pending(transaction, [("spasms", 1), ("spasms", 2)]) == {("spasms", 1): 0}


def test_a_ledger_of_before_learns_what_it_knew_already(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", "pipeline:ledger/migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        record = '{"pmid":"1","title":"A trial","editorial":["retracted","concern"]}'
        into = "(pmid,state,record,fetched,attempts)"
        rows = f"('1','resolved',CAST('{record}' AS BLOB),5,0), ('2','pending',NULL,NULL,0)"
        connection.exec_driver_sql(f"INSERT INTO reference_records {into} VALUES {rows}")  # noqa: S608
        columns = (
            "id,article,channel,format,wanted,urgency,held,held_digest,held_event,state,attempts,attempted,changed"
        )
        one = "'dlv_1','a','c','plain',2,1,2,'sha256:x','updated','delivered',1,1,7"
        two = "'dlv_2','b','c','plain',1,1,NULL,NULL,NULL,'pending',0,0,7"
        connection.exec_driver_sql(f"INSERT INTO deliveries ({columns}) VALUES ({one}), ({two})")  # noqa: S608
    engine.dispose()
    ledger = Ledger(f"sqlite:///{path}")
    ledger.migrate()
    with ledger.read() as transaction:
        rows = transaction.execute(sa.select(references.c.pmid, references.c.editorial, references.c.priority)).all()
        assert sorted(rows) == [("1", "retracted concern", rechecks.NIGHTLY), ("2", "", rechecks.WAITED_FOR)]
        assert transaction.scalar(sa.select(references.c.due).where(references.c.pmid == "1")) is not None
        held = channel_contents.at(transaction, "a", "c", START)
        assert held is not None
        assert (held.revision, held.digest) == (2, "sha256:x")
        assert not channel_contents.ever(transaction, "b", "c")
    ledger.close()
