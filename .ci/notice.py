"""Writes NOTICE: what is installed beside Citewire, by the lock, and under which licence each says that it is.

python .ci/notice.py > NOTICE
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", re.MULTILINE)
_LONG = 60  # characters, after which a licence's field holds its text
_CLASSIFIER = "License :: OSI Approved :: "


def licence_of(name: str) -> str:
    """Return the licence as the package's own metadata names it."""
    try:
        own = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "(installed on other systems only)"
    if expression := own.get("License-Expression"):
        return expression
    classified = [
        one.removeprefix(_CLASSIFIER) for one in own.get_all("Classifier") or () if one.startswith("License ::")
    ]
    stated = (own.get("License") or "").strip().splitlines()
    short = stated[0] if stated and len(stated[0]) <= _LONG else ""
    return " / ".join(classified) or short or "(not stated)"


def notice(lock: str) -> str:
    rows = [f"{name} {version}: {licence_of(name)}" for name, version in _PINNED.findall(lock)]
    return (
        "Citewire\nLicensed under the Apache License, Version 2.0: see LICENSE.\n\n"
        "The console's pages use htmx 4.0.1 and its extension sse, which are part of the package\n"
        "(pipeline/web/console/static): Zero-Clause BSD (0BSD).\n\n"
        "It is installed with these packages, each under its own licence:\n\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    print(notice((Path(__file__).parents[1] / "requirements.lock").read_text(encoding="utf-8")), end="")
