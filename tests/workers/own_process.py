"""Processes of Citewire that a test starts by themselves, on a site of its own whose queue does not answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = """
[site]
title = "Notes"
url = "https://notes.example.org"
publisher = "Example Health"
disclaimer = "Ask your doctor."
"""
FOLDER = """
[[channels]]
id = "{id}"
type = "directory"
format = "ninjs"
path = "{path}"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of such a process: the test's own settings, data folder and temporary folder."""
    (tmp_path / "site.toml").write_text(f'redis_url = "redis://127.0.0.1:9/0"\n{SITE}')
    (tmp_path / "tmp").mkdir()
    own = {
        "CITEWIRE_CONFIG": str(tmp_path / "site.toml"),
        "CITEWIRE_DATA": str(tmp_path / "data"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("CITEWIRE_")} | own
