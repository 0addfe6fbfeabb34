"""`backup` and `restore`: a consistent copy of a running system, and the way back."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from config.settings import Settings
from pipeline.errors import ConfigError, InvalidEvent
from pipeline.ledger import Ledger, findings, restorations
from pipeline.ledger import backup as copies
from pipeline.ledger.articles import beyond
from pipeline.ledger.articles.beyond import Beyond
from pipeline.ledger.articles.former import bring_withdrawn
from pipeline.ledger.findings import Finding
from pipeline.model.event import Origin, Withdraw
from pipeline.model.moment import rfc3339
from pipeline.stages import acts
from pipeline.stages.accept import accept as accept_event
from pipeline.stages.accept.restored import accept_backup
from pipeline.stages.places.former import bring_over
from pipeline.store import RenditionStore
from workers import archive, runfile
from workers.archive import Header
from workers.cli import output
from workers.cli.accepting import SOURCE, intake_of
from workers.cli.common import (
    ConfigOption,
    DataOption,
    JsonOption,
    System,
    act_of,
    existing_ledger,
    find,
    ledger_now,
    log_to_stderr,
    now,
    open_ledger,
    print_json,
)
from workers.former import former_ledgers
from workers.opening import LEDGER, make_data_folder, make_private

if TYPE_CHECKING:
    from workers.restoring import Asked

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
    former: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The ledger used before: its URL, or env:NAME or file:/path with it."),
    ] = None,
    look: Annotated[bool, typer.Option("--look", help="Ask the places again, and show what is undecided.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="ARTICLE|PLACE", help="It is as the backup has it, whatever was found."),
    ] = None,
    accept_all: Annotated[bool, typer.Option("--accept-all", help="The same for everything.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let a restored system go on: it sends what is due.")
    ] = False,
    json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring a backup back, into an empty system or in place of what is there, and hold everything.

    The former ledger is compared first: the one in the data folder, which is kept beside the new one, and the one that
    --former names. What it knows to be withdrawn after the backup is withdrawn again. Then every place is asked what it
    has beyond the backup. Nothing is sent or shown until all that is decided, by publishing, by withdrawing or with
    --accept, and `citewire restore --resume`.
    """
    system = find(data, config)
    decides = bool(accept) or accept_all
    if sum((file is not None, look, decides or resume)) != 1:
        hint = "citewire restore FILE"
        raise InvalidEvent("name a backup, or give --look, --accept or --resume", code="nothing-named", hint=hint)
    if former is not None and file is None:
        hint = "citewire restore FILE --former URL"
        raise InvalidEvent("--former belongs to a backup", code="nothing-named", hint=hint)
    log_to_stderr()
    if file is not None:
        _bring_back(system, file, former)
    with existing_ledger(system) as ledger:
        if decides:
            by = "citewire restore"
            chosen = accept_backup(intake_of(ledger, system), None if accept_all else accept, by=by)
            output.line(f"{len(chosen)} decided: the backup counts")
        asked = _ask(system, ledger) if file is not None or look else []
        with ledger.read() as transaction:
            undecided = findings.undecided(transaction)
        if resume:
            _resume(ledger, system, undecided)
            return
    if json:
        print_json({"places": msgspec.to_builtins(asked), "undecided": msgspec.to_builtins(undecided)})
    else:
        output.restored(asked, undecided)


def _bring_back(system: System, file: Path, former: str | None) -> None:
    if runfile.is_locked(system.settings.data):
        hint = "stop `citewire up` first"
        raise ConfigError("the system is running", key="data", hint=hint, code="data-in-use")
    with tempfile.TemporaryDirectory(dir=make_data_folder(system.settings)) as folder:
        header, renditions = archive.read(file, Path(folder))
        copies.check_copy(Path(folder) / "ledger.sqlite")
        store = RenditionStore.at(system.settings.store_location)
        for digest, body in renditions:
            store.put(digest, body)
        is_compared = _replace(system, Path(folder) / "ledger.sqlite", header, former)
    sys.stderr.write(f"restored: {header.articles} articles as of {header.made:%Y-%m-%d %H:%M} UTC\n")
    if not is_compared:
        sys.stderr.write(
            "no former ledger was compared: name it with --former, into an empty database, if it answers\n"
        )


def _ask(system: System, ledger: Ledger) -> list[Asked]:
    """Ask the places. Settings that cannot be used leave them unasked, and everything held."""
    from workers.restoring import look_at_places

    with ledger.read() as transaction:
        if restorations.pending(transaction) is None:
            hint = "`citewire reconcile` reads places back at any time"
            raise InvalidEvent("nothing was restored", code="nothing-undecided", hint=hint)
    return look_at_places(system.settings, ledger, now=ledger_now(ledger, system))


