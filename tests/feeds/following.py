"""Feed readers that follow a feed: each polls an address again and again, and keeps what it learns as it would."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import feedparser  # type: ignore[import-untyped]
import reader
import requests
from judges.presence import NODE_MODULES, ROOT, file, program
from waiting import PATIENCE


class Shown(NamedTuple):
    """An entry as its reader shows it."""

    id: str
    text: str
    title: str


Known = list[Shown]  # in any order; a duplicate is there twice


class Follower(Protocol):
    def poll(self) -> None: ...

    def known(self) -> Known: ...


@dataclass
class Feedparser:
    """feedparser with what its documentation asks for: conditional requests, and entries kept by their ids.

    It reads archive pages until it comes to one that it knows (RFC 5005, section 4.2).
    """

    address: str
    etag: str | None = None
    modified: str | None = None
    read: set[str] = field(default_factory=set)
    entries: dict[str, tuple[Any, Shown]] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)

    def poll(self) -> None:
        feed = self._parse(self.address, etag=self.etag, modified=self.modified)
        self.statuses.append(feed.status)
        if feed.status == 304:
            assert not feed.entries
            return
        self.etag, self.modified = feed.etag, feed.modified
        while archive := self._take(feed):
            feed = self._parse(archive)
            self.read.add(archive)

    def known(self) -> Known:
        return [shown for _, shown in self.entries.values()]

    def dates(self) -> dict[str, Any]:
        """By which a program decides that an entry has news."""
        return {id: updated for id, (updated, _) in self.entries.items()}

    def _parse(self, address: str, **conditions: Any) -> Any:
        feed = feedparser.parse(address, **conditions)
        assert not feed.bozo, feed.bozo_exception
        return feed

    def _take(self, feed: Any) -> str | None:
        """Whatever is newer than what is known; the archive page to read next."""
        for entry in feed.entries:
            if entry.id not in self.entries or self.entries[entry.id][0] < entry.updated_parsed:
                self.entries[entry.id] = (entry.updated_parsed, Shown(entry.id, _text(entry), entry.title))
        older = [link.href for link in feed.feed.links if link.rel == "prev-archive"]
        return next((one for one in older if one not in self.read), None)


@dataclass
class Reader:
    """The library `reader`, which asks with conditions by itself, and reads no pages."""

    address: str
    library: reader.Reader = field(default_factory=lambda: reader.make_reader(":memory:"))

    def __post_init__(self) -> None:
        self.library.add_feed(self.address)

    def poll(self) -> None:
        for result in self.library.update_feeds_iter(scheduled=False):  # now, not in an hour
            assert not isinstance(result.value, Exception), result

    def known(self) -> Known:
        return [
            Shown(entry.id, "".join([entry.summary or "", *(each.value for each in entry.content)]), entry.title or "")
            for entry in self.library.get_entries()
        ]

    def mark_all_as_read(self) -> None:
        for entry in self.library.get_entries():
            self.library.mark_entry_as_read(entry)

    def unread(self) -> list[str]:
        return [entry.id for entry in self.library.get_entries(read=False)]


@dataclass
class Newsboat:
    address: str
    folder: Path

    def poll(self) -> None:
        newsboat = program("newsboat", hint="apt-get install newsboat")
        (self.folder / "urls").write_text(f"{self.address}\n")
        arguments = ["-u", f"{self.folder}/urls", "-c", f"{self.folder}/cache.db", "-C", "/dev/null", "-x", "reload"]
        home = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "no_proxy": "127.0.0.1"}
        done = subprocess.run(
            [newsboat, *arguments], env=home, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout

    def known(self) -> Known:
        with closing(sqlite3.connect(self.folder / "cache.db")) as db:
            rows = db.execute("SELECT guid, content, title FROM rss_item")
            return [Shown(str(guid), str(text), str(title)) for guid, text, title in rows]

    def mark_all_as_read(self) -> None:
        with closing(sqlite3.connect(self.folder / "cache.db")) as db:
            db.execute("UPDATE rss_item SET unread = 0")
            db.commit()

    def unread(self) -> list[str]:
        with closing(sqlite3.connect(self.folder / "cache.db")) as db:
            return [str(guid) for (guid,) in db.execute("SELECT guid FROM rss_item WHERE unread = 1")]


@dataclass
class Sfeed:
    """sfeed_update, which merges what it receives with what it has.

    Its default `merge` knows an entry by id, title and link together; `by_id` is by the id alone, the newest first.
    """

    address: str
    folder: Path
    by_id: bool = False

    def poll(self) -> None:
        update = program("sfeed_update", hint="apt-get install sfeed")
        (self.folder / "sfeedrc").write_text(
            f'sfeedpath="{self.folder}/feeds"\nfeeds() {{\n    feed "latest" "{self.address}"\n}}\n'
            + ('merge() {\n    sort -t \'\t\' -s -u -k6,6 "$3" "$2"\n}\n' if self.by_id else "")
        )
        (self.folder / "feeds").mkdir(exist_ok=True)
        done = subprocess.run(
            [update, f"{self.folder}/sfeedrc"], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout

    def known(self) -> Known:
        lines = (self.folder / "feeds" / "latest").read_text().splitlines()
        return [Shown(columns[5], columns[3], columns[1]) for columns in (line.split("\t") for line in lines)]


@dataclass
class Feedsmith:
    """feedsmith in node, with every page: it stores nothing, so each poll must find everything."""

    address: str
    found: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    def poll(self) -> None:
        node = program("node", hint="apt-get install nodejs")
        file(NODE_MODULES / "feedsmith/package.json", hint="npm ci")
        script = ROOT / "tests/feeds/feedsmith_follow.mjs"
        done = subprocess.run(
            [node, script, self.address], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr
        self.found = [tuple(one) for one in json.loads(done.stdout)]

    def known(self) -> Known:
        """The subscription document repeats what the newest page holds; they must agree."""
        return sorted({Shown(id, text, title) for _, id, text, title, _ in self.found})

    def dates(self) -> dict[str, str]:
        return {id: date for _, id, _, _, date in self.found}


def _text(entry: Any) -> str:
    return "".join([entry.summary, *(content.value for content in entry.get("content", []))])


def conditional_poll(address: str, coding: str) -> tuple[int, int]:
    """What a client that honours conditional requests is answered the second time: status, and bytes."""
    first = requests.get(address, headers={"Accept-Encoding": coding}, timeout=PATIENCE)
    conditions = {"If-None-Match": first.headers["ETag"], "If-Modified-Since": first.headers["Last-Modified"]}
    again = requests.get(address, headers={"Accept-Encoding": coding} | conditions, timeout=PATIENCE)
    return again.status_code, len(again.content)
