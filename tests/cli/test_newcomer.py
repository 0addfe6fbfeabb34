"""What somebody who operates Citewire for the first time could not see, one test for each complaint.

That `--wait` says what every channel has is in test_waiting.py; that ids are whole, in test_tables.py; that somebody is
told, in tests/stages/test_alerts.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import START, Bench, article
from command import ONE_FOLDER, at_site, citewire
from empty_ledger import empty_ledger

from pipeline.ledger.articles import withheld
from pipeline.ledger.articles.withheld import Withheld
from pipeline.stages.context import Policy


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    ledger = empty_ledger(tmp_path / "var")
    yield Bench(ledger, policy=Policy(refused_retries=()))
    ledger.close()


def test_there_is_a_list_of_articles_and_of_what_is_held(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("held", "free"):
        bench.publish(article(name))
    why = Withheld(channel="partner", cause="hold", reason="retracted", references=("pmid:1",), revision=1, since=START)
    with bench.ledger.write() as transaction:
        withheld.put(transaction, "held", why)
    everything = citewire(capsys, "articles").out
    assert ("held" in everything, "free" in everything) == (True, True)
    (one,) = citewire(capsys, "articles", "--held", "--json").json["articles"]
    assert one["article"] == "held"
    needed = citewire(capsys, "attention")
    assert (needed.status, "citewire release held" in needed.out) == (1, True)


def test_every_delivery_has_a_time(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.publish(article())
    bench.work()
    header, row = citewire(capsys, "deliveries", "--utc").out.splitlines()[1:]
    assert "when" in header
    assert "2026-03-01T12:00:0" in row
    (one,) = citewire(capsys, "deliveries", "--json").json["deliveries"]
    assert one["changed"].startswith("2026-03-01T12:00:0")
    assert " ago" in citewire(capsys, "status", "spasms").out


def test_a_channel_with_dead_letters_is_not_called_healthy(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.publish(article())
    bench.work()
    assert "healthy" in citewire(capsys, "channels", "list").out
    bench.partner.mood = "refuses"
    bench.publish(article("cramps"))
    bench.work()
    bench.partner.mood = "well"
    bench.publish(article("tremor"))
    bench.work()
    listed = citewire(capsys, "channels", "list").out
    assert "healthy" not in listed
    assert "1 delivery was given up  see `citewire failures`" in listed


def test_a_channel_that_is_down_is_said_to_fail(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.partner.mood = "down"
    for number in range(4):
        bench.publish(article(f"article-{number}"))
        bench.work()
    listed = citewire(capsys, "channels", "list").out
    assert "failing since 2026-03-01T12:00:00Z, next try" in listed
    assert "open" not in listed


def test_operations_are_named_by_the_beginning_of_their_id(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sleep.md").write_text("---\nid: sleep\ntitle: Does it help?\n---\nYes.\n")
    operation = citewire(capsys, "publish", "sleep.md", "--json").json["operation"]
    assert citewire(capsys, "operations", operation[:9], "--json").json["operation"] == operation
    assert citewire(capsys, "undo", operation[:9]).status == 0
    several = citewire(capsys, "operations", "op_")
    assert (several.status, "several operations begin with" in several.err) == (4, True)
    assert citewire(capsys, "operations", "op_nothing").status == 4
