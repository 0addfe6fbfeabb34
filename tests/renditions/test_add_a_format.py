"""The example in docs/add-a-format.md does what it says: one module, and nothing else changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DOCUMENT = (ROOT / "docs" / "add-a-format.md").read_text(encoding="utf-8")

USE = """
import json
import pipeline.renditions
from articles import SAMPLE, SITE, WITHDRAWAL
found = pipeline.renditions.formats()
new = found["plain-text"]
print(json.dumps({
    "package": pipeline.renditions.__file__,
    "module": new.render.__module__,
    "formats": list(found),
    "media_type": new.media_type,
    "text": new.render(SAMPLE, SITE).decode(),
    "tombstone": new.tombstone(WITHDRAWAL, SITE).decode(),
}))
"""


def block(language: str) -> str:
    """The one fenced block of that language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
    return str(code)


def used(path: list[Path]) -> dict[str, Any]:
    """What a fresh interpreter that finds packages in `path` says of the new format."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [*path, HERE])), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", USE]
    done = subprocess.run(command, check=False, env=environment, cwd=path[0], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def check(said: dict[str, Any]) -> None:
    assert {"plain-text", "ninjs", "apple-news"} <= set(said["formats"])
    assert said["media_type"] == "text/plain"
    assert said["text"].startswith("What helps against leg spasticity & stiffness?\n====")
    assert "2. Retracted. Erratum. The Stretch Group." in said["text"]
    assert said["text"].endswith("\n\nhttps://notes.example.org/articles/leg-spasticity\n")
    assert "Withdrawn on 1 April 2025.\n\nThe evidence did not hold" in said["tombstone"]


def test_the_example_is_short() -> None:
    assert len(block("python").splitlines()) < 60


def test_a_module_in_the_folder_is_a_format(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "pipeline" / "renditions" / "plain_text.py").write_text(block("python"), encoding="utf-8")

    said = used([tmp_path])

    assert Path(said["package"]).is_relative_to(tmp_path)
    assert said["module"] == "pipeline.renditions.plain_text"
    check(said)


def test_a_module_of_an_installed_package_is_a_format(tmp_path: Path) -> None:
    points = tomllib.loads(block("toml"))["project"]["entry-points"]
    installed = tmp_path / "example_formats-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: example-formats\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        "".join(f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in points.items())
    )
    (tmp_path / "plain_text.py").write_text(block("python"), encoding="utf-8")

    said = used([tmp_path, ROOT])

    assert Path(said["package"]).is_relative_to(ROOT)
    assert said["module"] == "plain_text"
    check(said)
