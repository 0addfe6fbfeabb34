"""Accept events from a command: where they come from, what accepting needs, and the operation that they belong to."""

from __future__ import annotations

import functools
import secrets
import sys
from typing import Literal

from pipeline.errors import ConfigError
from pipeline.ledger import Ledger
from pipeline.ledger.operations import Kind, Operation
from pipeline.model.event import Origin
from pipeline.stages.accept import Intake
from pipeline.stages.context import Doorbell, NoDoorbell
from workers.bells import HandedOver
from workers.cli.common import System, ledger_now, log_to_stderr, new_id
from workers.cli.files import is_gone

SOURCE = "urn:citewire:command-line"


def intake_of(ledger: Ledger, system: System) -> Intake:
    """Return what accepting needs. What it logs goes to standard error."""
    if "structlog" in sys.modules:  # of what has been imported for the command, something logs
        log_to_stderr()
    return Intake(
        ledger=ledger,
        doorbell=_doorbell(system),
        clock=lambda: ledger_now(ledger, system),
        new_id=new_id,
        evidence_wait=system.known.evidence_wait,
        gone=is_gone,
        warn=_warn,
    )


def _warn(event: str, **facts: object) -> None:
    log_to_stderr()
    import structlog

    structlog.get_logger().warning(event, **facts)


def _doorbell(system: System) -> Doorbell:
    """Return the doorbell of a running worker if there is any, or else one of our own."""
    url, bells = system.redis_url, system.running.bells if system.running else None
    own = _LateDoorbell(url) if url else NoDoorbell()
    return HandedOver(bells, own) if bells else own


class _LateDoorbell:
    """A doorbell that is made when it is first rung: it takes Celery, and what it tells of is in the ledger by then."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ring(self, stage: str, key: str = "", *, urgent: bool = False) -> None:
        self._made.ring(stage, key, urgent=urgent)

    @functools.cached_property
    def _made(self) -> Doorbell:
        log_to_stderr()
        from workers import celery
        from workers.doorbell import CeleryDoorbell

        try:
            celery.use(self._url)
        except ConfigError as error:  # what it would tell of is accepted: the sweep finds it
            _warn("doorbell out of order", code=error.code, error=str(error))
            return NoDoorbell()
        return CeleryDoorbell(celery.app, self._url)


def origin() -> Origin:
    """Return the origin of a command's events.

    Commands write to the ledger themselves, so the order of their transactions is the order of their events.
    """
    return Origin(source=SOURCE, id=secrets.token_hex(12))


def operation_of(intake: Intake, command: Literal["publish", "watch", "withdraw"]) -> Operation:
    kind: Kind = "withdraw" if command == "withdraw" else "publish"
    return Operation(intake.new_id("op_"), kind, f"citewire {command}", intake.clock())
