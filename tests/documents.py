"""The documents' own examples, for the tests that run them: fenced blocks, and modules tried in a fresh interpreter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GUIDE = DOCS / "operating"

_FENCED = re.compile(r"^```([\w-]*)[ \t]*([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file name that may follow it, its text, and its position."""

    document: Path
    line: int
    language: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def documents() -> list[Path]:
    """Every document of the repository's front and of docs/."""
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def guide_pages() -> list[Path]:
    """Return the pages of the operator's guide in the order in which its index lists them."""
    names = re.findall(
        r"^\| \[[^]]+\]\((\w[\w-]*\.md)\)", (GUIDE / "index.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    return [GUIDE / name for name in names]


def guide() -> str:
    """Return the text of the whole operator's guide."""
    return "\n".join(page.read_text(encoding="utf-8") for page in guide_pages())


def blocks(document: Path, language: str | None = None) -> list[Block]:
    """In their order; only those of `language`, where it is given."""
    text = document.read_text(encoding="utf-8")
    found = [
        Block(document, text.count("\n", 0, one.start()) + 1, one[1], one[2].strip(), one[3])
        for one in _FENCED.finditer(text)
    ]
    return [one for one in found if language is None or one.language == language]


def block(document: Path, language: str, name: str = "") -> str:
    """The text of the one block of that language (and file name)."""
    (found,) = [one for one in blocks(document, language) if one.name == name]
    return found.text


def output_of(code: str, path: Sequence[Path]) -> Any:
    """What a fresh interpreter that finds modules in `path` prints as JSON when it runs `code`, warnings as errors."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, check=False, env=environment, cwd=path[0], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def copy_program(folder: Path, packages: Iterable[str]) -> None:
    """Copy packages of the checkout, compiled as they are: to compile them anew takes longer than most tests."""
    others = shutil.ignore_patterns("*.pyc.*")  # which are being written
    for package in packages:
        shutil.copytree(ROOT / package, folder / package, ignore=others)


def install(folder: Path, name: str, entry_points: dict[str, dict[str, str]]) -> None:
    """What pip leaves beside an installed package's modules: its name, and what it adds to ours."""
    installed = folder / f"{name}-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    groups = (
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in entry_points.items()
    )
    (installed / "entry_points.txt").write_text("".join(groups))
