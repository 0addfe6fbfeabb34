"""The file in the data folder by which commands find the running system. It contains no secret."""

from __future__ import annotations

import fcntl
from pathlib import Path

import msgspec
from msgspec import Struct

_NAME = "running.json"


class Running(Struct, frozen=True, kw_only=True):
    web: str  # address of the web server
    redis: str | None = None  # of an embedded Valkey: a socket that only its owner can open
    bells: str | None = None  # where commands hand over their doorbells: a socket that only its owner can write to
    config: str | None = None  # the TOML file in force
    pid: int | None = None  # of `citewire up`
    settings: str | None = None  # digest of the settings in force
    reloads: int = 0  # requests to take up settings that were answered
    replacing: bool = False  # whether some processes still have the former settings
    refused: tuple[str, ...] = ()  # why the last of them was refused, in lines; empty: it was not


def copy_of(folder: Path) -> Path:
    """Return the file in the data folder with the settings in force."""
    return folder / "settings-in-force.toml"


def write(folder: Path, running: Running) -> None:
    new = folder / f".{_NAME}"
    new.touch(mode=0o600)
    new.write_bytes(msgspec.json.encode(running))
    new.replace(folder / _NAME)


def read(folder: Path) -> Running | None:
    """Return the file's content, or None without a usable file. A system that was killed leaves its file behind."""
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None


def remove(folder: Path) -> None:
    (folder / _NAME).unlink(missing_ok=True)


def is_locked(folder: Path) -> bool:
    """Return whether a `citewire up` is running on the folder. The kernel releases its lock however it ends."""
    try:
        with (folder / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
