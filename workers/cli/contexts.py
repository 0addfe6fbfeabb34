"""The context of commands that look at the ledger through it, or do what workers do. What is logged is no answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from workers.cli.common import System, existing_ledger, ledger_now, log_to_stderr

if TYPE_CHECKING:
    from pipeline.ledger import Ledger
    from pipeline.stages.context import Context


@contextmanager
def context_to_look(system: System) -> Iterator[Context]:
    """Yield the context of a command that only looks, by the ledger's time: it needs no secret of the system.

    Raises as `existing_ledger`.
    """
    from workers import wiring

    log_to_stderr()
    with existing_ledger(system) as ledger:
        yield _by_ledger(wiring.context_to_look(system.settings, ledger), ledger, system)


@contextmanager
def context_to_act(system: System) -> Iterator[Context]:
    """Yield the context of a command that does what workers do, by the ledger's time, with what is in force there.

    It rings for nobody: the sweep finds what becomes due. Raises as `existing_ledger`, and ConfigError naming the key
    of a setting that cannot be used.
    """
    from pipeline.stages.context import NoDoorbell
    from workers import wiring

    log_to_stderr()
    with existing_ledger(system):  # it is neither created nor migrated
        context = wiring.build_context(system.settings, NoDoorbell(), take_up=False)
    try:
        yield _by_ledger(context, context.ledger, system)
    finally:
        context.ledger.close()


def _by_ledger(context: Context, ledger: Ledger, system: System) -> Context:
    return replace(context, clock=lambda: ledger_now(ledger, system))
