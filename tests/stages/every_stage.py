"""An instance of each stage, under its name."""

from __future__ import annotations

from pipeline.stages.deliver import Deliver
from pipeline.stages.deliver.prove import Prove
from pipeline.stages.enrich import Enrich
from pipeline.stages.feeds import Feeds
from pipeline.stages.hub import Hub
from pipeline.stages.render import Render

enrich, render, deliver, prove, feeds, hub = Enrich(), Render(), Deliver(), Prove(), Feeds(), Hub()
