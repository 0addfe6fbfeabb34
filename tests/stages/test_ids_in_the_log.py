"""Ids have the same names on every line that is logged while a stage works on something."""

from __future__ import annotations

import threading
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from bench import Bench, article
from every_stage import deliver, enrich, render
from structlog.contextvars import merge_contextvars

from pipeline.ledger import Ledger
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.flow import STAGES
from pipeline.stages.ids import named
from pipeline.stages.stage import drain, guarded
from workers import overdue

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    with structlog.testing.capture_logs(processors=[merge_contextvars]) as found:
        yield found


def ready(ledger: Ledger) -> tuple[Bench, str]:
    bench = Bench(ledger)
    event = bench.publish(article()).event
    drain(bench.context, enrich)
    drain(bench.context, render)
    return bench, event


def test_a_fault_and_every_line_before_it_have_the_ids_of_the_delivery(ledger: Ledger, lines: Lines) -> None:
    bench, event = ready(ledger)

    def broken(parcel: Parcel) -> Receipt:
        structlog.get_logger().info("of a library of the channel")
        raise RuntimeError("a channel with a fault in it")

    bench.partner.deliver = broken  # type: ignore[method-assign]
    deliver.drain(bench.context, "partner")
    found = {line["event"]: line for line in lines}
    ids = {"event_id": event, "article": "spasms", "channel": "partner"}
    for name in ("of a library of the channel", "failed", "not delivered"):
        line = found[name]
        assert {key: line[key] for key in ids} == ids, name
        assert line["delivery"].startswith("dlv_")
    assert found["failed"]["stage"] == "deliver"
    assert "keys" not in found["failed"]


def test_a_delivery_is_found_by_the_id_of_its_event(ledger: Ledger, lines: Lines) -> None:
    bench, event = ready(ledger)
    bench.work()
    (line,) = [line for line in lines if line["event"] == "delivered"]
    assert (line["event_id"], line["article"], line["channel"]) == (event, "spasms", "partner")


def test_what_a_partner_refuses_is_not_logged_as_a_fault(ledger: Ledger, lines: Lines) -> None:
    bench, _ = ready(ledger)
    bench.partner.mood = "refuses"
    bench.work()
    assert "failed" not in {line["event"] for line in lines}
    assert "not delivered" in {line["event"] for line in lines}


def test_an_article_that_cannot_be_rendered_is_named(ledger: Ledger, lines: Lines) -> None:
    bench = Bench(ledger)
    bench.publish(article())
    bench.store.put = None  # type: ignore[method-assign, assignment]
    drain(bench.context, render)
    (line,) = [line for line in lines if line["event"] == "failed"]
    assert (line["stage"], line["article"]) == ("render", "spasms")


def test_a_source_that_never_answers_is_named(ledger: Ledger, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claims have keys of two kinds: the source, and the works that it is asked about."""
    monkeypatch.setattr(overdue, "LOOK", 0.01)
    monkeypatch.setattr(overdue, "_log", structlog.get_logger())
    context, ended = Bench(ledger).context, threading.Event()
    with context.working.on("sources", "lease_1", ("crossref", "pmid:1"), -1.0):
        overdue.start(context, ended, end=lambda status: ended.set()).join()
    (line,) = [line for line in lines if line["event"] == "over budget"]
    assert (line["stage"], line["source"], line["work"]) == ("sources", "crossref", "pmid:1")


def test_ids_are_no_longer_on_lines_after_the_work(lines: Lines) -> None:
    guarded("render", {"article": "spasms"}, lambda: structlog.get_logger().info("within"))
    structlog.get_logger().info("after")
    within, after = lines
    assert (within["stage"], within["article"]) == ("render", "spasms")
    assert "article" not in after and "stage" not in after


def test_the_line_of_a_batch_names_all_of_it_and_others_only_what_is_one() -> None:
    assert named("delivery", ["a", "b"]) == {"deliveries": ["a", "b"]}
    assert named("delivery", ["a"]) == {"delivery": "a"}
    assert named("", ["a"]) == {}


def test_stages_name_their_ids_alike() -> None:
    known = {"", "article", "delivery", "feed", "place", "operation", "reference"}
    assert {stage.kind for stage in STAGES} <= known
