"""Compiled SQL that all ledgers of a test process share: each test opens a new one, and would compile everything again.

SQLAlchemy caches statements per engine, because an engine's dialect may differ from another's. Those of one database
do not differ here: every ledger is opened in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.ledger import Ledger


class Compiled(dict[tuple[Any, ...], Any]):
    """Statements by the name of their dialect in place of the dialect itself, which is each engine's own."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], statement: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), statement)


def share() -> None:
    """Have each ledger that this process opens from now on use what the former ones have compiled."""
    Ledger.__init__ = _sharing(Ledger.__init__, Compiled())  # type: ignore[method-assign, assignment]


def _sharing(init: Callable[[Ledger, str], None], compiled: Compiled) -> Callable[[Ledger, str], None]:
    def opened(self: Ledger, url: str) -> None:
        init(self, url)
        self._engine.update_execution_options(compiled_cache=compiled)

    return opened
