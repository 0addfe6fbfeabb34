"""A command that is forked does what a fresh process does, and ends as it does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import started
from started import ROOT, Forked
from waiting import PATIENCE, until

PROGRAM = [sys.executable, "-m", "workers.cli"]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every command is executed")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CITEWIRE_")} | {
        "CITEWIRE_DATA": str(tmp_path / "data")
    }


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "nothing",
        "lint good.md bad.md",
        "publish bad.md",
        "render good.md --format json-feed",
        "status nobody --json",
        "articles --json",
        "up --port 0 --config absent.toml",
    ],
)
def test_a_forked_command_says_and_returns_what_an_executed_one_does(
    environment: dict[str, str], tmp_path: Path, words: str
) -> None:
    (tmp_path / "good.md").write_text("---\nid: good\ntitle: Good\npublished: 2026-03-01\n---\n\nText.\n")
    (tmp_path / "bad.md").write_text("---\ntitle: Bad\npublished: soon\n---\n\nText.\n")
    command = [*PROGRAM, *words.split()]
    forked = started.run(command, env=environment, cwd=tmp_path, timeout=PATIENCE)
    fresh = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (forked.returncode, forked.stdout, forked.stderr) == (fresh.returncode, fresh.stdout, fresh.stderr)


def circumstances(pid: int) -> dict[str, object]:
    """What the system says of a process that could change what it does."""
    process = psutil.Process(pid)
    lines = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    imported = tuple(folder for folder in sys.path if folder)  # a module is open while it is read
    files = set()
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            files.add(one.readlink())
    kept = {file for file in files if "pipe:" not in file.name and not str(file).startswith((process.cwd(), *imported))}
    names = ("Umask", "SigBlk", "SigIgn", "SigCgt")
    return {name: lines[name].strip() for name in names} | {
        "words": " ".join(process.cmdline()).rstrip(),  # a fork's has room behind it
        "folder": process.cwd(),
        "files": kept,
        "leads a session": os.getsid(pid) == pid,
        "nice": process.nice(),
        "limits": Path(f"/proc/{pid}/limits").read_text(),
    }


@pytest.mark.parametrize(
    ("number", "session"), [(signal.SIGTERM, False), (signal.SIGINT, True), (signal.SIGKILL, True)]
)
def test_a_forked_process_is_in_the_same_circumstances_and_ended_by_the_same_signals(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals, session: bool
) -> None:
    found = []
    for begin in (started.start, subprocess.Popen):
        (tmp_path / "a.md").write_text(f"---\nid: a\ntitle: Number {len(found)}\n---\n\nText.\n")
        with begin(
            [*PROGRAM, "publish", "a.md", "--wait"],  # for workers that are not there
            env=environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=session,
        ) as process:
            assert process.stderr is not None
            try:
                assert "nothing is running" in process.stderr.readline()
                around = circumstances(process.pid)
                assert process.poll() is None
            except BaseException:
                process.kill()  # which would be waited for
                raise
            process.send_signal(number)
            assert "Traceback" not in process.stderr.read()
        found.append((around, process.returncode))
    assert found[0] == found[1]


def test_each_command_reads_its_environment_anew(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\nid: a\ntitle: A\n---\n\nText.\n")

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return started.run([*PROGRAM, *words], env=environment | more, cwd=tmp_path, timeout=PATIENCE)

    absent = run("check", CITEWIRE_CONFIG="absent.toml")
    assert (absent.returncode, "absent.toml" in absent.stderr) == (2, True)
    assert run("publish", "a.md").returncode == 0
    narrow, wide = run("publish", "--help", COLUMNS="40"), run("publish", "--help", COLUMNS="200")
    assert max(map(len, narrow.stdout.splitlines())) <= 40 < max(map(len, wide.stdout.splitlines()))


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONUNBUFFERED", "LC_ALL", "TMPDIR"])
def test_a_command_is_executed_where_its_environment_changes_what_is_read_before_it_begins(
    environment: dict[str, str], tmp_path: Path, name: str
) -> None:
    for more, forked in (
        ({name: os.environ.get(name, "") + "x"}, False),
        ({"CITEWIRE_CONFIG": "", "PYDANTIC_DISABLE_PLUGINS": "1"}, True),
    ):
        with started.start(
            [*PROGRAM, "--version"],
            env=environment | more,
            cwd=tmp_path,
            stdout=started.DEVNULL,
            stderr=started.DEVNULL,
        ) as process:
            assert isinstance(process, Forked) == forked


def test_no_command_outlives_the_tests(environment: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import os, pathlib, started\n"
        "words = [started.sys.executable, '-m', 'workers.cli', 'watch', '.']\n"
        "print(started.start(words, env=os.environ, cwd=pathlib.Path.cwd(), stdout=started.DEVNULL).pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    until(lambda: not running(int(done.stdout)))


def running(pid: int) -> bool:
    """Return whether the process runs. Where nobody waits for orphans, one that has ended is known for ever."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
