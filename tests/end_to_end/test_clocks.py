"""Publishing processes whose clocks are hours off: what they say reaches every channel all the same."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from judges.presence import missing
from running import ROOT, Answer, Running, article, system

from standins.eutils import EutilsStandin

SKEWS = ("-2h", "-1h", "+1h", "+2h")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if shutil.which("faketime") is None:
        missing("faketime", "Debian's package `faketime` has it")
    with EutilsStandin() as pubmed, system(tmp_path_factory.mktemp("clocks"), pubmed=pubmed.url) as running:
        yield running


def run(running: Running, skew: str | None, *arguments: str | Path) -> Answer:
    """Run a command whose clock is off by `skew`."""
    clock = [] if skew is None else ["faketime", "-f", skew]
    words = [*clock, *running.command(*arguments, "--json", "--wait", "--timeout", "60"), *running.where]
    done = subprocess.run(
        words, env=running.environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("skew", SKEWS)
def test_corrections_and_withdrawals_of_any_clock_reach_the_channel(
    running: Running, tmp_path: Path, skew: str
) -> None:
    name = f"clock-{'behind' if skew[0] == '-' else 'ahead'}-{skew[1]}"
    seen = []
    for number, clock in enumerate((skew, None, skew), start=1):
        answer = run(running, clock, "publish", article(tmp_path, name, f"Take {number} tablets.", pmids=str(number)))
        assert answer.status == 0, answer.err
        assert answer.json["articles"][0]["state"] == "delivered"
        assert f"Take {number} tablets." in holds(running, name)
        seen.append(running.get(f"/articles/{name}").headers["Last-Modified"])
    assert len(set(seen)) == len(seen)  # a reader that asks by the date gets each correction
    taken = run(running, skew, "withdraw", name, "--reason", "The dose was wrong.")
    assert (taken.status, taken.json["articles"][0]["state"]) == (0, "delivered"), taken.err
    assert "tablets" not in holds(running, name)
    assert running.get(f"/articles/{name}").status_code == 410


def holds(running: Running, name: str) -> str:
    """Everything that the channel's folder holds of the article."""
    found = (running.data.parent / "out").rglob(f"{name}*")
    return "".join(path.read_text() for path in found if path.is_file())
