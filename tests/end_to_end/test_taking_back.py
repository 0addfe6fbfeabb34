"""What one command did is taken back by one command, at a real folder; and a command that is killed midway shows it."""

from __future__ import annotations

import datetime as dt
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from running import ROOT, Running, article, system
from waiting import until

from pipeline.ledger import Ledger, operations
from standins.eutils import EutilsStandin


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with EutilsStandin() as pubmed, system(tmp_path_factory.mktemp("back"), pubmed=pubmed.url) as running:
        yield running


MANY, TOGETHER = 10, 4  # files; as many are accepted at once
MIDWAY = f"""
import os, signal
from workers.cli import main, publishing

accept = publishing._accept_read


def accept_and_die(*given):
    accept(*given)
    os.kill(os.getpid(), signal.SIGKILL)


publishing._TOGETHER, publishing._accept_read = {TOGETHER}, accept_and_die
main()
"""


def holds(running: Running, name: str) -> str:
    """Everything that the channel's folder holds of the article."""
    found = (running.data.parent / "out").rglob(f"{name}*")
    return "".join(path.read_text() for path in found if path.is_file())


def test_the_undo_of_a_publish_restores_what_a_folder_held(running: Running, tmp_path: Path) -> None:
    before = [article(tmp_path, name, f"Right {name}.") for name in ("undo-a", "undo-b")]
    assert running.publish(*before).status == 0
    wrong = [article(tmp_path, name, "Wrong.") for name in ("undo-a", "undo-b", "undo-new")]
    operation = running.publish(*wrong).json["operation"]
    assert all("Wrong." in holds(running, name) for name in ("undo-a", "undo-b", "undo-new"))
    done = running.run("undo", operation, "--json")
    assert (done.status, done.json["undone"]) == (0, 3), done.err
    until(lambda: not any("Wrong." in holds(running, name) for name in ("undo-a", "undo-b", "undo-new")))
    assert all(f"Right {name}." in holds(running, name) for name in ("undo-a", "undo-b"))
    assert running.get("/articles/undo-new").status_code == 410


def test_files_are_withdrawn_together_after_showing_who_has_them(running: Running, tmp_path: Path) -> None:
    files = [article(tmp_path, name, topic="cramps") for name in ("bulk-a", "bulk-b", "bulk-c")]
    operation = running.publish(*files).json["operation"]
    files[0].unlink()  # what it published is known by its path all the same
    gone = running.run("withdraw", *files[:2], "--reason", "The dose was wrong.", "--json", "--wait")
    assert gone.status == 0, gone.err
    assert [(one["article"], one["state"]) for one in gone.json["articles"]] == [
        ("bulk-a", "delivered"),
        ("bulk-b", "delivered"),
    ]
    assert [word in gone.err for word in ("bulk-a", "bulk-b", "bulk-c", "folder", "site")] == [
        True,
        True,
        False,
        True,
        True,
    ]
    rest = running.run("withdraw", "--operation", operation, "--reason", "All of it.", "--json")
    assert [one["article"] for one in rest.json["articles"]] == ["bulk-c"]
    none = running.run("withdraw", "--topic", "cramps", "--reason", "All of it.")
    assert (none.status, "nothing-to-withdraw" in none.err) == (2, True)
    found = running.run("articles", "--query", "bulk", "--state", "withdrawn", "--json").json["articles"]
    assert [(one["article"], one["reason"]) for one in found] == [
        ("bulk-a", "The dose was wrong."),
        ("bulk-b", "The dose was wrong."),
        ("bulk-c", "All of it."),
    ]


def test_a_publish_that_is_killed_midway_is_shown_as_interrupted_and_done_by_the_next(
    running: Running, tmp_path: Path
) -> None:
    for number in range(MANY):
        article(tmp_path, f"killed-{number:03}")
    database = running.data / "ledger.sqlite"
    command = [sys.executable, "-c", MIDWAY, "publish", str(tmp_path), *running.where]
    died = subprocess.run(command, env=running.environment, cwd=ROOT, stderr=subprocess.DEVNULL, check=False)
    assert died.returncode == -signal.SIGKILL
    with closing(Ledger(f"sqlite:///{database}")) as ledger, ledger.read() as transaction:
        (newest,) = operations.newest(transaction, limit=1)
    assert newest.state(newest.at) == "running"  # until its next sign of life is overdue
    pass_without_a_sign(database, operations.ALIVE)
    first = running.run("operations", "--json").json["operations"][0]
    assert (first["operation"], first["state"]) == (newest.id, "interrupted")
    assert (first["ended"], first["planned"], first["changed"]) == (None, MANY, TOGETHER)
    assert "interrupted" in running.run("operations", first["operation"]).out
    assert running.publish(tmp_path, wait=False).status == 0
    again = running.run("operations", "--json").json["operations"][0]
    assert (again["ended"] is not None, again["state"]) == (True, "done")
    assert first["changed"] + again["changed"] == MANY


def pass_without_a_sign(database: Path, time: dt.timedelta) -> None:
    """Have so much time pass for every operation, without waiting for it."""
    with closing(sqlite3.connect(database)) as ledger, ledger:
        microseconds = time // dt.timedelta(microseconds=1)
        ledger.execute("UPDATE operations SET alive_until = alive_until - ? WHERE ended IS NULL", [microseconds])
