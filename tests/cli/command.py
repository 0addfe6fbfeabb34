"""Runs `citewire` in this process, as a terminal would: its status, and what it printed where."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_result import Result

from workers.cli import run


def citewire(capsys: pytest.CaptureFixture[str], *words: object) -> Result:
    """Run a command. Any exception that leaves it, a traceback at a terminal, fails the test."""
    arguments, sys.argv = sys.argv, ["citewire", *map(str, words)]
    capsys.readouterr()
    try:
        with pytest.raises(SystemExit) as ended:
            run()
    finally:
        sys.argv = arguments
    out, err = capsys.readouterr()
    return Result(int(ended.value.code or 0), out, err)


def at_site(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str = "") -> None:
    """Run the test in the folder, with these settings."""
    (folder / "site.toml").write_text(settings)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CITEWIRE_CONFIG", "site.toml")


ONE_FOLDER = """
[[channels]]
id = "partner"
type = "directory"
format = "ninjs"
path = "out"
"""
