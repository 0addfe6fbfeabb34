"""Everything that is cited is due to be asked about again; what is not, however that came, is found within a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from bench import article, paper
from msgspec import structs
from watched import Watched

from pipeline.ledger import Ledger
from pipeline.ledger.tables import citations, identifiers, references, source_checks
from pipeline.model.article import CitedWork
from pipeline.references.source import LookedUp, OpenSource, SourceRecord
from pipeline.references.sources import sources
from pipeline.stages.obligations import Obligations, repair
from pipeline.stages.sources import Sources
from pipeline.stages.stage import drain

DOIS = ("10.1/found", "10.1/nobodys")


class Knows:
    def look_up(self, works: Sequence[CitedWork]) -> LookedUp:
        return LookedUp({work: SourceRecord() for work in works})


@pytest.fixture
def bench(ledger: Ledger) -> Watched:
    bench = Watched(ledger)
    client = OpenSource(sources()["europe_pmc"], Knows())
    bench.context = replace(bench.context, sources={"europe_pmc": client})
    bench.know(paper("1"), paper("2"))
    bench.converter.pmids[DOIS[0]] = "2"
    works = (CitedWork("pmid", "1"), *(CitedWork("doi", doi) for doi in DOIS))
    bench.publish(structs.replace(article(), references=works))
    bench.work_for(600, step=20)
    Sources().drain(bench.context, "europe_pmc")
    return bench


def change(bench: Watched, statement: Any) -> None:
    with bench.ledger.write() as transaction:
        assert transaction.execute(statement).rowcount > 0


def ask(bench: Watched, column: Any) -> list[Any]:
    with bench.ledger.read() as transaction:
        return list(transaction.scalars(sa.select(column).order_by(column)))


def test_what_is_due_by_the_rules_is_left_alone(bench: Watched) -> None:
    before = ask(bench, references.c.due), ask(bench, identifiers.c.due), ask(bench, source_checks.c.due)
    assert repair(bench.context) == 0
    assert before == (ask(bench, references.c.due), ask(bench, identifiers.c.due), ask(bench, source_checks.c.due))


FAR = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "lost",
    [
        sa.delete(references).where(references.c.pmid == "1"),
        sa.update(references).where(references.c.pmid == "1").values(due=None),
        sa.update(references).where(references.c.pmid == "1").values(due=FAR),
        sa.delete(identifiers).where(identifiers.c.work == f"doi:{DOIS[1]}"),
        sa.update(identifiers).where(identifiers.c.work == f"doi:{DOIS[1]}").values(due=None),
        sa.update(identifiers).where(identifiers.c.work == f"doi:{DOIS[1]}").values(due=FAR),
        sa.delete(citations).where(citations.c.pmid == "2"),
    ],
)
def test_an_obligation_that_was_lost_is_due_now(bench: Watched, lost: Any) -> None:
    change(bench, lost)
    assert repair(bench.context) == 1
    assert repair(bench.context) == 0
    bench.work_for(700, step=20)
    assert {"1", "2"} <= set(ask(bench, citations.c.pmid))
    for column in (references.c.due, identifiers.c.due):
        rows = [due for due in ask(bench, column) if due is not None]
        assert rows and max(rows) < bench.clock.now + dt.timedelta(days=2)


@pytest.mark.parametrize(
    "lost",
    [
        sa.delete(source_checks).where(source_checks.c.work == "pmid:1"),
        sa.update(source_checks).where(source_checks.c.work == "pmid:1").values(due=None),
        sa.update(source_checks).where(source_checks.c.work == "pmid:1").values(due=FAR),
    ],
)
def test_a_source_that_would_not_be_asked_is_asked_now(bench: Watched, lost: Any) -> None:
    change(bench, lost)
    repair(bench.context)
    (due,) = (
        due for key, due in zip(ask(bench, source_checks.c.key), _dues(bench), strict=True) if key.endswith("pmid:1")
    )
    assert due == bench.clock.now


def _dues(bench: Watched) -> list[dt.datetime | None]:
    with bench.ledger.read() as transaction:
        return list(transaction.scalars(sa.select(source_checks.c.due).order_by(source_checks.c.key)))


def test_where_nothing_is_checked_at_night_what_is_answered_for_is_no_obligation(bench: Watched) -> None:
    bench.context = replace(bench.context, policy=replace(bench.context.policy, recheck_days=0))
    change(bench, sa.update(references).where(references.c.pmid == "1").values(due=None))
    assert repair(bench.context) == 0
    change(bench, sa.update(references).where(references.c.pmid == "1").values(state="unknown"))
    assert repair(bench.context) == 1


def test_it_is_looked_at_once_a_day_by_one_process(bench: Watched) -> None:
    stage = Obligations()
    change(bench, sa.update(references).where(references.c.pmid == "1").values(due=None))
    drain(bench.context, stage)
    assert None not in ask(bench, references.c.due)
    assert stage.claim(bench.context) == []
    assert "obligations" not in bench.due()
    bench.clock.pass_(86_401)
    assert "obligations" in bench.due()
