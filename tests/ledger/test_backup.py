"""Copies of a ledger: made of one moment, checked, and brought into either database. Hostile ones are refused."""

from __future__ import annotations

import datetime as dt
import functools
import gzip
import io
import itertools
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from bench import Bench, article
from empty_ledger import empty_ledger
from own_database import own, server
from sqlalchemy.engine import URL

from pipeline.errors import ConfigError
from pipeline.ledger import Ledger, backup, passkeys, sessions
from pipeline.ledger.tables import metadata
from pipeline.model.rendition import digest_of
from workers import archive
from workers.archive import Header

__all__ = ["own", "server"]


def filled(ledger: Ledger) -> Bench:
    bench = Bench(ledger)
    for name in ("a", "b"):
        bench.publish(article(name, text='Text with "quotes", \u202eRTL and \U0001f9e0.'))
    bench.work()
    bench.withdraw("b")
    bench.work()
    return bench


def rows(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    with ledger.read() as transaction:
        found = {}
        for table in metadata.sorted_tables:
            if table.name not in ("clock", "processes"):
                found[table.name] = sorted(map(tuple, transaction.execute(sa.select(table))), key=repr)
        return found


def test_a_copy_has_every_row_and_keeps_no_writer_waiting(ledger: Ledger, tmp_path: Path) -> None:
    bench = filled(ledger)
    before = rows(ledger)
    with ledger.snapshot() as moment:
        moment.execute(sa.text("SELECT count(*) FROM articles")).scalar()
        bench.publish(article("meanwhile"))
        assert moment.execute(sa.text("SELECT count(*) FROM articles")).scalar() == 2
    bench.withdraw("meanwhile")
    backup.copy_out(ledger, tmp_path / "copy.sqlite")
    assert backup.check_copy(tmp_path / "copy.sqlite") == 3
    copy = Ledger(f"sqlite:///{tmp_path / 'copy.sqlite'}")
    assert rows(copy) == rows(ledger)
    assert rows(copy) != before
    copy.close()


def test_a_copy_is_brought_into_an_empty_postgresql_and_numbers_go_on(tmp_path: Path, own: URL) -> None:
    source = empty_ledger(tmp_path)
    filled(source)
    backup.copy_out(source, tmp_path / "copy.sqlite")
    target = Ledger(own.render_as_string(hide_password=False))
    target.migrate()
    backup.bring_in(tmp_path / "copy.sqlite", target)
    assert rows(target) == rows(source)
    bench = Bench(target)
    bench.events, ids = itertools.count(100), itertools.count(1)
    bench.new_id = lambda prefix: f"{prefix}again{next(ids)}"
    object.__setattr__(bench.context, "new_id", bench.new_id)
    bench.withdraw("a")
    bench.work()  # attempts and holdings get numbers that are free
    target.close()
    source.close()


def test_nobody_is_signed_in_or_invited_after_a_restore(tmp_path: Path) -> None:
    with closing(empty_ledger(tmp_path / "source")) as source, closing(empty_ledger(tmp_path / "target")) as target:
        now = dt.datetime.now(dt.UTC)
        with source.write() as transaction:
            passkeys.ask(transaction, "challenge", now=now)
            passkeys.invite(transaction, "link", name="Eve", role="admin", now=now, expires=now + dt.timedelta(days=7))
            passkeys.add_person(transaction, "handle", name="Ada", role="editor", token=None, now=now)
            sessions.begin(transaction, "cookie", who="token", client="192.0.2.1", now=now)
        backup.copy_out(source, tmp_path / "copy.sqlite")
        backup.bring_in(tmp_path / "copy.sqlite", target)
        asked_of = ("passkey_challenges", "invitations", "passkey_people", "sessions")
        assert [len(rows(source)[name]) for name in asked_of] == [1, 1, 1, 1]
        assert [len(rows(target)[name]) for name in asked_of] == [0, 0, 1, 0]


# --- files that are not what `backup` writes ------------------------------------------------------------------------


@functools.cache
def _copied() -> bytes:
    """The copy of a ledger; made once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        ledger, copy = empty_ledger(Path(folder)), Path(folder, "copy.sqlite")
        filled(ledger)
        backup.copy_out(ledger, copy)
        ledger.close()
        return copy.read_bytes()


def made(tmp_path: Path, **changes: object) -> Path:
    copy, file = tmp_path / "copy.sqlite", tmp_path / "it.backup"
    copy.write_bytes(_copied())
    header = {"form": archive.FORM, "release": "1", "articles": 2, "store": None, "made": dt.datetime.now(dt.UTC)}
    header |= {"digest": digest_of(copy.read_bytes()), "bytes": copy.stat().st_size} | changes
    archive.write(file, msgspec.convert(header, Header), copy, [(digest_of(b"body"), b"body")])
    return file


def read(file: Path, folder: Path | None = None) -> list[tuple[str, bytes]]:
    _, renditions = archive.read(file, folder)
    return list(renditions)


def with_member(file: Path, member: tarfile.TarInfo, body: bytes = b"") -> None:
    """Put a member before the end of the archive."""
    with tarfile.open(file, "r:gz") as old:
        members = [(one, old.extractfile(one).read()) for one in old.getmembers()]  # type: ignore[union-attr]
    with tarfile.open(file, "w:gz") as new:
        for one, its in [*members[:-1], (member, body), members[-1]]:
            new.addfile(one, io.BytesIO(its))


def refused(file: Path) -> str:
    with pytest.raises(ConfigError) as error:
        read(file)
    assert error.value.code == "invalid-backup"
    assert str(file) in str(error.value)
    return str(error.value)


def test_a_backup_is_read_whole(tmp_path: Path) -> None:
    file = made(tmp_path)
    (tmp_path / "there").mkdir()
    assert read(file, tmp_path / "there") == [(digest_of(b"body"), b"body")]
    assert backup.check_copy(tmp_path / "there" / "ledger.sqlite") == 2


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "renditions/../../x", "renditions/" + "0" * 64, "other"])
def test_no_member_goes_where_its_name_says(tmp_path: Path, name: str) -> None:
    file = made(tmp_path)
    member = tarfile.TarInfo(name)
    member.size = 3
    with_member(file, member, b"abc")
    refused(file)
    assert not (tmp_path.parent / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_nothing_but_plain_files_is_taken(tmp_path: Path, kind: bytes) -> None:
    file = made(tmp_path)
    member = tarfile.TarInfo("renditions/" + "1" * 64)
    member.type, member.linkname = kind, "/etc/passwd"
    with_member(file, member)
    refused(file)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.97])
def test_a_truncated_backup_is_refused(tmp_path: Path, share: float) -> None:
    file = made(tmp_path)
    body = file.read_bytes()
    file.write_bytes(body[: int(len(body) * share)])
    refused(file)


def test_another_form_other_bytes_and_what_is_no_backup_are_refused(tmp_path: Path) -> None:
    assert "its form is 99" in refused(made(tmp_path, form=99))
    for body in (b"", b"no backup", gzip.compress(b"no tar"), b"PK\x03\x04" + bytes(1000)):
        (tmp_path / "other").write_bytes(body)
        refused(tmp_path / "other")


def test_a_ledger_without_its_digest_is_refused(tmp_path: Path) -> None:
    assert "digest" in refused(made(tmp_path, digest=digest_of(b"")))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON articles BEGIN DELETE FROM revisions; END",
        "CREATE VIEW v AS SELECT * FROM articles",
        "UPDATE contents SET article = x'7b7d'",
        "UPDATE alembic_version SET version_num = '9999'",
        "DROP TABLE alembic_version",
    ],
)
def test_a_ledger_that_was_tampered_with_is_refused(tmp_path: Path, statement: str) -> None:
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(_copied())
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(statement)
        connection.commit()
    with pytest.raises(ConfigError) as error:
        backup.check_copy(copy)
    assert error.value.code in ("invalid-backup", "ledger-too-new")
