"""What reading a page warned of is on standard error and in `--json`; the page is published all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_publish_shows_what_was_left_out_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "sleep.html"
    page.write_text('<title>Sleep</title><meta name="date" content="soon"><p>Sleep at night.</p>')
    command = [sys.executable, "-m", "workers.cli", "publish", page, "--json", "--data", tmp_path / "data"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CITEWIRE_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (article,) = json.loads(done.stdout)["articles"]
    (warning,) = article["warnings"]
    assert (warning["code"], warning["field"]) == ("invalid-field", "published")
    assert f"citewire: {page}: warning: field 'published'" in done.stderr
