"""What most commands need of the settings, kept once they were checked, so that the next command need not do it again.

Checking takes pydantic and a model of every setting, and more CPU than most commands take for their answer. What is
kept stands under a fingerprint of all that the check depends on: the file, the variables, and the code that checks. If
any of it has changed, everything is checked again, and what is wrong is said as ever.

The addresses of the database, the queue and the store may hold passwords. Those that variables give are never kept, but
read and checked each time; a file that gives one with a password or a query is not kept at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, structs

import pipeline
from config import addresses, load
from config.digest import digest_of
from config.environment import API_KEY, COPY, VARIABLES, of_environment, other_addresses

if TYPE_CHECKING:
    from config.settings import Settings

_NAME = "settings-checked.json"
_MOST = 16  # fingerprints kept: a folder is seldom used with more than one or two files
_LOCATIONS = {
    "database_url": addresses.database_url,
    "redis_url": addresses.redis_url,
    "store_url": addresses.store_url,
}
_READ_EACH_TIME = ("CITEWIRE_DATA", "CITEWIRE_DATABASE_URL", "CITEWIRE_REDIS_URL")
# The folders of the code that checks. What it imports besides, such as another package's plug-in, is not looked at.
_CODE = (Path(__file__).parent, *(Path(pipeline.__path__[0], *more) for more in ((), ("model",), ("intake",))))


class Kept(Struct, frozen=True, kw_only=True):
    """What does not depend on where a command runs. It holds no secret."""

    channels: tuple[str, ...]  # their ids
    evidence_wait: float  # seconds
    drop: tuple[str, ...]
    digest: str  # of what all hosts must agree on
    database_url: str | None = None
    redis_url: str | None = None
    store_url: str | None = None


class Known(Kept, frozen=True, kw_only=True):
    """What most commands need of the settings."""

    data: Path
    file: Path | None

    @property
    def ledger_url(self) -> str:
        return addresses.ledger_at(self.data, self.database_url)

    @property
    def store_location(self) -> str | Path:
        return addresses.store_at(self.data, self.store_url)


def known_of(settings: Settings) -> Known:
    """Return it of settings that were just read."""
    return Known(
        data=settings.data,
        file=settings.file,
        database_url=settings.database_url,
        redis_url=settings.redis_url,
        store_url=settings.store_url,
        channels=tuple(one.id for one in settings.channels),
        evidence_wait=settings.evidence.wait,
        drop=settings.intake.drop,
        digest=digest_of(settings),
    )


def recall(folder: Path, environment: Mapping[str, str], file: Path | None, *, named: bool) -> Known | None:
    """Return what is known of these settings, or None if they have to be checked.

    `folder` is the data folder; `named`: it was named by an option or a variable, and not by the file.
    """
    found = _kept_in(folder)
    kept = found.get(fingerprint(environment, file, named=named) or "") if found else None
    if kept is None:
        return None
    given = of_environment(environment)
    try:
        own = {name: check(given[name]) for name, check in _LOCATIONS.items() if name in given}
    except ValueError:  # to be said by those who check everything
        return None
    return Known(**structs.asdict(kept) | own, data=folder, file=file)


def keep(known: Known, environment: Mapping[str, str], prints: Iterable[str]) -> None:
    """Keep what is known under these fingerprints, in the data folder. It is only a saving: errors are none."""
    given = of_environment(environment)
    facts: dict[str, Any] = {name: getattr(known, name) for name in Kept.__struct_fields__ if name not in given}
    kept = Kept(**facts)
    if not all(_is_bare(getattr(kept, name)) for name in _LOCATIONS):
        return
    found = _kept_in(known.data)
    new = {one: kept for one in prints if found.get(one) != kept}
    if not new:
        return
    every = {name: one for name, one in found.items() if name not in new} | new
    with contextlib.suppress(OSError):
        _write(known.data / _NAME, dict(list(every.items())[-_MOST:]))


def check_ahead(environment: Mapping[str, str], file: Path | None, data: Path) -> None:
    """Check the settings for the commands to come, and keep what they need to know.

    They name the file as it is named here or find it by its whole path, and name the data folder, or need not.
    """
    for one in (file,) if file is None or file.is_absolute() else (file, file.absolute()):
        prints = _prints(environment, one)
        known = known_of(load(environment, file=one, data=data))
        is_own = not environment.get("CITEWIRE_DATA") and load(environment, file=one).data == data
        if prints == _prints(environment, one):  # the file was not changed meanwhile
            keep(known, environment, prints if is_own else prints[:1])


def _prints(environment: Mapping[str, str], file: Path | None) -> list[str]:
    """Return the fingerprint for a data folder that is named, and the one for a folder that is not."""
    every = (fingerprint(environment, file, named=named) for named in (True, False))
    return [one for one in every if one]


def fingerprint(environment: Mapping[str, str], file: Path | None, *, named: bool) -> str | None:
    """Return a digest of all that the check of these settings depends on; None if the file cannot be read."""
    copy = environment.get(COPY)
    try:
        text = (Path(copy) if copy else file).read_bytes() if file else b""
        place = [str(file), str(file.absolute())] if file else []  # its relative paths are those of its folder
        code = code_state()
    except (OSError, ValueError):  # ValueError: a path that contains a null byte
        return None
    set_here = {name: environment[name] for name in VARIABLES if environment.get(name) and name not in _READ_EACH_TIME}
    given = sorted(name for name in of_environment(environment) if name in _LOCATIONS)
    key = [bool(environment.get(API_KEY)), environment.get(f"{API_KEY}_FILE")]
    facts = [
        named,
        place,
        hashlib.sha256(text).hexdigest(),
        set_here,
        other_addresses(environment),
        given,
        key,
        code,
    ]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def code_state(folders: Iterable[Path] = _CODE) -> list[tuple[str, int, int, int]]:
    """Return the state of each file of the code. A file that is put in another's place has another time of change."""
    found = []
    for number, folder in enumerate(folders):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith((".py", ".toml")):
                    state = entry.stat()
                    found.append((f"{number}/{entry.name}", state.st_size, state.st_mtime_ns, state.st_ctime_ns))
    return sorted(found)


def _is_bare(address: str | None) -> bool:
    """Return whether an address can hold no secret, however its parts are told apart: drivers differ in that."""
    before_host, _, _ = (address or "").partition("://")[2].rpartition("@")
    return ":" not in before_host and "?" not in (address or "")


def _kept_in(folder: Path) -> dict[str, Kept]:
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=dict[str, Kept])
    except (OSError, ValueError, msgspec.DecodeError):
        return {}


def _write(file: Path, found: Mapping[str, Kept]) -> None:
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
            opened.write(msgspec.json.encode(found))
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)
