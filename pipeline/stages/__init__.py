"""The stages: what happens to an article, in order.

    accept    an event becomes a revision in the ledger
    enrich    PMIDs become references
    render    a revision becomes renditions
    deliver   each channel is brought to the newest revision
    feeds     each stale feed is rebuilt

In addition, `prove` checks that withdrawn articles are gone, `hub` pushes rebuilt feeds to their subscribers, `prune`
deletes old rows, and `partners` serves changes to partners that ask for them.

STAGES is the single list of the stages that workers run. The Celery tasks and queues, the sweep and the metrics are
derived from it; see docs/add-a-stage.md. Accepting is not in it, because it happens while a request waits.
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
