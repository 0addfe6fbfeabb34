"""Which threads of a process may run a stage at once."""

from __future__ import annotations

import threading


class Turns:
    """At most so many turns at a stage, and at each key of it, at the same time. None: as many as are asked for."""

    def __init__(self, most: int | None, most_with_key: int | None) -> None:
        self._most, self._most_with_key = most, most_with_key
        self._taken: list[str] = []  # a key for each turn
        self._lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Begin a turn; return False, without waiting, if no other may begin."""
        with self._lock:
            if self._is_full(len(self._taken), self._most):
                return False
            if self._is_full(self._taken.count(key), self._most_with_key):
                return False
            self._taken.append(key)
            return True

    def give_back(self, key: str) -> None:
        """End a turn that was taken."""
        with self._lock:
            self._taken.remove(key)

    @staticmethod
    def _is_full(taken: int, most: int | None) -> bool:
        return most is not None and taken >= most
