"""`citewire failures` lets a stranger find what fails and mend it, and `replay` says what it does."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import Bench, article
from command import ONE_FOLDER, at_site, citewire
from empty_ledger import empty_ledger

from pipeline.ledger import Ledger
from pipeline.stages.context import Policy
from workers.cli.common import now


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    return tmp_path


@pytest.fixture
def ledger(site: Path) -> Iterator[Ledger]:
    opened = empty_ledger(site / "var")
    yield opened
    opened.close()


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = Bench(ledger, policy=Policy(refused_retries=()))
    bench.partner.mood = "refuses"
    for number in range(2):
        bench.publish(article(f"article-{number}"))
    bench.work()
    return bench


def test_the_command_that_it_shows_mends_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    said = citewire(capsys, "failures")
    assert said.status == 1
    assert said.out.startswith("partner: refused 400\n")
    assert "2 given up" in said.out
    (command,) = [line for line in said.out.splitlines() if "then: " in line]
    bench.partner.mood = "well"
    _, *words = shlex.split(command.split("then: ")[1])
    again = citewire(capsys, *words)
    assert (again.status, again.out) == (0, "2 to be delivered again\n")
    bench.clock.now = now()
    bench.work()
    nothing = citewire(capsys, "failures")
    assert (nothing.status, nothing.out) == (0, "nothing fails\n")


def test_times_are_relative_or_in_utc(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert " ago" in citewire(capsys, "failures").out
    assert "first 2026-03-01T12:00:00Z" in citewire(capsys, "failures", "--utc").out


def test_a_failure_is_named_by_the_beginning_of_its_key(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    (failure,) = citewire(capsys, "failures", "--json").json["failures"]
    assert citewire(capsys, "replay", "--failure", "flr_nothing").status == 4
    assert citewire(capsys, "replay", "--failure", failure["key"][:7], "--article", "article-0").status == 2
    assert citewire(capsys, "replay", "--failure", failure["key"][:7], "--json").json["replayed"] == 2


def test_the_operation_says_what_of_a_replay_has_not_arrived(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    (failure,) = citewire(capsys, "failures", "--json").json["failures"]
    operation = citewire(capsys, "replay", "--failure", failure["key"], "--json").json["operation"]
    assert "  2 deliveries are still to arrive\n" in citewire(capsys, "operations", operation).out
    shown = citewire(capsys, "operations", operation, "--json").json
    assert (shown["state"], shown["to_arrive"], shown["given_up"]) == ("done", 2, 0)
    bench.clock.now = now()
    bench.work()
    said = citewire(capsys, "operations", operation).out
    assert "  2 deliveries were given up again: see `citewire failures`\n" in said
    assert "to arrive" not in said


def test_resending_a_success_warns(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench(ledger)
    bench.publish(article())
    bench.work()
    (one,) = citewire(capsys, "deliveries", "--json").json["deliveries"]
    said = citewire(capsys, "replay", "--delivery", one["id"])
    assert said.out == "0 to be delivered again\n"
    assert "partner has accepted this delivery" in said.err
    said = citewire(capsys, "replay", "--delivery", one["id"], "--since", "2026-03-01T00:00Z")
    assert said.out == "1 to be delivered again\n"
    assert "1 of them had been accepted" in said.err
