"""How long an undo of a large publish takes until every channel shows its former state again.

    python -m benchmarks.undo [--articles N] [--new N]

A real `citewire up` has N articles at a folder, an object store and a webhook. Another publish changes them all and
adds more; `citewire undo` takes it back. It is done when every channel has what it had before of each article, and the
withdrawal of each that was new.
"""

from __future__ import annotations

import argparse
import difflib
import gzip
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.figures import table
from benchmarks.processes import end_on_signals, until
from benchmarks.samples import short
from benchmarks.system import Running, configured, running
from standins.eutils import EutilsStandin
from standins.receiver import Received, Receiver

_WITHIN = 1200.0
_RIGHT, _WRONG = "Take 5 mg, and rest.", "Take 50 mg, and rest."
_CHANNELS = """
[[channels]]
id = "folder"
type = "directory"
format = "json-ld"
path = "{folder}/folder"

[[channels]]
id = "store"
type = "object-store"
format = "markdown"
url = "file://{folder}/store"
"""
_OF_THE_REVISION = re.compile(r'"(?:dateModified|versionCreated|version)":"[^"]*",?|<time [^>]*>')
State = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.undo", description="Undo a large publish.")
    parser.add_argument("--articles", type=int, default=200)
    parser.add_argument("--new", type=int, default=100)
    arguments = parser.parse_args()
    end_on_signals()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name:
        folder = Path(name)
        (folder / "folder").mkdir()
        (folder / "store").mkdir()
        with EutilsStandin() as pubmed, Receiver() as partner:
            environment = configured(
                folder, pubmed=pubmed.url, partner=partner.url, more=_CHANNELS.format(folder=folder)
            )
            with running(folder, environment) as system:
                print(_undone(folder, system, partner, arguments.articles, arguments.new))
    print(f"{os.cpu_count()} cores; load average {os.getloadavg()[0]:.1f}: above about 1 before, others worked")


def _undone(folder: Path, system: Running, partner: Receiver, articles: int, new: int) -> str:
    looks: Mapping[str, Callable[[], State]] = {
        "folder": lambda: _files(folder / "folder", "json-ld"),
        "store": lambda: _files(folder / "store", "md"),
        "webhook": lambda: _at_partner(partner),
    }
    steps = [_timed("publish", lambda: _publish(system, folder, articles, _RIGHT), looks, articles, _RIGHT)]
    former = {name: look() for name, look in looks.items()}
    operations: list[str] = []
    steps += [
        _timed(
            "publish over it",
            lambda: operations.append(_publish(system, folder, articles + new, _WRONG)),
            looks,
            articles + new,
            _WRONG,
        ),
        _timed("undo", lambda: system.citewire("undo", operations[0]), looks, articles, _RIGHT),
    ]
    for name, look in looks.items():
        until(partial(_shows, look, new, "ithdrawn"), within=_WITHIN, what=f"withdrawals at {name}")
        now = look()
        different = [one for one, text in former[name].items() if now.get(one) != text]
        assert not different, f"{name} has something else: {_difference(former[name], now, different[0])}"
        assert len(now) == articles + new
        assert not [one for one, text in now.items() if _WRONG in text], f"{name} still shows what was undone"
    print(f"{articles} articles changed and {new} made by one publish, then undone; seconds until all is there\n")
    return table(("step", "command", *looks), steps)


def _timed(
    step: str, act: Callable[[], object], looks: Mapping[str, Callable[[], State]], count: int, text: str
) -> tuple[str, ...]:
    """Return the seconds that the command took, and those until each channel had so many articles with this text."""
    begun = time.monotonic()
    act()
    seconds = [time.monotonic() - begun]
    for name, look in looks.items():
        until(
            partial(_shows, look, count, text),
            within=_WITHIN,
            what=f"{step}: {count} articles at {name}",
        )
        seconds.append(time.monotonic() - begun)
    return (step, *(f"{one:.1f}" for one in seconds))


def _publish(system: Running, folder: Path, count: int, text: str) -> str:
    (folder / "site").mkdir(exist_ok=True)
    for number in range(count):
        (folder / "site" / f"a-{number}.md").write_text(short(f"a-{number}", text, summary=text))
    return str(json.loads(system.citewire("publish", folder / "site", "--json"))["operation"])


def _difference(former: State, now: State, one: str) -> str:
    old, new = (re.split(r"(?<=[,\n])", state.get(one, "")) for state in (former, now))
    return "".join(difflib.unified_diff(old, new, one, one, n=0))


def _files(folder: Path, extension: str) -> State:
    return {path.name: _same(path.read_text()) for path in folder.rglob(f"a-*.{extension}") if path.is_file()}


def _at_partner(partner: Receiver) -> State:
    """Return the newest that the partner received of each article."""
    newest = {one.headers["citewire-article"]: one for one in tuple(partner.received)}
    return {article: _same(_body(one)) for article, one in newest.items()}


def _body(one: Received) -> str:
    packed = one.headers.get("content-encoding") == "gzip"
    return (gzip.decompress(one.body) if packed else one.body).decode()


def _same(text: str) -> str:
    """Return a rendition without what is its revision's own: the number and the time of the change."""
    return _OF_THE_REVISION.sub("", text)


def _shows(look: Callable[[], State], count: int, text: str) -> bool:
    """Return whether so many of a channel's articles contain a text."""
    return sum(text in one for one in look().values()) == count


if __name__ == "__main__":
    main()
