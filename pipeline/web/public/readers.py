"""Count who fetches the feeds, in memory; what was counted is written to the ledger now and then (ADR 0070)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping

from pipeline.feeds.user_agents import LONGEST, OTHERS, reader_of
from pipeline.ledger.feeds import readers
from pipeline.ledger.feeds.readers import PLACES, Fetched, Fetcher
from pipeline.stages.context import Context

_read = functools.lru_cache(512)(reader_of)  # of at most LONGEST characters each


class FeedReaders:
    """Counts of the requests since the last `write`. Safe to share between threads.

    They take a bounded amount of memory: each feed has `PLACES` places for names that are new since then, beside the
    places of those that the ledger knows.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._counted: dict[str, dict[Fetcher, Fetched]] = {}
        self._known: Mapping[str, frozenset[Fetcher]] = {}

    def count(self, feed: str, format: str, user_agent: str | None) -> None:
        """Count a request for a feed of the settings, in one of its formats."""
        reader = _read(user_agent[:LONGEST] if user_agent else None)
        self._add(feed, (reader.name, format), Fetched(1, reader.subscribers))

    def _add(self, feed: str, who: Fetcher, fetched: Fetched) -> None:
        with self._lock:
            of_feed = self._counted.setdefault(feed, {})
            if len(of_feed) >= PLACES and who not in of_feed and who not in self._known.get(feed, ()):
                who, fetched = (OTHERS, who[1]), Fetched(fetched.requests)
            of_feed[who] = of_feed[who] + fetched if who in of_feed else fetched

    def write(self) -> None:
        """Add what was counted to the ledger, in one transaction. What could not be written is counted on.

        Raises TransientError if the ledger does not answer.
        """
        with self._lock:
            counted, self._counted = self._counted, {}
        if not counted:
            return
        day = self._context.clock().date()
        try:
            with self._context.ledger.write() as transaction:
                placed = readers.add(transaction, counted, day=day, others=OTHERS)
        except BaseException:
            for feed, fetched in counted.items():
                for who, one in fetched.items():
                    self._add(feed, who, one)
            raise
        self._known = {**self._known, **placed}
