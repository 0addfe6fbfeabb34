"""Real feed readers, and what they understood of a document."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from calendar import timegm
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from time import struct_time
from typing import Any

import feedparser  # type: ignore[import-untyped]
import feedparser_sgmllib
import reader
from judges.presence import program
from lxml import etree

# `reader` imports a module that left Python with its third version; feedparser ships it under a name of its own.
sys.modules.setdefault("sgmllib", feedparser_sgmllib)


def entry_ids(body: bytes) -> list[str]:
    """The ids of the entries of an RSS or Atom document, by a parser of XML that knows nothing of feeds."""
    root = etree.fromstring(body, etree.XMLParser(huge_tree=True))
    return [str(node.text) for node in root.iterfind(".//{*}entry/{*}id")] + [
        str(node.text) for node in root.iterfind(".//item/guid")
    ]


def feedparser_findings(body: bytes) -> list[str]:
    """What feedparser complains of, or did not find."""
    feed = feedparser.parse(body)
    found = [f"feedparser: {feed.bozo_exception}"] if feed.bozo else []
    ids = [entry.id for entry in feed.entries]
    return found if ids == entry_ids(body) else [*found, f"feedparser found the entries {ids}"]


def feedparser_feed(body: bytes) -> Any:
    """Return the feed as feedparser reads it, without an error."""
    feed = feedparser.parse(body)
    assert not feed.bozo, feed.bozo_exception
    return feed


def seconds(date: struct_time) -> int:
    """A date of feedparser's, in seconds since 1970."""
    return timegm(date)


def reader_entries(directory: Path, documents: Mapping[str, bytes]) -> list[reader.Entry]:
    """The entries as the library `reader` stores them; documents by file name. Raises where it cannot read one."""
    with closing(reader.make_reader(":memory:", feed_root=str(directory))) as library:
        for name, body in documents.items():
            (directory / name).write_bytes(body)
            library.add_feed(name)
            library.update_feed(name)
        return list(library.get_entries())


def newsboat_rows(directory: Path, documents: Mapping[str, bytes]) -> list[dict[str, str]]:
    """The items as newsboat stores them: guid, title, author, url, content, pubDate (seconds since 1970)."""
    newsboat = program("newsboat", hint="apt-get install newsboat")
    for name, body in documents.items():
        (directory / name).write_bytes(body)
    (directory / "urls").write_text("".join(f"file://{directory / name}\n" for name in documents))
    cache = directory / "cache.db"
    arguments = ["-u", str(directory / "urls"), "-c", str(cache), "-C", "/dev/null", "-x", "reload", "print-unread"]
    home = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run([newsboat, *arguments], env=home, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return _rows(cache)


def _rows(cache: Path) -> list[dict[str, str]]:
    with closing(sqlite3.connect(cache)) as db:
        db.row_factory = sqlite3.Row
        query = "SELECT guid, title, author, url, content, pubDate FROM rss_item ORDER BY id"
        return [dict(row) for row in db.execute(query)]
