"""The same arguments give the same bytes, whatever process, seed, zone, locale or moment it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from judges.presence import missing

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

RENDER_ALL = """
import contextlib, datetime, json, locale, time
with contextlib.suppress(locale.Error):  # a machine that lacks it renders in C
    locale.setlocale(locale.LC_ALL, "")
from articles import FEED, GONE, SITE, WITHDRAWAL
from published import OURS
from pipeline.model.rendition import digest_of
from pipeline.renditions import formats
bodies = {}
for name, form in formats().items():
    bodies |= {f"{name} {key}": form.render(revision, SITE) for key, revision in OURS.items()}
    bodies[f"{name} tombstone"] = form.tombstone(WITHDRAWAL, SITE)
    if form.document:
        bodies[f"{name} feed"] = form.document(FEED, [*OURS.values(), GONE], SITE)
        bodies[f"{name} empty feed"] = form.document(FEED, [], SITE)
around = {
    "set": list({"a", "b", "c", "d", "e", "f"}),
    "zone": time.localtime(0).tm_hour,
    "locale": time.strftime("%B", time.gmtime(0)),
    "clock": [time.time() // 86_400, str(datetime.date.today())],
}
print(json.dumps({"bodies": {key: digest_of(body) for key, body in bodies.items()}, "around": around}))
"""


def rendered(*wrapper: str, **environment: str) -> dict[str, Any]:
    """Return the digests of every format's bytes made in a separate process, and that process's surroundings."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests", HERE)))
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", RENDER_ALL],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **environment},
        check=True,
        capture_output=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def here() -> dict[str, Any]:
    return rendered(PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Another seed and zone and, where the machine has the means, another language and another year."""
    locales = tmp_path_factory.mktemp("locales")
    if GERMAN.exists():
        command = ["localedef", "-i", str(GERMAN), "-f", "UTF-8", str(locales / "de_DE.UTF-8")]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    faketime = shutil.which("faketime")
    years_on = [faketime, "-f", "+1500d"] if faketime else []
    return rendered(*years_on, PYTHONHASHSEED="4242", TZ="Asia/Kathmandu", LC_ALL="de_DE.UTF-8", LOCPATH=str(locales))


GERMAN = Path("/usr/share/i18n/locales/de_DE")


def test_two_processes_of_different_seed_zone_locale_and_clock_give_the_same_bytes(
    here: dict[str, Any], there: dict[str, Any]
) -> None:
    assert [key for key, digest in here["bodies"].items() if there["bodies"][key] != digest] == []


def test_the_two_processes_do_differ(here: dict[str, Any], there: dict[str, Any]) -> None:
    same = {key for key, value in here["around"].items() if there["around"][key] == value}
    if "locale" in same:
        missing("the German locale", "install Debian's package `locales`")
    if "clock" in same:
        missing("faketime", "install Debian's package `faketime`: without it both processes have one clock")
    assert not same


def test_rendering_leaves_the_locale_of_the_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import locale

    from articles import FEED, SAMPLE, SITE, WITHDRAWAL

    from pipeline.renditions import formats

    def forbidden(*_: object) -> str:
        raise AssertionError("locale.setlocale is the whole process's")

    monkeypatch.setattr(locale, "setlocale", forbidden)
    for form in formats().values():
        form.render(SAMPLE, SITE)
        form.tombstone(WITHDRAWAL, SITE)
        if form.document:
            form.document(FEED, [SAMPLE], SITE)