def _replace(system: System, copy: Path, header: Header, former: str | None) -> bool:
    """Put the copy in place of the ledger: held, and with what the former ones know as withdrawn withdrawn again.

    All of that is done to the copy before it takes the place. A restore that is killed leaves the former ledger, from
    which the next one learns the same, or the whole new one. Return whether there was a former one.
    """
    if system.settings.database_url is not None:
        _refuse_unless_empty(system)
    with closing(copies.opened(copy)) as ledger, former_ledgers(system.settings, former) as compared:
        ledger.migrate()
        _hold(ledger, system, header, compared)
    copies.close_log(copy)
    if system.settings.database_url is not None:
        with open_ledger(system) as ledger:
            copies.bring_in(copy, ledger)
    else:
        _keep_aside(system.settings)
        make_private(copy)
        copy.replace(system.settings.data / LEDGER)
    return bool(compared)


def _hold(ledger: Ledger, system: System, header: Header, compared: Sequence[Ledger]) -> None:
    from workers.restoring import not_yet_asked

    before = [one for former in compared for one in _found_before(former)]
    with ledger.write() as transaction:
        restorations.begin(transaction, backup=header.made, now=now())
        words = f"the backup of {rfc3339(header.made)}, with {header.articles} articles"
        acts.record(transaction, act_of("restore", now()), "restore", "brought-back", reason=words)
        findings.reopen(transaction, before, now=now())
    not_yet_asked(ledger, now=now())
    for former in compared:
        with ledger.write() as transaction, former.snapshot() as there:
            bring_over(transaction, there, now=now())
            bring_withdrawn(transaction, there, now=now())
        later = beyond.compare(ledger, former)
        with ledger.write() as transaction:
            findings.record(transaction, later.findings, now=now())
        _withdraw_again(ledger, system, later)
        with ledger.write() as transaction:
            findings.record_waiting(transaction, later.waiting, now=now())


def _found_before(former: Ledger) -> list[Finding]:
    """Return what was found beyond a backup when the former ledger was itself restored from one."""
    with former.read() as there:
        return findings.lasting(there)


def _refuse_unless_empty(system: System) -> None:
    with open_ledger(system) as ledger, ledger.read() as transaction:
        if not copies.is_empty(transaction):
            hint = "name an empty database in CITEWIRE_DATABASE_URL, and this one with --former"
            raise ConfigError("the ledger is not empty", key="database_url", hint=hint, code="ledger-not-empty")


def _keep_aside(settings: Settings) -> None:
    """Give the former ledger a further name, the first that is free, under which it stays."""
    current, number = settings.data / LEDGER, 1
    if not current.exists():
        return
    copies.close_log(current)
    while (aside := settings.data / f"ledger-before-restore-{number}.sqlite").exists():
        number += 1
    try:
        aside.hardlink_to(current)
    except OSError:  # a file system without links
        part = aside.with_suffix(".part")
        make_private(part)
        shutil.copyfile(current, part)
        part.replace(aside)


def _withdraw_again(ledger: Ledger, system: System, later: Beyond) -> None:
    """Withdraw what the former ledger knows as withdrawn, so that it is not shown or sent when the system goes on."""
    intake = intake_of(ledger, system)
    for article, revision, reason in later.withdrawn:
        origin = Origin(source=SOURCE, id=f"restore {article} {revision}")
        accept_event(intake, Withdraw(origin, article, reason))


def _resume(ledger: Ledger, system: System, undecided: Sequence[Finding]) -> None:
    """End the hold. Raises InvalidEvent (`restore-undecided`) while something needs a word."""
    with ledger.write() as transaction:
        is_held = restorations.pending(transaction) is not None
        if is_held and undecided:
            first = ", ".join(one.article or one.place for one in undecided[:5])
            more = f" and {len(undecided) - 5} more" if len(undecided) > 5 else ""
            hint = "publish or withdraw them, or say with `citewire restore --accept` that the backup counts"
            raise InvalidEvent(f"undecided: {first}{more}", code="restore-undecided", hint=hint)
        at = ledger_now(ledger, system)
        restorations.end(transaction, now=at)
        if is_held:
            acts.record(transaction, act_of("restore --resume", at), "restore", "went-on")
    output.line("the system goes on" if is_held else "nothing was held")


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
