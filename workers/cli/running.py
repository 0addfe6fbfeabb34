"""Tell everyone that an operation is still being carried out, or that its command was stopped midway."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from pipeline.errors import TransientError
from pipeline.ledger import operations
from pipeline.ledger.operations import Operation
from pipeline.stages.accept import Intake

_EVERY = operations.ALIVE.total_seconds() / 5  # seconds between signs of life


@contextlib.contextmanager
def carried_out(intake: Intake, operation: Operation) -> Iterator[None]:
    """Record an operation that spans several transactions: its begin, signs of life, and its end or interruption."""
    with intake.ledger.write() as transaction:
        operations.begin(transaction, operation)
    stop = threading.Event()
    signs = threading.Thread(target=_give_signs, args=(intake, operation.id, stop), name="signs of life", daemon=True)
    signs.start()
    try:
        yield
    except BaseException:
        _halt(signs, stop)
        with contextlib.suppress(TransientError), intake.ledger.write() as transaction:
            operations.interrupt(transaction, operation.id, intake.clock())
        raise
    _halt(signs, stop)
    with intake.ledger.write() as transaction:
        operations.end(transaction, operation.id, intake.clock())


def _halt(signs: threading.Thread, stop: threading.Event) -> None:
    stop.set()
    signs.join()


def _give_signs(intake: Intake, operation_id: str, stop: threading.Event) -> None:
    """Give signs of life until told to stop. One that the ledger does not take is followed by the next."""
    while not stop.wait(_EVERY):
        with contextlib.suppress(TransientError), intake.ledger.write() as transaction:
            operations.sign(transaction, operation_id, intake.clock())
