"""Every command in every kind of broken world: an exit status of ours and lines for a person, never a traceback.

`EVERY_WORLD=1` walks all of them; without it, those that the operator's guide has in its table are left to its test.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from command import Result, citewire
from wrong_world import make_wrong

from workers.cli.app import app

LASTING = {
    "up",
    "web",
    "worker",
    "watch",
    "listen-stream",
}  # run until they are stopped; the table of wrong settings has them
WORDS = {  # what a command needs, as words that lead nowhere
    "publish": "sleep.md",
    "withdraw": "sleep --reason Wrong",
    "undo": "op_1",
    "release": "sleep",
    "refresh": "sleep",
    "schedule": "sleep --at now",
    "render": "sleep.md --format rss",
    "lint": "sleep.md",
    "recall": "34187661",
    "backup": "monday.tar",
    "restore": "sleep.md",
    "places empty": "lost",
    "places give-up": "lost --reason Gone",
    "channels show": "lost",
    "channels pause": "lost",
    "channels resume": "lost",
    "channels fill": "lost",
    "channels test": "lost",
    "channels rotate": "lost",
    "channels end-former": "lost",
    "channels drop-secret": "lost",
    "trigger": "lost",
    "tail": "--no-follow",
    "top": "--once",
    "history": "sleep",
    "show": "sleep",
    "completion": "bash",
    "channels forget": "lost",
    "channels replace": "lost found",
    "token create": "--name cms --scope publish",
    "token revoke": "cms",
    "sessions end": "--all",
    "passkeys invite": "--role viewer --name Ada",
    "passkeys remove": "0123456789",
}
MORE = {  # further ways to call a command
    "status sleep",
    "references 34187661 --recheck",
    "history sleep --revision 1",
    "replay --article sleep",
    "replay --channel lost",
    "operations op_1",
    "calendar --day 2026-03-01",
    "feeds latest",
    "top --json",
    "reconcile lost",
    "withdraw --topic rest --reason Wrong",
    "publish sleep.md --dry-run",
    "deliveries --channel lost",
    "articles --do replay",
    "show sleep --judge",
    "render sleep.md --format rss --judge --json",
}


def commands(group: Any, *above: str) -> Iterator[str]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, *above, name)
        else:
            yield " ".join((*above, name))


COMMANDS = sorted(set(commands(typer.main.get_command(app))) - LASTING)
CALLS = sorted({f"{name} {WORDS.get(name, '')}".strip() for name in COMMANDS} | MORE)


def _ledger_with_an_article(folder: Path, said: Callable[..., Result]) -> None:
    assert said("publish", "sleep.md").status == 0


def _strange_run_file(text: str) -> Callable[[Path, Callable[..., Result]], None]:
    def make(folder: Path, said: Callable[..., Result]) -> None:
        _ledger_with_an_article(folder, said)
        (folder / "var" / "running.json").write_text(text)

    return make


def _cut(folder: Path, said: Callable[..., Result]) -> None:
    """As after a crash of the host's disk."""
    _ledger_with_an_article(folder, said)
    for beside in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (folder / "var" / beside).unlink(missing_ok=True)
    ledger = folder / "var" / "ledger.sqlite"
    ledger.write_bytes(ledger.read_bytes()[:20_000])


def _lost_renditions(folder: Path, said: Callable[..., Result]) -> None:
    _ledger_with_an_article(folder, said)
    (folder / "var" / "renditions").write_text("a file where a folder was")


def _ledger_is_a_folder(folder: Path, _: Callable[..., Result]) -> None:
    (folder / "var" / "ledger.sqlite").mkdir(parents=True)


WORLDS: dict[str, Callable[[Path, Callable[..., Result]], None] | None] = {
    "nothing is there yet": None,
    "CITEWIRE_CONFIG=absent.toml": None,
    "`var` is a file": None,
    "the ledger is some other file": None,
    "a ledger of an older version": None,
    "a ledger of a newer version": None,
    "CITEWIRE_DATABASE_URL=postgresql://127.0.0.1:1/name": None,
    "CITEWIRE_REDIS_URL=redis://127.0.0.1:1/0": None,
    "CITEWIRE_STORE_URL=sleep.md": None,
    'site.toml: channels = [{id = "a", type = "directory", format = "ninjs", path = "/proc/nowhere"}]': None,
    "an article": _ledger_with_an_article,
    "a cut ledger": _cut,
    "a ledger that is a folder": _ledger_is_a_folder,
    "lost renditions": _lost_renditions,
    "a run file that says nothing": _strange_run_file("{"),
    "a run file of another form": _strange_run_file('{"pid": "x", "redis": 7}'),
}


IN_THE_GUIDE = {world for world, make in WORLDS.items() if make is None}
WALKED = [world for world in WORLDS if os.environ.get("EVERY_WORLD") or world not in IN_THE_GUIDE]


@pytest.mark.parametrize("world", WALKED)
def test_no_command_ends_with_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], world: str
) -> None:
    for name in [name for name in os.environ if name.startswith("CITEWIRE_")]:
        monkeypatch.delenv(name)
    wrong: list[str] = []
    make = WORLDS[world]
    made = tmp_path / "made"
    made.mkdir()
    (made / "site.toml").write_text("")
    (made / "sleep.md").write_text("# Sleep\n\nAn answer.\n")
    monkeypatch.setenv("CITEWIRE_CONFIG", "site.toml")
    if make is not None:
        monkeypatch.chdir(made)
        make(made, lambda *words: citewire(capsys, *words))
    for number, call in enumerate(CALLS):
        folder = tmp_path / str(number)
        shutil.copytree(made, folder)
        monkeypatch.chdir(folder)
        with contextlib.ExitStack() as hold, monkeypatch.context() as patch:
            if make is None:
                make_wrong(world, folder, patch, hold)
            wrong += _faults(call, capsys)
    assert wrong == []


def _faults(call: str, capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    try:
        said = citewire(capsys, *shlex.split(call))
    except Exception as error:  # any is a traceback at a terminal
        yield f"{call}: {type(error).__name__}: {error}"
        return
    if said.status not in range(6):
        yield f"{call}: exit {said.status}"
    told = said.err.startswith("citewire: ") or said.out  # `check` and `doctor` list what is wrong
    if "Traceback" in said.err or (said.status != 0 and not told):
        yield f"{call}: exit {said.status}: {said.err}"


def test_every_command_is_walked() -> None:
    names = set(WORDS) | {"status", "deliveries", "plan", "doctor"}
    assert names <= set(COMMANDS)
