"""A feed file that is written late, by a worker that was stopped or whose write hung, never replaces a newer one."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import obstore
import pytest
import sqlalchemy as sa
from channels.object_stores import s3
from every_stage import feeds, render
from feed_bench import FeedBench, numbered
from listeners import accepted
from msgspec import structs
from obstore.store import MemoryStore, S3Store
from stopped_builder import FEED
from waiting import PATIENCE

from pipeline.feeds.sitemaps import ID as SITEMAP
from pipeline.ledger import Ledger
from pipeline.ledger import feeds as feed_records
from pipeline.ledger.feeds import pages as feed_pages
from pipeline.ledger.tables import feed_documents, feed_page_documents
from pipeline.stages.stage import drain
from pipeline.store import RenditionStore

HERE = Path(__file__).parent
ENDINGS = [f"latest.{extension}{coding}" for extension in ("rss", "atom", "json") for coding in ("", ".gz", ".br")]


def on_store(ledger: Ledger, store: RenditionStore) -> FeedBench:
    """Three articles in a feed of pages of two, built."""
    bench = FeedBench(ledger, FEED)
    bench.context = dataclasses.replace(bench.context, store=store)
    bench.publish_many(1, 2, 3)
    bench.build()
    return bench


def documents(store: RenditionStore) -> dict[str, bytes]:
    """Return every public file of the store, by its path."""
    names = [str(one["path"]) for page in obstore.list(store._store, "public") for one in page]
    found = {name: store.get_file(name) for name in names}
    return {name: got[0] for name, got in found.items() if got is not None}


def in_order(bench: FeedBench, store: RenditionStore) -> None:
    """Every form of every document is what one build alone would have written, without the withdrawn text."""
    seen = documents(store)
    assert {f"public/feeds/{name}" for name in ENDINGS} <= set(seen)
    for name in ("latest.rss", "latest.atom", "latest.json"):
        assert b"Corrected" not in seen[f"public/feeds/{name}"]
        assert b"Withdrawn: About article-003" in seen[f"public/feeds/{name}"]
    assert b"article-003" not in seen["public/sitemaps/1.xml"]
    with bench.ledger.write() as transaction:
        for table in (feed_documents, feed_page_documents):
            transaction.execute(sa.update(table).values(writing=True))
        for feed in (FEED.id, SITEMAP):
            feed_pages.make_stale(transaction, feed)
            feed_records.make_due(transaction, [feed], now=bench.clock.now)
    bench.build()
    # The index of sitemaps says when its files were written.
    index = {f"public/sitemap.xml{coding}" for coding in ("", ".gz", ".br")}
    now = documents(store)
    assert {name for name in seen | now if seen.get(name) != now.get(name)} <= index


# --- a folder, and a worker that is stopped ------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["public/feeds/latest.", "public/sitemaps/"])
@pytest.mark.parametrize("moment", ["before", "inside"])
def test_a_worker_that_was_stopped_does_not_bring_back_what_was_withdrawn(
    ledger: Ledger, tmp_path: Path, moment: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.store.folder._WAIT", 0.2)
    store = RenditionStore.at(tmp_path / "renditions")
    bench = on_store(ledger, store)
    bench.publish(numbered(3, text="Corrected."))
    drain(bench.context, render)
    bench.clock.pass_(10)
    url = ledger._engine.url.render_as_string(hide_password=False)
    path = os.pathsep.join([str(HERE), str(HERE.parent / "stages"), str(HERE.parent), str(HERE.parent.parent)])
    command = [sys.executable, str(HERE / "stopped_builder.py"), url, str(tmp_path / "renditions")]
    child = subprocess.Popen(
        [*command, bench.clock.now.isoformat(), moment, file], env=os.environ | {"PYTHONPATH": path}
    )
    try:
        _, status = os.waitpid(child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        bench.withdraw("article-003")
        for _ in range(3):
            bench.clock.pass_(80)
            bench.build()
        if moment == "before":  # nothing waits for a worker that is stopped without the lock
            assert b"Withdrawn: About article-003" in documents(store)["public/feeds/latest.rss"]
    finally:
        child.send_signal(signal.SIGCONT)
    assert child.wait(PATIENCE) == 0
    for _ in range(3):
        bench.clock.pass_(300)
        bench.build()
    in_order(bench, store)


# --- an object store, and a write that hangs ------------------------------------------------------------------------


class HoldingUp:
    """A proxy in front of a server, which delays the first write of a public file until it is released."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.upstream, self.held, self.let_go = upstream, threading.Event(), threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.let_go.set()
        self._listening.close()

    def _accept(self) -> None:
        for client in accepted(self._listening):
            server = socket.create_connection(self.upstream)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with source:
            while data := self._received(source):
                if data.startswith(b"PUT ") and b"/public/feeds/latest." in data[:300] and not self.held.is_set():
                    self.held.set()
                    self.let_go.wait(PATIENCE)
                target.sendall(data)
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                return

    def _received(self, source: socket.socket) -> bytes:
        try:
            return source.recv(65_536)
        except OSError:
            return b""


