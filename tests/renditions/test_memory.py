"""What the largest article costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

RENDER_ALL = """
import json
from pathlib import Path
from articles import SITE, revision_of
from pipeline.intake import read_article
from pipeline.intake.decoding import MAX_BYTES
from pipeline.renditions import formats

prose = "Stretch the muscle slowly, hold it for half a minute, and stop where it hurts. " * 6
section = f"## What helps\\n\\n{prose}Read *more* [1].\\n\\n- walking\\n- **swimming**\\n\\n"
head = "---\\nid: big\\ntitle: Big\\nsummary: Long.\\nreferences: [1]\\n---\\n"
data = (head + section * ((MAX_BYTES - len(head)) // len(section))).encode()
revision = revision_of(read_article(data, name="big.md"))
sizes = {name: len(form.render(revision, SITE)) for name, form in formats().items()}
status = Path("/proc/self/status").read_text()  # not getrusage: that counts what the parent was before the fork
peak = 1024 * int(status.split("VmHWM:")[1].split()[0])
print(json.dumps({"source": len(data), "sizes": sizes, "peak": peak}))
"""


def test_five_megabytes_are_read_and_rendered_in_every_format_within_three_hundred() -> None:
    path = os.pathsep.join(map(str, (ROOT, HERE)))
    command = [sys.executable, "-c", RENDER_ALL]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=True, capture_output=True, timeout=120)
    measured = json.loads(done.stdout)
    assert measured["source"] > 5_000_000
    assert min(measured["sizes"].values()) > 4_000_000
    assert measured["peak"] < 300_000_000
