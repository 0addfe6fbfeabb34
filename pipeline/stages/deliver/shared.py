"""What deliveries of a round that send the same have in common: made for the first of them, and used for the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Shared:
    """Values by what they are made from. Safe to share between threads."""

    def __init__(self) -> None:
        self._places: dict[Hashable, _Place] = {}
        self._lock = threading.Lock()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what was made for the key, or make it. If that raises, the next who asks tries it too."""
        with self._lock:
            place = self._places.setdefault(key, _Place())
        return place.value(make)


class _Place:
    """Room for a value. Whoever comes while it is being made waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[Any, ...] = ()

    def value(self, make: Callable[[], T]) -> T:
        with self._lock:
            if not self._made:
                self._made = (make(),)
            value: T = self._made[0]
            return value