def test_a_write_that_hung_for_80_seconds_does_not_bring_back_what_was_withdrawn(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3(tmp_path, monkeypatch)
    host, _, port = str(bucket.settings["endpoint"]).removeprefix("http://").partition(":")
    proxy = HoldingUp((host, int(port)))
    store = RenditionStore(bucket.store)
    name = str(bucket.settings["url"]).removeprefix("s3://").split("/")[0]
    through = S3Store(
        name,
        prefix="partners/a",
        endpoint=f"http://127.0.0.1:{proxy.port}",
        access_key_id="key-id",
        secret_access_key="hush-hush",
        region="us-east-1",
        client_options={"allow_http": True, "timeout": "120s"},
        retry_config={"max_retries": 0},
    )
    bench = on_store(ledger, store)
    bench.publish(numbered(3, text="Corrected."))
    drain(bench.context, render)
    bench.clock.pass_(10)
    hanging = dataclasses.replace(bench.context, store=RenditionStore(through))
    worker = threading.Thread(target=drain, args=(hanging, feeds))
    worker.start()
    try:
        assert proxy.held.wait(PATIENCE)
        bench.clock.pass_(80)
        bench.withdraw("article-003")
        bench.build()
        assert b"Withdrawn: About article-003" in documents(store)["public/feeds/latest.rss"]
    finally:
        proxy.close()
        worker.join(PATIENCE)
    assert not worker.is_alive()
    time.sleep(0.1)
    in_order(bench, store)


def test_a_file_whose_writer_died_is_written_again_even_if_its_bytes_are_as_recorded(
    quick: Ledger, tmp_path: Path
) -> None:
    """The dead worker wrote a newer text, which was then reverted."""
    store = RenditionStore.at(tmp_path / "renditions")
    bench = on_store(quick, store)
    before = documents(store)
    with bench.ledger.write() as transaction:
        feed_records.begin_documents(transaction, FEED.id, ["rss"])
    store.put_file("public/feeds/latest.rss", b"half-way to another state", bench.clock.now)
    with bench.ledger.write() as transaction:
        feed_records.make_due(transaction, [FEED.id], now=bench.clock.now)
    bench.clock.pass_(80)
    bench.build()
    assert documents(store) == before


# --- what is removed late -------------------------------------------------------------------------------------------


class Delayed(RenditionStore):
    """Something happens just before the first removal."""

    before_removal: Callable[[], None] | None = None

    def _now(self) -> None:
        if (step := self.before_removal) is not None:
            self.before_removal = None
            step()

    def drop(self, digest: str, **conditions: Any) -> bool:
        self._now()
        return super().drop(digest, **conditions)

    def remove_file(self, path: str, **conditions: Any) -> None:
        self._now()
        super().remove_file(path, **conditions)


@pytest.fixture(params=["folder", "objects"])
def delayed(request: pytest.FixtureRequest, tmp_path: Path) -> Delayed:
    if request.param == "objects":
        return Delayed(MemoryStore())
    store = Delayed.at(tmp_path / "renditions")
    assert isinstance(store, Delayed)
    return store


def titled(bench: FeedBench, title: str) -> None:
    bench.configure(structs.replace(FEED, title=title))
    with bench.ledger.write() as transaction:
        feed_records.make_due(transaction, [FEED.id], now=bench.clock.now)


def test_a_document_that_a_newer_build_brought_back_is_not_dropped_by_a_late_one(
    quick: Ledger, delayed: Delayed
) -> None:
    """The title goes from A to B to C, whose builder is stopped as it is about to drop A; another builds A again."""
    bench = on_store(quick, delayed)
    for title in ("A", "B"):
        titled(bench, title)
        bench.build()

    def again() -> None:
        bench.clock.pass_(80)
        for title in ("B", "A"):
            titled(bench, title)
            bench.build()

    delayed.before_removal = again
    titled(bench, "C")
    bench.build()
    assert delayed.before_removal is None, "nothing was removed"
    with quick.read() as transaction:
        named = [one.digest for one in feed_records.documents(transaction, FEED.id).values()]
    assert len(named) == 4 and all(delayed.get(digest) is not None for digest in named)


def test_the_files_of_a_feed_that_is_configured_again_are_not_removed_by_a_late_worker(
    quick: Ledger, delayed: Delayed
) -> None:
    bench = on_store(quick, delayed)
    before = documents(delayed)

    def again() -> None:
        bench.clock.pass_(80)
        bench.configure(FEED)
        with quick.write() as transaction:
            feed_records.make_due(transaction, [FEED.id], now=bench.clock.now)
        bench.build()

    delayed.before_removal = again
    bench.configure()
    with quick.write() as transaction:
        feed_records.make_due(transaction, [FEED.id], now=bench.clock.now)
    bench.build()
    assert delayed.before_removal is None, "nothing was removed"
    for _ in range(3):
        bench.clock.pass_(80)
        bench.build()
    assert documents(delayed).keys() == before.keys()


def test_a_worker_that_is_killed_as_it_removes_a_feed_leaves_the_rest_to_the_next(
    quick: Ledger, delayed: Delayed
) -> None:
    bench = on_store(quick, delayed)

    def die() -> None:
        raise KeyboardInterrupt

    delayed.before_removal = die
    bench.configure()
    with quick.write() as transaction:
        feed_records.make_due(transaction, [FEED.id], now=bench.clock.now)
    with pytest.raises(KeyboardInterrupt):
        bench.build()
    bench.clock.pass_(80)
    bench.build()
    assert not [path for path in documents(delayed) if path.startswith("public/feeds/")]
