"""Celery's remote control, for looking only: `celery -A workers.celery inspect ping`, `status`, and Flower.

Whoever can write to the queue could otherwise end tasks, consumers and workers. What is looked at is in the answers of
`citewire status` too, but monitoring that a site has for Celery need not learn another form.
"""

from __future__ import annotations

from celery.worker.control import Panel

LOOKING = frozenset(
    {
        "active",
        "active_queues",
        "clock",
        "conf",
        "ping",
        "query_task",
        "registered",
        "report",
        "reserved",
        "revoked",
        "scheduled",
        "stats",
    }
)
REFUSAL = "a worker of Citewire can be looked at, not changed: what it does is in the ledger"


def permit_looking_only() -> None:
    """Have this process refuse every remote command but those that look. Call it before the worker starts."""
    for name, command in Panel.meta.items():
        if name not in LOOKING:
            for called in filter(None, (name, command.alias)):
                Panel.data[called] = _refused


def _refused(_state: object, **_arguments: object) -> dict[str, str]:
    return {"error": REFUSAL}
