"""Texts that were rendered lately, because several formats and feeds show the same one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class Kept:
    """The texts used last, by what they depend on. Safe to share between threads."""

    def __init__(self, most: int) -> None:
        """`most`: characters of all texts together. A text longer than a tenth of it is not kept."""
        self._most = most
        self._size = 0
        self._texts: OrderedDict[Hashable, str] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], str]) -> str:
        """Return the text under this key, made now unless it is kept. Two threads may both make it."""
        with self._lock:
            if key in self._texts:
                self._texts.move_to_end(key)
                return self._texts[key]
        text = make()
        if len(text) <= self._most // 10:
            with self._lock:
                self._put(key, text)
        return text

    def _put(self, key: Hashable, text: str) -> None:
        self._size += len(text) - len(self._texts.pop(key, ""))
        self._texts[key] = text
        while self._size > self._most:
            _, oldest = self._texts.popitem(last=False)
            self._size -= len(oldest)
