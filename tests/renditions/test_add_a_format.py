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

from documents import DOCS, ROOT, block, install, said_by

HERE = Path(__file__).parent
DOCUMENT = DOCS / "add-a-format.md"

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
from pathlib import Path
import structlog
import pipeline.renditions
from articles import SAMPLE, SITE, WITHDRAWAL
from config import load
from every_stage import deliver, render
from pipeline.intake import read_article
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.stages.accept import Intake, accept
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

article = read_article(Path("stiff-legs.md").read_bytes(), name="stiff-legs.md")
new = pipeline.renditions.formats()["gemtext"]
print(json.dumps({
    "package": pipeline.renditions.__file__,
    "module": new.render.__module__,
    "text": new.render(SAMPLE, SITE).decode(),
    "tombstone": new.tombstone(WITHDRAWAL, SITE).decode(),
    "delivered": delivered(Publish(Origin(source="test", id="1"), article)),
    "taken back": delivered(Withdraw(Origin(source="test", id="2"), "stiff-legs", "It was wrong.")),
}))
"""


def use(folder: Path, path: Sequence[Path]) -> dict[str, Any]:
    """What the new format gives in a fresh interpreter, through a channel, and on the command line."""
    (folder / "stiff-legs.md").write_text(ARTICLE, encoding="utf-8")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    said: dict[str, Any] = said_by(USE, [*path, HERE, HERE.parent / "stages"])
    return said | {"printed": printed(folder, path)}


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


def check(said: dict[str, Any]) -> None:
    assert said["text"].startswith("# What helps against leg spasticity & stiffness?\n\n")
    assert "2. Retracted. Erratum. The Stretch Group." in said["text"]
    assert said["text"].endswith("\n\n=> https://notes.example.org/articles/leg-spasticity The article\n")
    assert "Withdrawn on 1 April 2025.\n\nThe evidence did not hold" in said["tombstone"]
    assert said["printed"].startswith("# Stiff legs\n\nStretching helps.\n\nEvery day\n\nTen minutes will do.")
    assert said["delivered"].startswith("# Stiff legs\n\nStretching helps.\n\nEvery day\n\nTen minutes will do.")
    assert "It was wrong." in said["taken back"] and "Ten minutes" not in said["taken back"]


def test_the_example_is_short() -> None:
    assert len(block(DOCUMENT, "python").splitlines()) < 60


def test_a_module_in_the_folder_is_a_format(tmp_path: Path) -> None:
    for package in ("pipeline", "workers", "config"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pipeline" / "renditions" / "gemtext.py").write_text(block(DOCUMENT, "python"), encoding="utf-8")

    said = use(tmp_path, [tmp_path])

    assert Path(said["package"]).is_relative_to(tmp_path)
    assert said["module"] == "pipeline.renditions.gemtext"
    check(said)


def test_a_module_of_an_installed_package_is_a_format(tmp_path: Path) -> None:
    points = tomllib.loads(block(DOCUMENT, "toml"))["project"]["entry-points"]
    install(tmp_path, "example_formats", points)
    (tmp_path / "gemtext.py").write_text(block(DOCUMENT, "python"), encoding="utf-8")

    said = use(tmp_path, [tmp_path, ROOT])

    assert Path(said["package"]).is_relative_to(ROOT)
    assert said["module"] == "gemtext"
    check(said)
