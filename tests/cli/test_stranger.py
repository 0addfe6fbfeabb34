"""A stranger with nothing but `citewire`: finds a broken channel, understands it and mends it.

Each command after the first is one that an earlier answer named; what must change outside, the partner changes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bench import Bench, article
from command import ONE_FOLDER, Result, at_site, citewire
from empty_ledger import empty_ledger

from pipeline.stages.context import Policy


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    at_site(tmp_path, monkeypatch, ONE_FOLDER)
    ledger = empty_ledger(tmp_path / "var")
    yield Bench(ledger, policy=Policy(refused_retries=()))
    ledger.close()


@dataclass
class Stranger:
    """Knows one word, and afterwards only what was printed."""

    capsys: pytest.CaptureFixture[str]
    read: str = ""
    run: list[str] = field(default_factory=list)

    def first(self) -> Result:
        return self._do("citewire")

    def follow(self, beginning: str) -> Result:
        """Run the command that begins so, as an earlier answer had it, or as the list of commands has it."""
        named = re.search(rf"(?<![\w-]){re.escape(beginning)}[^`│|\n]*?(?=`|  |,|$|\n)", self.read, re.MULTILINE)
        listed = re.search(rf"^│ {re.escape(beginning.removeprefix('citewire '))} +\w", self.read, re.MULTILINE)
        if named is None and listed:
            return self._do(beginning)
        assert named, f"nothing named `{beginning}`:\n{self.read[-3000:]}"
        return self._do(named[0].strip())

    def _do(self, command: str) -> Result:
        done = citewire(self.capsys, *shlex.split(command)[1:])
        self.run.append(command)
        self.read += f"\n{done.out}\n{done.err}"
        return done


def test_a_broken_channel_is_found_understood_and_mended(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.partner.mood = "refuses"
    for number in range(3):
        bench.publish(article(f"article-{number}"))
        bench.work()
    stranger = Stranger(capsys)

    front = stranger.first()
    assert "attention" in front.out + front.err
    found = stranger.follow("citewire attention")
    assert (found.status, "3 deliveries given up" in found.out) == (1, True)

    understood = stranger.follow("citewire failures")
    assert all(word in understood.out for word in ("partner", "refused", "citewire replay --failure flr_"))

    bench.partner.mood = "well"
    assert stranger.follow("citewire replay --failure").status == 0
    bench.work()
    assert "nothing needs a person" in stranger.follow("citewire attention").out
    assert len(stranger.run) <= 6
