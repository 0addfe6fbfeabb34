"""The beat: what happens by the clock. What is due by a row's own time is found by the sweep, not from here."""

from __future__ import annotations

from celery.schedules import crontab

SCHEDULE = {
    "prune": {"task": "citewire.prune", "schedule": crontab(minute="17"), "options": {"expires": 3600}},
}
