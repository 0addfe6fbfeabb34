"""Write docs/openapi.json and docs/api.md: `python -m workers.openapi [--break]`.

Refuses a description that would break a client of the committed one, unless `--break` says that it is meant.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from config import load
from pipeline.stages.context import NoDoorbell
from pipeline.web.app import create_app
from pipeline.web.openapi.compatibility import breaking_changes
from pipeline.web.openapi.reference import page
from workers.wiring import build_context

DOCS = Path(__file__).parents[1] / "docs"
DESCRIPTION, PAGE = DOCS / "openapi.json", DOCS / "api.md"


def description() -> dict[str, Any]:
    """Return the description of the web server with the default settings."""
    with tempfile.TemporaryDirectory() as folder:
        context = build_context(load({"CITEWIRE_DATA": folder}), NoDoorbell())
        try:
            return create_app(context, alive=list).openapi()
        finally:
            context.ledger.close()


def written(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    document = description()
    if DESCRIPTION.exists() and "--break" not in arguments:
        broken = breaking_changes(json.loads(DESCRIPTION.read_text(encoding="utf-8")), document)
        if broken:
            print("These changes would break clients; --break writes them all the same:", *broken, sep="\n  ")
            return 1
    DESCRIPTION.write_text(written(document), encoding="utf-8")
    PAGE.write_text(page(document), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
