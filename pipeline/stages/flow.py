"""The single list of the stages that workers run.

The Celery tasks and queues, the sweep and the metrics are derived from it; see docs/add-a-stage.md. Accepting is not in
it, because it happens while a request waits.
"""

from __future__ import annotations

from pipeline.stages.alerts import Alerts
from pipeline.stages.bulk import Bulk
from pipeline.stages.deliver import Deliver
from pipeline.stages.deliver.prove import Prove
from pipeline.stages.enrich import Enrich
from pipeline.stages.feeds import Feeds
from pipeline.stages.hub import Hub
from pipeline.stages.obligations import Obligations
from pipeline.stages.places.reading import Reconcile
from pipeline.stages.places.stage import Places
from pipeline.stages.prune import Prune
from pipeline.stages.refresh import Refresh
from pipeline.stages.render import Render
from pipeline.stages.sources import Sources
from pipeline.stages.stage import Stage

STAGES: tuple[Stage, ...] = (
    Enrich(),
    Sources(),
    Render(),
    Deliver(),
    Prove(),
    Feeds(),
    Hub(),
    Refresh(),
    Places(),
    Reconcile(),
    Bulk(),
    Alerts(),
    Obligations(),
    Prune(),
)
