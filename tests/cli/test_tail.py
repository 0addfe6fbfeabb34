"""`tail` shows each attempt and each operation once, in order, and what is committed late too."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from bench import Bench, article
from command import at_site, citewire
from empty_ledger import empty_ledger

from pipeline.ledger import Ledger, happenings, operations
from pipeline.ledger.operations import Operation
from workers.cli import output


def whats(bench: Bench, position: happenings.Position) -> tuple[list[tuple[str, str | None]], happenings.Position]:
    with bench.ledger.read() as transaction:
        found, position = happenings.since(transaction, position)
    return [(one.what, one.article) for one in found], position


def test_each_attempt_and_operation_is_seen_once(ledger: Ledger) -> None:
    bench = Bench(ledger)
    bench.publish(article("before"))
    bench.work()
    with ledger.read() as transaction:
        position = happenings.position(transaction, back=0)
    assert whats(bench, position)[0] == []

    bench.clock.pass_(1)
    bench.partner.mood = "down"
    bench.publish(article("spasms"))
    bench.work()
    found, position = whats(bench, position)
    assert found[-1] == ("transient", "spasms")
    assert whats(bench, position)[0] == []

    bench.clock.pass_(1)
    with ledger.write() as transaction:
        operations.record(transaction, Operation("op_new", "replay", "citewire replay", bench.clock()), [])
    bench.partner.mood = "well"
    bench.work_for(60)
    found, position = whats(bench, position)
    assert found[0] == ("replay", None)
    assert ("delivered", "spasms") in found
    assert whats(bench, position)[0] == []


def test_an_operation_that_is_committed_late_is_seen(ledger: Ledger) -> None:
    bench = Bench(ledger)
    with ledger.write() as transaction:
        operations.record(transaction, Operation("op_2", "replay", "second", bench.clock()), [])
    with ledger.read() as transaction:
        position = happenings.position(transaction, back=0)
    earlier = bench.clock()
    bench.clock.pass_(5)
    with ledger.write() as transaction:
        operations.record(transaction, Operation("op_1", "undo", "first", earlier), [])
    assert whats(bench, position)[0] == [("undo", None)]


def test_it_begins_with_the_last_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_site(tmp_path, monkeypatch)
    ledger = empty_ledger(tmp_path / "var")
    bench = Bench(ledger)
    for number in range(3):
        bench.publish(article(f"article-{number}"))
        bench.work()
        bench.clock.pass_(1)
    ledger.close()
    lines = citewire(capsys, "tail", "--last", "2", "--no-follow").out.splitlines()
    assert [line.split("  ")[2] for line in lines if "delivered" in line] == ["article-1", "article-2"]
    assert lines[-1].endswith("  200 OK  " + lines[-1].split("  ")[-1])
    only = citewire(capsys, "tail", "--article", "article-2", "--no-follow").out.splitlines()
    assert len(only) == 1
    assert citewire(capsys, "tail", "--article", "nothing", "--no-follow").status == 4


def test_a_line_is_piped_at_once_and_not_when_a_buffer_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(arrived, encoding="utf-8"))
    output.line("delivered")
    assert arrived.getvalue() == b"delivered\n"
