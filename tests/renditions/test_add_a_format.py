"""The example in docs/add-a-format.md does what it says: one module, and nothing else changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from documents import DOCS, ROOT, block, copy_program, install, output_of

HERE = Path(__file__).parent
DOCUMENT = DOCS / "add-a-format.md"
TESTS = ("tests/renditions", "tests/judges", "tests/intake/cases")  # what the tests over all formats are made of

ARTICLE = """\
---
id: stiff-legs
title: Stiff legs
summary: Stretching helps.
published: 2025-03-02
---

## Every day

Ten minutes will do.
"""

SITE = """\
[site]
title = "Notes"
url = "https://notes.example.org"
language = "en"
publisher = "Example Health"
disclaimer = "Ask your doctor."

[[channels]]
id = "texts"
type = "directory"
format = "gemtext"
path = "texts"
"""

USE = """
import json, sys
from dataclasses import replace
from pathlib import Path
import structlog
from msgspec import structs
import pipeline.renditions
from articles import SAMPLE, SITE, WITHDRAWAL
from config import load
from every_stage import deliver, render
from pipeline.intake import read_article
from pipeline.ledger.articles import renditions
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.stages.accept import Intake, accept
from pipeline.stages.refresh import Refresh
from pipeline.stages.stage import drain
from workers.wiring import build_context

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

class Nobody:
    def ring(self, stage, key="", *, urgent=False):
        pass

context = build_context(load({}, file=Path("site.toml"), data=Path("var")), Nobody())
intake = Intake(context.ledger, Nobody(), context.clock, context.new_id, 0.0)

def delivered(event):
    accept(intake, event)
    drain(context, render)
    drain(context, deliver, "texts")
    return Path("texts/stiff-legs.gmi").read_text()

def filled(article):
    # It was published before the format was there.
    others = {name: context.formats[name] for name in context.formats if name != "gemtext"}
    accept(intake, Publish(Origin(source="test", id="0"), article))
    drain(replace(context, formats=others, channels={}), render)
    drain(context, Refresh())
    with context.ledger.read() as transaction:
        return context.store.get(renditions.one(transaction, article.id, 1, "gemtext").digest).decode()

article = read_article(Path("stiff-legs.md").read_bytes(), name="stiff-legs.md")
new = pipeline.renditions.formats()["gemtext"]
print(json.dumps({
    "package": pipeline.renditions.__file__,
    "module": new.render.__module__,
    "text": new.render(SAMPLE, SITE).decode(),
    "tombstone": new.tombstone(WITHDRAWAL, SITE).decode(),
    "filled": filled(structs.replace(article, id="old-legs")),
    "delivered": delivered(Publish(Origin(source="test", id="1"), article)),
    "taken back": delivered(Withdraw(Origin(source="test", id="2"), "stiff-legs", "It was wrong.")),
}))
"""


def use(folder: Path, path: Sequence[Path]) -> dict[str, Any]:
    """Return what the new format writes in a fresh interpreter, through a channel, and on the command line."""
    (folder / "stiff-legs.md").write_text(ARTICLE, encoding="utf-8")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    output: dict[str, Any] = output_of(USE, [*path, HERE, HERE.parent / "stages"])
    return output | {"printed": printed(folder, path)}


def printed(folder: Path, path: Sequence[Path]) -> str:
    command = [sys.executable, "-m", "workers.cli", "render", "stiff-legs.md", "--format", "gemtext"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CITEWIRE_CONFIG": "site.toml",
    }
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def check(output: dict[str, Any]) -> None:
    assert output["text"].startswith("# What helps against leg spasticity & stiffness?\n\n")
    assert "2. Retracted. Erratum. The Stretch Group." in output["text"]
    assert output["text"].endswith("\n\n=> https://notes.example.org/articles/leg-spasticity The article\n")
    assert "Withdrawn on 1 April 2025.\n\nThe evidence did not hold" in output["tombstone"]
    assert output["printed"].startswith("# Stiff legs\n\nStretching helps.\n\nEvery day\n\nTen minutes will do.")
    assert output["delivered"].startswith("# Stiff legs\n\nStretching helps.\n\nEvery day\n\nTen minutes will do.")
    assert output["filled"].endswith("=> https://notes.example.org/articles/old-legs The article\n")
    assert "It was wrong." in output["taken back"] and "Ten minutes" not in output["taken back"]


def test_the_example_is_short() -> None:
    assert len(block(DOCUMENT, "python").splitlines()) < 60


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program, and of the tests over all formats, in which the document was followed."""
    folder = tmp_path_factory.mktemp("clone")
    copy_program(folder, ("pipeline", "workers", "config", "standins", "examples", *TESTS))
    for file in (ROOT / "pyproject.toml", *(ROOT / "tests").glob("*.py")):
        shutil.copy(file, folder / file.relative_to(ROOT))
    (folder / "pipeline" / "renditions" / "gemtext.py").write_text(block(DOCUMENT, "python"), encoding="utf-8")
    return folder


def test_a_module_in_the_folder_is_a_format(followed: Path) -> None:
    output = use(followed, [followed])

    assert Path(output["package"]).is_relative_to(followed)
    assert output["module"] == "pipeline.renditions.gemtext"
    check(output)


def test_the_tests_over_all_formats_take_it_up_and_pass(followed: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}  # this run's server's
    environment = inherited | {"PYTHONPATH": str(followed), "PYTHONDONTWRITEBYTECODE": "1"}
    every = ["tests/renditions/test_parity.py", "tests/renditions/test_purity.py"]
    chosen = "(gemtext or not [) and not [seed"  # the cases of other formats are this run's own; the seed page is data
    command = [sys.executable, "-m", "pytest", "-vv", "-p", "no:cacheprovider", *every, "-k", chosen]
    done = subprocess.run(command, check=False, env=environment, cwd=followed, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = [line for line in done.stdout.splitlines() if "PASSED" in line]
    assert len([line for line in passed if "gemtext" in line]) > 10
    assert any("test_purity" in line for line in passed)
    assert "SKIPPED" not in done.stdout


def test_a_module_of_an_installed_package_is_a_format(tmp_path: Path) -> None:
    points = tomllib.loads(block(DOCUMENT, "toml"))["project"]["entry-points"]
    install(tmp_path, "example_formats", points)
    (tmp_path / "gemtext.py").write_text(block(DOCUMENT, "python"), encoding="utf-8")

    output = use(tmp_path, [tmp_path, ROOT])

    assert Path(output["package"]).is_relative_to(ROOT)
    assert output["module"] == "gemtext"
    check(output)
