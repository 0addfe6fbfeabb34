"""What must hold for each stage in the list, and for every ring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench, article

from pipeline.ledger import Ledger
from pipeline.stages.flow import STAGES
from pipeline.stages.stage import Stage
from workers.celery import QUEUE_OF, QUEUES, URGENT, app

ROOT = Path(__file__).resolve().parents[2]

each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)


def rung_for() -> Iterator[tuple[Path, str]]:
    """Every name of a stage that the program rings for by a literal."""
    for folder in ("pipeline", "workers"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ring":
                    names = [one for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)]
                    yield from ((file, one.value) for one in names)


def test_whoever_rings_names_a_stage() -> None:
    rung = list(rung_for())
    assert len(rung) > 10
    names = {stage.name for stage in STAGES}
    assert [(file, name) for file, name in rung if name not in names] == []


def test_names_and_queues_are_each_their_own() -> None:
    assert len({stage.name for stage in STAGES}) == len({stage.queue for stage in STAGES}) == len(STAGES)


@each_stage
def test_a_task_and_a_queue_are_made_for_it_and_one_kind_of_worker_serves_it(stage: Stage) -> None:
    import workers.tasks  # noqa: F401 (it registers the tasks)

    assert f"citewire.{stage.name}" in app.tasks
    assert [kind for kind, queues in QUEUES.items() if QUEUE_OF[stage.name] in queues] == [stage.worker]
    assert QUEUE_OF[stage.name] in {queue.name for queue in app.conf.task_queues}
    assert QUEUES["pipeline"][0] == URGENT


@each_stage
def test_where_nothing_is_due_nothing_is_claimed(stage: Stage, ledger: Ledger) -> None:
    bench = Bench(ledger)
    with ledger.read() as transaction:
        due = list(stage.due(bench.context, transaction, bench.clock.now))
    if not due:
        assert list(stage.claim(bench.context, "partner")) == []


def test_whatever_is_due_is_rung_for_and_done_until_nothing_is(ledger: Ledger) -> None:
    """By the sweep alone: every doorbell of the stages themselves is lost."""
    from pipeline.stages.sweep import sweep

    bench = Bench(ledger)
    bench.publish(article(pmids=["1"]))
    by_name = {stage.name: stage for stage in STAGES}
    for _ in range(40):
        bench.bells.rung.clear()
        sweep(bench.context)
        for name, key in list(bench.bells.rung):
            by_name[name].drain(bench.context, key)
        bench.clock.pass_(1)
    assert [parcel.event for parcel in bench.partner.got] == ["published"]
    assert bench.due() == set()
