"""The form of a backup: one compressed tar file, which is written whole, verified, and only then given its name.

    citewire-backup.json   its form, when and from what it was made, the digest and size of the ledger
    ledger.sqlite          the ledger
    renditions/HEX         a rendition by its digest, if the store was included
    end                    that nothing is missing

Nothing is unpacked by the names in a file: each member must have a name that is expected, and goes where we say.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from pipeline.errors import ConfigError
from pipeline.ledger.backup import damaged
from pipeline.model.rendition import digest_of

FORM = 1
_HEADER, _LEDGER, _END = "citewire-backup.json", "ledger.sqlite", "end"
_RENDITION = re.compile(r"renditions/([0-9a-f]{64})")
_HEADER_BYTES = 100_000
_RENDITION_BYTES = 100_000_000
_CHUNK = 1 << 20


class Header(Struct, frozen=True, kw_only=True):
    """The first member."""

    form: int
    made: dt.datetime
    release: str
    articles: int
    digest: str  # of the ledger
    bytes: int
    store: str | None  # where the renditions are, if they are not included; without secrets


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside the path, readable by its owner only, which replaces it if all goes well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(path: Path, header: Header, ledger: Path, renditions: Iterable[tuple[str, bytes]]) -> None:
    """Write the archive. `renditions` are digests and bytes."""
    with tarfile.open(path, "w:gz", compresslevel=3) as archive:
        _add(archive, _HEADER, msgspec.json.encode(header))
        archive.add(ledger, arcname=_LEDGER)
        for digest, body in renditions:
            _add(archive, f"renditions/{digest.removeprefix('sha256:')}", body)
        _add(archive, _END, b"")


def read(path: Path, folder: Path | None) -> tuple[Header, Iterator[tuple[str, bytes]]]:
    """Return the header, and the renditions in order. Raises ConfigError `invalid-backup` for whatever is wrong.

    The ledger is written to `folder`, or only verified if that is None. The renditions have to be read to their end.
    """
    steps = _steps(path, folder)
    header = next(steps)
    assert isinstance(header, Header)
    return header, (one for one in steps if isinstance(one, tuple))


def _steps(path: Path, folder: Path | None) -> Iterator[Header | tuple[str, bytes]]:
    try:
        with tarfile.open(path, "r|gz") as archive:
            members = iter(archive)
            header = _header(archive, path, next(members, None))
            _ledger(archive, path, header, next(members, None), folder)
            yield header
            for member in members:
                if member.name == _END:
                    return
                yield _rendition(archive, path, member)
            raise damaged(path, "its end is missing")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise ConfigError(str(error.strerror), file=str(path), code="invalid-backup") from error
        raise damaged(path, f"it cannot be read to its end ({error})") from error


def _header(archive: tarfile.TarFile, path: Path, member: tarfile.TarInfo | None) -> Header:
    if member is None or member.name != _HEADER or not member.isreg() or member.size > _HEADER_BYTES:
        raise damaged(path, "it was not made by `citewire backup`")
    try:
        decoded = msgspec.json.decode(_body(archive, member))
        if not isinstance(decoded, dict) or decoded.get("form") != FORM:
            form = decoded.get("form") if isinstance(decoded, dict) else None
            raise damaged(path, f"its form is {str(form)[:20]}, and this program knows {FORM}")
        return msgspec.convert(decoded, Header)
    except msgspec.MsgspecError as error:
        raise damaged(path, str(error)) from error


def _ledger(
    archive: tarfile.TarFile, path: Path, header: Header, member: tarfile.TarInfo | None, folder: Path | None
) -> None:
    if member is None or member.name != _LEDGER or not member.isreg() or member.size != header.bytes:
        raise damaged(path, "the ledger is not in it, or has another size")
    if folder is not None and shutil.disk_usage(folder).free < member.size * 2:
        raise ConfigError(f"{folder} has too little space: {member.size * 2:,} bytes are needed", code="disk-full")
    source = archive.extractfile(member)
    assert source is not None
    digest = hashlib.sha256()
    with (folder / _LEDGER if folder else Path(os.devnull)).open("wb") as file:
        for chunk in iter(lambda: source.read(_CHUNK), b""):
            digest.update(chunk)
            file.write(chunk)
    if f"sha256:{digest.hexdigest()}" != header.digest:
        raise damaged(path, "the ledger's bytes do not have their digest")


def _rendition(archive: tarfile.TarFile, path: Path, member: tarfile.TarInfo) -> tuple[str, bytes]:
    named = _RENDITION.fullmatch(member.name)
    if named is None or not member.isreg() or member.size > _RENDITION_BYTES:
        raise damaged(path, f"a member that no backup has: {member.name[:80]!r}")
    body = _body(archive, member)
    if digest_of(body) != f"sha256:{named[1]}":
        raise damaged(path, "a rendition's bytes do not have their digest")
    return digest_of(body), body


def _body(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    source: IO[bytes] | None = archive.extractfile(member)
    assert source is not None
    return source.read()


def _add(archive: tarfile.TarFile, name: str, body: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(body), 0o600
    archive.addfile(member, io.BytesIO(body))
