"""`--wait` says what each channel has, whether the work ended, the time did, or Ctrl-C ended it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import typer
from bench import Bench, article
from empty_ledger import empty_ledger

from pipeline.stages.context import Policy
from workers.cli.outcomes import Published, exit_with, lines, wait_for

CHANNELS = ("a", "b", "c", "d", "partner")


@pytest.fixture
def bench(tmp_path: Path):  # type: ignore[no-untyped-def]
    ledger = empty_ledger(tmp_path)
    yield Bench(ledger, *CHANNELS, policy=Policy(refused_retries=()))
    ledger.close()


def test_four_of_five_channels_have_it(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.partner.mood = "refuses"
    one = Published("spasms.md", bench.publish(article()))
    bench.work()
    assert wait_for(bench.ledger, [one], 0) == "ended"
    assert one.state == "abandoned"
    said = capsys.readouterr().err
    assert "spasms  revision 1  4 of 5 channels have it\n  partner  given up: refused: 400\n" in said
    by_channel = {at.channel: at.has_it for at in one.shape()["channels"]}
    assert by_channel == {name: name != "partner" for name in CHANNELS}
    with pytest.raises(typer.Exit) as left:
        exit_with([one], refused=False, waited="ended")
    assert left.value.exit_code == 1


def test_a_timeout_says_what_is_there_and_that_the_work_goes_on(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.partner.mood = "down"
    bench.partner.retry_after = 10_000_000_000.0
    one = Published("spasms.md", bench.publish(article()))
    bench.work()
    assert wait_for(bench.ledger, [one], 0) == "timed-out"
    said = capsys.readouterr().err
    assert "spasms  revision 1  timed out, 4 of 5 channels have it\n  partner  next try " in said
    assert "is delivered all the same" in said
    assert one.shape()["state"] == "timed-out"


def test_a_timeout_before_anything_is_rendered_says_so(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    one = Published("spasms.md", bench.publish(article()))
    assert wait_for(bench.ledger, [one], 0) == "timed-out"
    assert "spasms  revision 1  timed out, not rendered yet\n" in capsys.readouterr().err


def test_ctrl_c_says_what_is_there_and_that_the_work_goes_on(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    bench.partner.mood = "down"
    one = Published("spasms.md", bench.publish(article()))
    bench.work()
    assert wait_for(bench.ledger, [one], 60) == "interrupted"
    said = capsys.readouterr().err
    assert "4 of 5 channels have it\n  partner  next try " in said
    assert "is delivered all the same" in said
    with pytest.raises(typer.Exit) as left:
        exit_with([one], refused=False, waited="interrupted")
    assert left.value.exit_code == 130


def test_what_every_channel_has_takes_one_line(bench: Bench) -> None:
    one = Published("spasms.md", bench.publish(article()))
    bench.work()
    wait_for(bench.ledger, [one], 0)
    assert lines(one) == ["spasms  revision 1  delivered"]
