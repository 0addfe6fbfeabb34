"""What was rendered lately, because several formats and feeds show the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Generic, TypeVar

import msgspec

from pipeline.model.revision import Revision

T = TypeVar("T")


class Kept(Generic[T]):
    """What was used last, by what it depends on. Safe to share between threads."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        """`most`: of the sizes of all together. What is larger than a tenth of it is not kept."""
        self._most = most
        self._size_of = size
        self._size = 0
        self._things: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is under this key, made now unless it is kept. Two threads may both make it."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key][0]
        thing = make()
        size = self._size_of(thing)
        if size <= self._most // 10:
            with self._lock:
                self._put(key, thing, size)
        return thing

    def of(self, revision: Revision, make: Callable[[], T], *others: Hashable) -> T:
        """Return what is made from the revision and from these other values, which are hashable."""
        try:
            digest = sha256(msgspec.json.encode(revision)).digest()
        except UnicodeEncodeError:  # a surrogate alone, which `escape` and `clean` leave out
            return make()
        return self.get((digest, *others), make)

    def _put(self, key: Hashable, thing: T, size: int) -> None:
        _, before = self._things.pop(key, (thing, 0))
        self._size += size - before
        self._things[key] = (thing, size)
        while self._size > self._most:
            _, (_, oldest) = self._things.popitem(last=False)
            self._size -= oldest
