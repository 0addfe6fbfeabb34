"""docs/add-a-stage.md, followed to the letter in a copy of the program, results in a working stage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import DOCS, ROOT, block, copy_program, output_of

DOCUMENT = DOCS / "add-a-stage.md"
STAGE, TEST, LIST = (
    "pipeline/stages/remind.py",
    "tests/stages/test_remind.py",
    "pipeline/stages/flow.py",
)

# What is made of the list of stages: tasks, queues, what each kind of worker serves, and the doorbell's way to a queue.
MADE = """
import json
from pipeline.stages.flow import STAGES
from workers import celery, tasks
print(json.dumps({
    "stages": [stage.name for stage in STAGES],
    "tasks": [name for name in celery.app.tasks if name.startswith("citewire.")],
    "declared": [queue.name for queue in celery.app.conf.task_queues],
    "pipeline": celery.QUEUES["pipeline"],
    "queue": celery.QUEUE_OF["remind"],
}))
"""


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program in which the document was followed."""
    folder = tmp_path_factory.mktemp("clone")
    copy_program(folder, ("pipeline", "config", "workers", "tests/stages", "tests/judges"))
    for file in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py")):
        shutil.copy(file, folder / file.relative_to(ROOT))
    (folder / STAGE).write_text(block(DOCUMENT, "python", STAGE), encoding="utf-8")
    (folder / TEST).write_text(block(DOCUMENT, "python", TEST), encoding="utf-8")
    listed = folder / LIST
    listed.write_text(changed(listed.read_text(encoding="utf-8"), block(DOCUMENT, "diff", LIST)), encoding="utf-8")
    return folder


def changed(text: str, diff: str) -> str:
    """The text after the diff: its lines must be there, each once."""
    lines, at = text.splitlines(), 0
    for line in diff.splitlines():
        kind, words = line[0], line[1:]
        if kind == "+":
            lines.insert(at, words)
            at += 1
            continue
        (at,) = [number for number, one in enumerate(lines) if one == words]
        if kind == "-":
            del lines[at]
        else:
            at += 1
    return "\n".join(lines) + "\n"


def test_the_documents_own_test_passes(followed: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}  # this run's server's
    environment = {**inherited, "PYTHONPATH": str(followed), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST]
    done = subprocess.run(command, check=False, env=environment, cwd=followed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_tasks_queues_and_workers_are_made_from_the_list(followed: Path) -> None:
    made = output_of(MADE, [followed])
    assert made["stages"][-1] == made["queue"] == "remind"
    assert "citewire.remind" in made["tasks"]
    assert "remind" in made["declared"]
    assert "remind" in made["pipeline"]
    assert sorted(made["tasks"]) == sorted(f"citewire.{name}" for name in made["stages"])


def test_the_example_is_clean(followed: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", STAGE, TEST, LIST]
    done = subprocess.run(command, check=False, cwd=followed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    command = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", STAGE, TEST, LIST]
    done = subprocess.run(command, check=False, cwd=followed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
