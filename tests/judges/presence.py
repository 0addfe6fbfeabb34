"""The one rule for tools that a machine may lack: skip with a word on how to get it; with CI=true, fail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
NODE_MODULES = ROOT / "node_modules"


def missing(what: str, hint: str) -> NoReturn:
    """Leave the test out, or fail it where nothing may be left out."""
    word = f"{what} is not here: {hint}"
    if os.environ.get("CI") == "true":
        pytest.fail(word, pytrace=False)
    pytest.skip(word)


def not_allowed(what: str, why: str) -> NoReturn:
    """Leave the test out, also with CI=true: nothing that could be installed changes what a machine allows."""
    pytest.skip(f"{what} is not allowed here: {why}")


def program(name: str, *, hint: str) -> str:
    """The path of a program on this machine."""
    return shutil.which(name) or missing(name, hint)


def file(path: Path, *, hint: str) -> Path:
    """A file that an install step puts there."""
    return path if path.is_file() else missing(str(path.relative_to(ROOT)), hint)
