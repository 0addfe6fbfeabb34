"""`doctor` on systems that are well and on some that are not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from command import citewire
from empty_ledger import empty_ledger

from pipeline.ledger import Ledger, leases, processes, restorations
from pipeline.ledger.clock import SWEEP
from pipeline.ledger.processes import Process
from workers import runfile

NOW = dt.datetime.now(dt.UTC)


def looked(capsys: pytest.CaptureFixture[str], folder: Path) -> tuple[int, dict[str, Any]]:
    result = citewire(capsys, "doctor", "--json", "--data", folder)
    return result.status, {one["name"]: one for one in result.json["checks"]}


def folder_with_a_ledger(tmp_path: Path, *running: Process, restored: bool = False) -> Path:
    tmp_path.chmod(0o700)
    ledger = empty_ledger(tmp_path)
    with ledger.write() as transaction:
        for one in running:
            processes.record(transaction, one)
        if restored:
            restorations.begin(transaction, backup=NOW, now=NOW)
    ledger.close()
    return tmp_path


def process(**changes: object) -> Process:
    from importlib.metadata import version

    now = dt.datetime.now(dt.UTC)  # a sign of life holds for half a minute
    known = {"name": "web@here", "kind": "web", "host": "here", "started": now, "seen": now, "schema": "0001"}
    return Process(**(known | {"release": version("citewire"), "settings": "", "clock_off": 0} | changes))  # type: ignore[arg-type]


def test_a_system_that_is_well_has_no_fault(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, found = looked(capsys, folder_with_a_ledger(tmp_path, process()))
    assert (status, [name for name, one in found.items() if not one["ok"]]) == (0, [])
    assert set(found) == {"versions", "folder", "disk", "settings", "ledger", "restore", "processes", "clock"}


@pytest.mark.parametrize(
    ("fault", "changes"),
    [
        ("clock", {"clock_off": 9_000}),
        ("process", {"trouble": "clock-wrong: the clock"}),
        ("process", {"release": "0.0.1"}),
    ],
)
def test_a_process_with_a_fault_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, fault: str, changes: dict[str, object]
) -> None:
    status, found = looked(capsys, folder_with_a_ledger(tmp_path, process(**changes)))
    assert (status, found[fault]["ok"], bool(found[fault]["hint"])) == (1, False, True)


def test_processes_are_found_although_the_hosts_clock_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)  # the ledger's time
    folder = folder_with_a_ledger(tmp_path, process(seen=before, clock_off=3_600_000))
    runfile.write(folder, runfile.Running(web="http://127.0.0.1:1"))
    ledger = Ledger(f"sqlite:///{folder / 'ledger.sqlite'}")
    with ledger.write() as transaction:
        leases.acquire(transaction, SWEEP, token="t", now=before, seconds=1)
    ledger.close()
    _, found = looked(capsys, folder)
    assert found["processes"]["says"] == "web@here"
    assert not found["clock"]["ok"]


def test_nothing_running_an_open_folder_and_a_restore_are_faults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = folder_with_a_ledger(tmp_path, restored=True)
    folder.chmod(0o755)
    status, found = looked(capsys, folder)
    assert status == 1
    assert [name for name, one in found.items() if not one["ok"]] == ["folder", "restore", "processes"]


def test_a_folder_without_a_ledger_says_so_and_makes_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, found = looked(capsys, tmp_path)
    assert (status, found["ledger"]["ok"]) == (1, False)
    assert list(tmp_path.iterdir()) == []
