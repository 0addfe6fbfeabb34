"""The operator's guide's table of wrong settings, folders and files: each is said in a line, with its exit status."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import started
from command import Result, citewire
from documents import GUIDE
from wrong_world import make_wrong

ROOT = Path(__file__).resolve().parents[2]
HEADING = "# When a setting, a folder or a file is wrong"
SITE = "/srv/site"  # where the table has the site's folder
_SCHEMA = re.compile(r"\b00\d\d\b")  # of this version, which the next migration changes
PROCESSES = ("up", "web", "worker")  # which take over a process's signals


def table() -> list[list[str]]:
    page = (GUIDE / "wrong-settings.md").read_text(encoding="utf-8").removeprefix(f"{HEADING}\n")
    lines = re.search(r"(?:^\|.*\n)+", page, re.MULTILINE)
    assert lines
    return [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in lines[0].splitlines()[2:]]


ROWS = table()


def test_the_table_is_long_enough() -> None:
    assert len(ROWS) >= 75


@pytest.mark.parametrize(("world", "command", "answer", "status"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_what_is_wrong_is_said_in_a_line_with_its_status(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    world: str,
    command: str,
    answer: str,
    status: str,
) -> None:
    for name in [name for name in os.environ if name.startswith("CITEWIRE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CITEWIRE_CONFIG", "site.toml")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.toml").write_text("")
    if "sleep.md" not in world:
        (tmp_path / "sleep.md").write_text("# Sleep\n\nAn answer.\n")
    with contextlib.ExitStack() as hold:
        make_wrong(_plain(world), tmp_path, monkeypatch, hold)
        result = _run(shlex.split(command.strip("`"))[1:], capsys)
    lines = _SCHEMA.sub("NNNN", result.err.replace(str(tmp_path), SITE)).splitlines()
    assert lines == [f"citewire: {line}" for line in _SCHEMA.sub("NNNN", answer).split("<br>")]
    assert (result.status, result.out) == (int(status), "")
    if command.split()[1] in ("status", "check", "deliveries", "lint"):
        assert not (tmp_path / "var" / "ledger.sqlite-wal").exists()
        assert (tmp_path / "var").exists() == ("`var`" in world or "ledger" in world)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_traceback(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "sleep.md").write_text("# Sleep\n\nAn answer.\n")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CITEWIRE_DATA": str(tmp_path / "var")}
    command = [sys.executable, "-m", "workers.cli", "publish", str(tmp_path / "sleep.md"), "--wait"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as ran:
        assert ran.stderr is not None
        result = ran.stderr.readline()  # from here on it waits for workers that are not there
        ran.send_signal(number)
        result += ran.stderr.read()
    assert "nothing is running" in result
    assert "Traceback" not in result
    assert ran.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM)


def test_help_and_version_work_whatever_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "absent.toml"))
    monkeypatch.setenv("CITEWIRE_EGRESS_ALLOW", "everywhere")
    for words in (["--help"], ["-h"], ["--version"], ["publish", "--help"], ["up", "-h"], ["token", "create", "-h"]):
        result = citewire(capsys, *words)
        assert (result.status, result.err) == (0, ""), words
        assert result.out


def test_a_closed_pipe_leaves_no_traceback(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CITEWIRE_DATA": str(tmp_path / "var")}
    command = [sys.executable, "-m", "workers.cli", "--help"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        assert ran.stdout is not None
        assert ran.stderr is not None
        ran.stdout.close()
        assert ran.stderr.read() == b""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_answer_that_cannot_be_written_names_standard_output(tmp_path: Path, unbuffered: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "wb") as full:  # noqa: PTH123  a device
        done = subprocess.run(
            [sys.executable, "-m", "workers.cli", "--version"],
            env=environment, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, "citewire: standard output: No space left on device\n")


def test_a_closed_output_is_nowhere_and_no_file_gets_its_number(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m workers.cli status --json --data {shlex.quote(str(tmp_path))} >&-"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert citewire_once(tmp_path, environment) == 0
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def citewire_once(folder: Path, environment: dict[str, str]) -> int:
    """Publish an article, so that there is a ledger."""
    (folder / "sleep.md").write_text("# Sleep\n\nAn answer.\n")
    words = [sys.executable, "-m", "workers.cli", "publish", str(folder / "sleep.md"), "--data", str(folder)]
    return subprocess.run(words, env=environment, capture_output=True, check=False, timeout=60).returncode


def _plain(world: str) -> str:
    """A row's world: what is all code is a variable or a file, written as it is."""
    return world[1:-1] if world.startswith("`") and world.endswith("`") and world.count("`") == 2 else world


def _run(words: list[str], capsys: pytest.CaptureFixture[str]) -> Result:
    if words[0] not in PROCESSES:
        return citewire(capsys, *words)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "workers.cli", *words]
    done = started.run(command, env=environment, cwd=Path.cwd(), timeout=60)
    return Result(done.returncode, done.stdout, done.stderr)
