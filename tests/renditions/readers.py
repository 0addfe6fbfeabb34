"""Real feed readers, each told of a document as a file, giving back what they understood."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from calendar import timegm
from contextlib import closing
from pathlib import Path
from time import struct_time
from typing import Any

import feedparser  # type: ignore[import-untyped]
import feedparser_sgmllib
import reader
from judges.presence import program

# `reader` imports a module that left Python with its third version; feedparser ships it under a name of its own.
sys.modules.setdefault("sgmllib", feedparser_sgmllib)


def feedparser_feed(body: bytes) -> Any:
    """The feed as feedparser understands it, without a complaint."""
    feed = feedparser.parse(body)
    assert not feed.bozo, feed.bozo_exception
    return feed


def seconds(date: struct_time) -> int:
    """A date of feedparser's, in seconds since 1970."""
    return timegm(date)


def reader_entries(directory: Path, name: str, body: bytes) -> list[reader.Entry]:
    """The entries as the library `reader` stores them. Raises where it cannot read the document."""
    (directory / name).write_bytes(body)
    with closing(reader.make_reader(":memory:", feed_root=str(directory))) as library:
        library.add_feed(name)
        library.update_feed(name)
        return list(library.get_entries())


def newsboat_rows(directory: Path, name: str, body: bytes) -> list[dict[str, str]]:
    """The items as newsboat stores them: guid, title, author, url, content, pubDate (seconds since 1970)."""
    newsboat = program("newsboat", mend="apt-get install newsboat")
    (directory / name).write_bytes(body)
    (directory / "urls").write_text(f"file://{directory / name}\n")
    cache = directory / "cache.db"
    arguments = ["-u", str(directory / "urls"), "-c", str(cache), "-C", "/dev/null", "-x", "reload", "print-unread"]
    home = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([newsboat, *arguments], env=home, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return _rows(cache)


def _rows(cache: Path) -> list[dict[str, str]]:
    with closing(sqlite3.connect(cache)) as db:
        db.row_factory = sqlite3.Row
        columns = "guid, title, author, url, content, pubDate"
        return [dict(row) for row in db.execute(f"SELECT {columns} FROM rss_item ORDER BY id")]
