"""Celery's beat as a process of ours. A second one would do no harm: what it starts finds nothing to do."""

from __future__ import annotations

import os

from config import load
from workers import alive, logs
from workers.celery import app
from workers.doorbell import CeleryDoorbell
from workers.schedule import SCHEDULE


def run(name: str | None = None) -> None:
    """Tick until SIGTERM. `name` stands in the signs of life."""
    logs.configure("beat")
    settings = load(os.environ)
    folder = settings.data.absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    alive.show(CeleryDoorbell(app, settings.redis_url or str(app.conf.broker_url)), name or alive.name_of("beat"))
    app.conf.beat_schedule = SCHEDULE
    app.start(["--quiet", "beat", "--loglevel=INFO", f"--schedule={folder / 'beat-schedule'}", "--pidfile="])
