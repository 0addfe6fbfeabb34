"""Feeds on a store that is a folder, as web servers find them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from empty_ledger import empty_ledger
from feed_bench import FeedBench

from pipeline.ledger import Ledger
from pipeline.model.site import Feed
from pipeline.store import RenditionStore


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger on SQLite, for what does not depend on the database."""
    ledger = empty_ledger(tmp_path)
    yield ledger
    ledger.close()


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FeedBench, Path]]:
    """Thirteen articles in a feed of five, built; and the store's folder. Nothing may change it."""
    folder = tmp_path_factory.mktemp("stored")
    ledger = empty_ledger(folder)
    bench = FeedBench(ledger, Feed(id="latest", title="Latest", size=5), Feed(id="notes", title="Notes & more"))
    bench.context = dataclasses.replace(bench.context, store=RenditionStore.at(folder / "renditions"))
    bench.publish_many(*range(13))
    bench.build()
    yield bench, folder / "renditions"
    ledger.close()
