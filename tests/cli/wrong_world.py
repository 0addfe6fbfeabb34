"""The wrong worlds of the operator's guide: `NAME=value`, `site.toml: …`, `FILE: text` and a few in words."""

from __future__ import annotations

import contextlib
import re
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import until

_VARIABLE = re.compile(r"([A-Z_]+)=(.*)")
_FILE = re.compile(r"([\w./-]+): (.*)", re.DOTALL)


def make_wrong(what: str, folder: Path, patch: pytest.MonkeyPatch, hold: contextlib.ExitStack) -> None:
    """Bring about one of a row's conditions in the site's folder, which is the current one."""
    if what in _WORDS:
        _WORDS[what](folder, hold)
    elif variable := _VARIABLE.fullmatch(what):
        patch.setenv(variable[1], variable[2])
    elif file := _FILE.fullmatch(what):
        with (folder / file[1]).open("a", encoding="utf-8") as opened:
            opened.write(file[2].replace("\\n", "\n") + "\n")
    else:
        raise ValueError(f"nobody knows how to bring about {what!r}")


def _older_ledger(folder: Path, _: contextlib.ExitStack) -> None:
    (folder / "var").mkdir()
    with contextlib.closing(sqlite3.connect(folder / "var" / "ledger.sqlite")) as ledger:
        ledger.execute("CREATE TABLE alembic_version (version_num TEXT)")
        ledger.execute("INSERT INTO alembic_version VALUES ('0001')")
        ledger.commit()


def _newer_ledger(folder: Path, _: contextlib.ExitStack) -> None:
    _older_ledger(folder, _)
    with contextlib.closing(sqlite3.connect(folder / "var" / "ledger.sqlite")) as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '9999'")
        ledger.commit()


def _no_ledger_at_all(folder: Path, _: contextlib.ExitStack) -> None:
    (folder / "var").mkdir()
    (folder / "var" / "ledger.sqlite").write_text("this is not a database, however long it is" * 100)


def _folder(name: str) -> Callable[[Path, contextlib.ExitStack], None]:
    return lambda folder, _: (folder / name).mkdir()


def _file(name: str, data: bytes) -> Callable[[Path, contextlib.ExitStack], None]:
    def make(folder: Path, _: contextlib.ExitStack) -> None:
        (folder / name).write_bytes(data)

    return make


def _port_in_use(_: Path, hold: contextlib.ExitStack) -> None:
    def listening() -> socket.socket | None:
        with contextlib.suppress(OSError):  # another test that runs at the same time listens there, for a moment
            return socket.create_server(("127.0.0.1", 8391))
        return None

    hold.enter_context(until(listening))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    import fcntl

    (folder / "var").mkdir()
    with (folder / "var" / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


_WORDS: dict[str, Callable[[Path, contextlib.ExitStack], object]] = {
    "nothing is there yet": lambda _, __: None,
    "a ledger of an older version": _older_ledger,
    "a ledger of a newer version": _newer_ledger,
    "the ledger is some other file": _no_ledger_at_all,
    "`site.toml` is a folder": lambda folder, _: ((folder / "site.toml").unlink(), (folder / "site.toml").mkdir()),
    "`site.toml` is not UTF-8": _file("site.toml", b'site.title = "\xff"'),
    "`var` is a file": _file("var", b""),
    "`sleep.md` is a folder without articles": _folder("sleep.md"),
    "`sleep.md` is empty": _file("sleep.md", b""),
    "`sleep.md` is Latin-1": _file("sleep.md", b"# Schlaf\n\nM\xfcde.\n"),
    "port 8391 is in use": _port_in_use,
    "another `citewire up` is running": lambda folder, hold: hold.enter_context(locked(folder)),
}
