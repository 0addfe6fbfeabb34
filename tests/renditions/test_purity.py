"""The same arguments give the same bytes, whatever process, seed, zone, locale or moment it is."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

RENDER_ALL = """
import contextlib, json, locale
with contextlib.suppress(locale.Error):  # a machine that lacks it renders in C
    locale.setlocale(locale.LC_ALL, "")
from articles import FEED, SAMPLE, SITE, STRANGE, WITHDRAWAL
from pipeline.model.rendition import digest_of
from pipeline.renditions import formats
revisions = {"sample": SAMPLE, **STRANGE}
bodies = {}
for name, form in formats().items():
    bodies |= {f"{name} {key}": form.render(revision, SITE) for key, revision in revisions.items()}
    bodies[f"{name} tombstone"] = form.tombstone(WITHDRAWAL, SITE)
    if form.document:
        bodies[f"{name} feed"] = form.document(FEED, [SAMPLE, WITHDRAWAL], SITE)
        bodies[f"{name} empty feed"] = form.document(FEED, [], SITE)
print(json.dumps({key: [digest_of(body), body.decode()] for key, body in bodies.items()}))
"""


def rendered(**environment: str) -> dict[str, list[str]]:
    """Every format's bytes as a process of its own makes them: digest and text."""
    path = os.pathsep.join((str(ROOT), str(HERE)))
    done = subprocess.run(
        [sys.executable, "-c", RENDER_ALL],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **environment},
        check=True,
        capture_output=True,
        timeout=120,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def here() -> dict[str, list[str]]:
    return rendered(PYTHONHASHSEED="0", TZ="UTC", LC_ALL="C")


def test_two_processes_of_different_seed_zone_and_locale_give_the_same_bytes(here: dict[str, list[str]]) -> None:
    there = rendered(PYTHONHASHSEED="4242", TZ="Asia/Kathmandu", LC_ALL="de_DE.UTF-8")
    assert {key: digest for key, (digest, _) in here.items()} == {key: digest for key, (digest, _) in there.items()}


def test_no_rendition_knows_what_day_it_is(here: dict[str, list[str]]) -> None:
    today = dt.datetime.now(dt.UTC)
    forms = (f"{today:%Y-%m-%d}", f"{today.day:02} {_MONTHS[today.month - 1]} {today.year}")
    assert not [key for key, (_, text) in here.items() if any(form in text for form in forms)]


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
