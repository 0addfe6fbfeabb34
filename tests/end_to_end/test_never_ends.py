"""A format of a plug-in that never ends for one article, in the threads of a real worker."""

from __future__ import annotations

import os
from pathlib import Path

from running import ROOT, article, system
from waiting import until

from standins.eutils import EutilsStandin

PLUGIN = """
from pipeline.model.rendition import Format

def _render(revision, site):
    while revision.article.id == "endless":
        sum(range(1_000))
    return revision.article.title.encode()

FORMAT = Format("looping", "text/plain", "looping", _render, lambda gone, site: b"gone")
"""
MORE = """
[workers]
article_seconds = 4.0

[render]
formats = "all"
"""


def plug_in(folder: Path) -> None:
    """Install a package with a format, as pip does."""
    about = folder / "looping-1.dist-info"
    about.mkdir(parents=True)
    (folder / "looping.py").write_text(PLUGIN)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: looping\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[citewire.formats]\nlooping = looping:FORMAT\n")


def test_an_article_that_never_ends_costs_its_process_and_no_other_article(tmp_path: Path) -> None:
    plug_in(tmp_path / "plugins")
    with EutilsStandin() as pubmed, system(tmp_path, pubmed=pubmed.url, more=MORE, start=False) as running:
        running.environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path / "plugins"), str(ROOT)])
        running.start()
        first = running.child("worker", "pipeline").pid
        assert running.publish(article(tmp_path, "endless"), wait=False).status == 0
        until(lambda: "over budget" in running.log.read_text(), what=running.tail)
        assert running.publish(article(tmp_path, "sleep")).status == 0
        until(lambda: running.child("worker", "pipeline").pid != first, what=running.tail)
        assert running.publish(article(tmp_path, "rest")).status == 0
        assert running.status("endless")["state"] == "live"
        assert not (tmp_path / "out" / "endless.ninjs").exists()
