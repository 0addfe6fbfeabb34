"""What must not be seen, and where it is looked for: every log, page, answer, request and row."""

from __future__ import annotations

import base64
import contextlib
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.store import frames


@dataclass(frozen=True)
class Canary:
    """`may_be`: patterns of the places in which it has to be."""

    name: str
    text: str
    may_be: tuple[str, ...] = ()

    @property
    def forms(self) -> tuple[bytes, ...]:
        """The text, and what it is as base64 or stands for as base64."""
        plain = self.text.removeprefix("whsec_")
        forms = [plain.encode(), base64.b64encode(self.text.encode()).rstrip(b"=")]
        if plain != self.text:
            forms.append(base64.b64decode(plain))
        return tuple(forms)


@dataclass
class Search:
    canaries: tuple[Canary, ...]
    places: int = 0
    size: int = 0

    def at(self, place: str, data: bytes) -> Iterator[str]:
        """Yield what is found in this place and must not be there."""
        self.places += 1
        self.size += len(data)
        for text in (data, *_unpacked(data)):
            for canary in self.canaries:
                if any(form in text for form in canary.forms) and not any(fnmatch(place, one) for one in canary.may_be):
                    yield f"{canary.name} is in {place}"

    def files(self, folder: Path, name: str) -> Iterator[str]:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                with contextlib.suppress(FileNotFoundError):
                    yield from self.at(f"{name}/{path.relative_to(folder)}", path.read_bytes())

    def rows(self, url: str) -> Iterator[str]:
        """Search all tables. A place is `row:TABLE.COLUMN`."""
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
        try:
            with engine.connect() as connection:
                known = sa.MetaData()
                known.reflect(connection)
                for table in known.sorted_tables:
                    columns: dict[str, list[bytes]] = {}
                    for row in connection.execute(sa.select(table)).mappings():
                        for column, value in row.items():
                            columns.setdefault(column, []).append(_bytes(value))
                    for column, values in columns.items():
                        for value in values if any(_unpacked(value) for value in values) else [b"\n".join(values)]:
                            yield from self.at(f"row:{table.name}.{column}", value)
        finally:
            engine.dispose()


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode("utf-8", "surrogatepass")


def _unpacked(data: bytes) -> list[bytes]:
    """Return what the data unpacks to, if it is compressed."""
    with contextlib.suppress(OSError, EOFError, zlib.error, frames.ZstdError):
        if data[:4] == b"\x28\xb5\x2f\xfd":
            return [frames.ZstdDecompressor().decompress(data)]
        if data[:2] == b"\x1f\x8b":
            return [gzip.decompress(data)]
        if data[:1] == b"\x78":
            return [zlib.decompress(data)]
    return []
