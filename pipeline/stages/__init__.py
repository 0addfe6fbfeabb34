"""The stages: what happens to an article, in order.

    accept    an event becomes a revision in the ledger
    enrich    PMIDs become references
    render    a revision becomes renditions
    deliver   each channel is brought to the newest revision
    feeds     each stale feed is rebuilt

Beside them, `prove` checks that what was withdrawn is gone, `hub` pushes rebuilt feeds to their subscribers, `prune`
deletes old rows, and `partners` answers those who ask for changes.

STAGES is the one list of the stages that workers run: the Celery tasks and queues, the sweep and the metrics are made
from it, and docs/add-a-stage.md says how to add to it. Accepting is not among them: it happens while a request waits.
"""

from __future__ import annotations

from pipeline.stages.deliver import Deliver
from pipeline.stages.deliver.prove import Prove
from pipeline.stages.enrich import Enrich
from pipeline.stages.feeds import Feeds
from pipeline.stages.hub import Hub
from pipeline.stages.prune import Prune
from pipeline.stages.render import Render
from pipeline.stages.stage import Stage

STAGES: tuple[Stage, ...] = (Enrich(), Render(), Deliver(), Prove(), Feeds(), Hub(), Prune())
