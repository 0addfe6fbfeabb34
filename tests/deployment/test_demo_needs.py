"""`make demo` installs only what the program itself needs, so the demo may import nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import packages_distributions

from deployed import ROOT
from waiting import PATIENCE

_BLOCKED = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is installed for development only")

sys.meta_path.insert(0, Blocked())
import examples.demo
"""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_demo_imports_nothing_that_is_installed_for_development_only() -> None:
    locked = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    runtime = {*map(_normal, locked), "citewire"}
    blocked = {top for top, owners in packages_distributions().items() if not runtime & set(map(_normal, owners))}
    assert "standardwebhooks" in blocked
    code = f"BLOCKED = {sorted(blocked)!r}\n{_BLOCKED}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
