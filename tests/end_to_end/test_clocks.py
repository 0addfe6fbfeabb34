"""Publishing processes whose clocks are hours off: what they say reaches every channel all the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from judges.presence import missing
from running import ROOT, Running, article, system, until

from standins.eutils import EutilsStandin

SKEWS = {"-2h": "clock-behind-2", "-1h": "clock-behind-1", "+1h": "clock-ahead-1", "+2h": "clock-ahead-2"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if shutil.which("faketime") is None:
        missing("faketime", "Debian's package `faketime` has it")
    with EutilsStandin() as pubmed, system(tmp_path_factory.mktemp("clocks"), pubmed=pubmed.url) as running:
        yield running


def at_once(running: Running, commands: Mapping[str, Sequence[str | Path]]) -> None:
    """Run each command with a clock that is off by its skew, all at the same time."""
    begun = {
        skew: subprocess.Popen(
            ["faketime", "-f", skew, *running.command(*words, "--json"), *running.where],
            env=running.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for skew, words in commands.items()
    }
    for skew, process in begun.items():
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, f"{skew}: {err}"
        assert json.loads(out)["articles"][0]["changed"], skew


def test_corrections_and_withdrawals_of_any_clock_reach_the_channel(running: Running, tmp_path: Path) -> None:
    seen: dict[str, list[str]] = {skew: [] for skew in SKEWS}
    for number, own_clock in enumerate((True, False, True), start=1):
        text = f"Take {number} tablets."
        files = {skew: article(tmp_path, name, text, pmids=str(number)) for skew, name in SKEWS.items()}
        if own_clock:
            at_once(running, {skew: ("publish", file) for skew, file in files.items()})
        else:
            assert running.publish(*files.values(), wait=False).status == 0
        for skew, name in SKEWS.items():
            until(lambda name=name, text=text: text in holds(running, name), 60, what=lambda skew=skew: skew)
            seen[skew].append(running.get(f"/articles/{name}").headers["Last-Modified"])
    for skew, dates in seen.items():
        assert len(set(dates)) == len(dates), skew  # a reader that asks by the date gets each correction
    at_once(running, {skew: ("withdraw", name, "--reason", "The dose was wrong.") for skew, name in SKEWS.items()})
    for skew, name in SKEWS.items():
        until(lambda name=name: "tablets" not in holds(running, name), 60, what=lambda skew=skew: skew)
        assert running.get(f"/articles/{name}").status_code == 410, skew


def holds(running: Running, name: str) -> str:
    """Everything that the channel's folder holds of the article."""
    found = (running.data.parent / "out").rglob(f"{name}*")
    return "".join(path.read_text() for path in found if path.is_file())
