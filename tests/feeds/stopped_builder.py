"""Build feeds in a process of its own, which stops itself (SIGSTOP) when it is about to replace its first file."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from every_stage import feeds
from feed_bench import FeedBench

from pipeline.ledger import Ledger
from pipeline.model.site import Feed
from pipeline.stages.stage import drain
from pipeline.store import RenditionStore

FEED = Feed(id="latest", title="Latest", size=2)


class Stopping(RenditionStore):
    """`inside`: stop after the check, while no other process can replace the file; otherwise before it.

    `file`: how the path of the file begins.
    """

    inside = False
    file = ""
    stopped = False

    def put_file(
        self, path: str, body: bytes, modified: dt.datetime, *, check: Callable[[], None] = lambda: None
    ) -> None:
        def stop_once() -> None:
            if not self.stopped and path.startswith(self.file):
                self.stopped = True
                os.kill(os.getpid(), signal.SIGSTOP)

        def checked() -> None:
            check()
            stop_once()

        if not self.inside:
            stop_once()
        super().put_file(path, body, modified, check=checked if self.inside else check)


def main(url: str, folder: str, now: str, inside: str, file: str) -> None:
    bench = FeedBench(Ledger(url), FEED)
    store = Stopping.at(Path(folder))
    assert isinstance(store, Stopping)
    store.inside, store.file = inside == "inside", file
    bench.clock.now = dt.datetime.fromisoformat(now)
    bench.new_id = lambda prefix: f"{prefix}stopped-{os.urandom(4).hex()}"
    bench.context = dataclasses.replace(bench.context, store=store, new_id=bench.new_id)
    drain(bench.context, feeds)
    bench.ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
