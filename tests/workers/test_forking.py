"""Forked processes: what they share with their parent, what they do not, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workers import forking

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the processes are executed, not forked")


@pytest.fixture(scope="module")
def found() -> Any:
    command = [sys.executable, str(Path(__file__).with_name("forked.py"))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout) | {"log": done.stderr}


def test_a_process_with_several_threads_is_not_forked() -> None:
    code = (
        "import threading\nfrom workers.forking import possible\nprint(possible())\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\nprint(possible())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_step_apart_returns_its_result_from_another_process(found: Any) -> None:
    assert (found["possible"], found["result"]) == (True, True)


def test_an_error_of_a_step_apart_is_raised_as_it_was(found: Any) -> None:
    text = "site.url: is wrong (mend it) [invalid-config]"
    assert found["refused"] == {"type": "ConfigError", "code": "invalid-config", "text": text}
    assert found["unread"]["type"] == "FileNotFoundError"


@pytest.mark.parametrize("way", ["died", "killed", "failed"])
def test_a_step_apart_that_ends_without_an_answer_is_an_error(found: Any, way: str) -> None:
    assert found[way]["code"] == "start-failed"


def test_a_fork_has_only_what_it_was_given(found: Any) -> None:
    around = found["around"]
    assert around["environment"] == {"ONLY": "this"}
    assert (around["kept"], around["opened"]) == (True, False)
    assert (around["group"], around["handler"], around["blocked"], around["status"]) == (True, True, False, 0)


def test_a_fork_bears_its_own_command_line(found: Any) -> None:
    assert found["around"]["line"] == ["citewire", "web"]


def test_a_fork_ends_as_an_executed_process_does(found: Any) -> None:
    assert found["exits"] == [0, 3, 1]
    assert found["ended"] == [-signal.SIGTERM, -signal.SIGKILL]
    assert found["log"].count("ZeroDivisionError") == 2


def test_a_fork_ends_though_threads_of_an_executor_wait_for_work(found: Any) -> None:
    assert found["idle"] == 0


def test_an_ended_process_is_not_signalled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _number: sent.append(pid))
    forking.Forked(1, returncode=0).kill()
    assert sent == []
