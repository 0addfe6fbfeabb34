"""`backup` and `restore`: a consistent copy of a running system, and the way back."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from config import Settings
from pipeline.errors import ConfigError, InvalidEvent
from pipeline.ledger import Ledger, restorations
from pipeline.ledger import backup as copies
from pipeline.ledger.articles import beyond
from pipeline.ledger.articles.beyond import Beyond
from pipeline.model.event import Origin, Withdraw
from pipeline.stages.accept import accept
from pipeline.store import RenditionStore
from workers import archive, runfile
from workers.archive import Header
from workers.cli import output
from workers.cli.accepting import SOURCE, intake_of
from workers.cli.common import ConfigOption, DataOption, System, existing_ledger, find, now, open_ledger

_FileArgument = Annotated[Path, typer.Argument(metavar="FILE")]


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    file: _FileArgument,
    with_store: Annotated[bool, typer.Option(help="Include the renditions too.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a consistent copy of the system to FILE while it runs, and verify it."""
    system = find(data, config)
    store = RenditionStore.at(system.settings.store_location) if with_store else None
    with existing_ledger(system) as ledger, tempfile.TemporaryDirectory(dir=file.absolute().parent) as folder:
        copy = Path(folder) / "ledger.sqlite"
        copies.copy_out(ledger, copy)
        count = copies.check_copy(copy)
        header = _header(system.settings, copy, count, whole=with_store)
        with archive.written(file.absolute()) as part:
            archive.write(part, header, copy, _renditions(copy, store) if store else ())
            _, renditions = archive.read(part, None)
            kept = sum(1 for _ in renditions)  # reading verifies each
    output.line(f"{file}: {count} articles" + (f", {kept} renditions" if with_store else "") + ", verified")


def restore(
    file: Annotated[Path | None, typer.Argument(metavar="FILE")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let a restored system go on: it sends what is due.")
    ] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring a backup back, into an empty system or in place of what is there, and hold everything.

    A ledger that is there is compared first, and kept beside the new one. What it knows to be withdrawn after the
    backup is withdrawn again. Nothing is sent or shown until `citewire restore --resume`.
    """
    system = find(data, config)
    if resume == (file is not None):
        raise InvalidEvent("name a backup, or give --resume", code="nothing-named", hint="citewire restore FILE")
    if file is None:
        _resume(system)
        return
    if runfile.is_locked(system.settings.data):
        hint = "stop `citewire up` first"
        raise ConfigError("the system is running", key="data", hint=hint, code="data-in-use")
    system.settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=system.settings.data) as folder:
        header, renditions = archive.read(file, Path(folder))
        copies.check_copy(Path(folder) / "ledger.sqlite")
        store = RenditionStore.at(system.settings.store_location)
        for digest, body in renditions:
            store.put(digest, body)
        later = _replace(system, Path(folder) / "ledger.sqlite", header)
    _report(header, later)


def _replace(system: System, copy: Path, header: Header) -> list[Beyond]:
    """Put the copy in place of the ledger; return what the former ledger knows beyond it."""
    former = _former(system.settings)
    if system.settings.database_url is None:
        _set_aside(system.settings)
        copy.replace(system.settings.data / "ledger.sqlite")
    else:
        _into_database(system, copy)
    with open_ledger(system) as ledger:
        with ledger.write() as transaction:
            restorations.begin(transaction, backup=header.made, now=now())
        later = beyond.compare(ledger, former) if former is not None else []
        _withdraw_again(ledger, system, later)
    return later


def _into_database(system: System, copy: Path) -> None:
    with open_ledger(system) as ledger:
        with ledger.read() as transaction:
            if not copies.is_empty(transaction):
                hint = "name an empty database in CITEWIRE_DATABASE_URL, and keep the former one"
                raise ConfigError("the ledger is not empty", key="database_url", hint=hint, code="ledger-not-empty")
        copies.bring_in(copy, ledger)


def _former(settings: Settings) -> Ledger | None:
    """Return the ledger in the data folder, brought to this program's schema, if there is one."""
    if settings.database_url is not None or not (settings.data / "ledger.sqlite").exists():
        return None
    ledger = Ledger(settings.ledger_url)
    ledger.migrate()
    with ledger.read() as transaction:
        empty = copies.is_empty(transaction)
    ledger.close()
    return None if empty else Ledger(f"sqlite:///{_aside(settings).absolute()}")


def _aside(settings: Settings) -> Path:
    """Return the name that the former ledger gets: one that is free."""
    number = 1
    while (path := settings.data / f"ledger-before-restore-{number}.sqlite").exists():
        number += 1
    return path


def _set_aside(settings: Settings) -> None:
    current = settings.data / "ledger.sqlite"
    if not current.exists():
        return
    copies.close_log(current)
    current.replace(_aside(settings))


def _withdraw_again(ledger: Ledger, system: System, later: list[Beyond]) -> None:
    """Withdraw what the former ledger knows as withdrawn, so that it is not shown or sent when the system goes on."""
    intake = intake_of(ledger, system)
    for one in later:
        if one.withdrawn is not None:
            origin = Origin(source=SOURCE, id=f"restore {one.article} {one.revision}")
            accept(intake, Withdraw(origin, one.article, one.withdrawn))


def _resume(system: System) -> None:
    with existing_ledger(system) as ledger, ledger.write() as transaction:
        was_held = restorations.end(transaction, now=now())
    output.line("the system goes on" if was_held else "nothing was held")


def _report(header: Header, later: list[Beyond]) -> None:
    output.line(f"restored: {header.articles} articles as of {header.made:%Y-%m-%d %H:%M} UTC")
    for one in later:
        output.line(f"beyond the backup: {one.article}, revision {one.revision}: {one.what}")
    output.line("everything is held: withdraw what was withdrawn since, then run `citewire restore --resume`")


def _header(settings: Settings, copy: Path, count: int, *, whole: bool) -> Header:
    with copy.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Header(
        form=archive.FORM,
        made=dt.datetime.now(dt.UTC),
        release=version("citewire"),
        articles=count,
        digest=f"sha256:{digest}",
        bytes=copy.stat().st_size,
        store=None if whole else str(settings.store_location).partition("?")[0],
    )


def _renditions(copy: Path, store: RenditionStore) -> Iterator[tuple[str, bytes]]:
    for digest in copies.rendition_digests(copy):
        body = store.get(digest)
        if body is not None:  # it is rendered again when it is needed
            yield digest, body
