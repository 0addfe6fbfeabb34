"""A bench for watching the evidence: formats that show the references, channels with policies about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from bench import PLAIN, Bench, article, paper
from msgspec import structs

from pipeline.ledger import Ledger
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.model.reference import EditorialState, Notice, Reference
from pipeline.model.rendition import Format
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.stages.accept.release import Released, release
from pipeline.stages.context import ChannelPlan, Policy
from pipeline.stages.enrich import watch
from pipeline.views import articles as articles_views
from pipeline.views import snapshots as snapshots_views


def _marked(revision: Revision, site: Site) -> bytes:
    shown = []
    for cited in revision.references:
        known = cited.reference
        shown.append(
            f"{cited.work.value}:{cited.state}" + (f":{','.join(known.editorial)}:{known.pages}" if known else "")
        )
    return f"{revision.number}|{revision.updated}|{revision.article.answer}|{' '.join(shown)}".encode()


def _bare(revision: Revision, site: Site) -> bytes:
    return f"{revision.number}|{revision.updated}|{revision.article.answer}".encode()


MARKED = Format("plain", "text/plain", "plain", _marked, PLAIN.tombstone, PLAIN.document)
BARE = Format("bare", "text/plain", "bare", _bare, PLAIN.tombstone)  # shows nothing of what is cited


class Watched(Bench):
    """A bench whose formats show what is cited, and whose channels may ask for something of the evidence."""

    def __init__(
        self,
        ledger: Ledger,
        *channels: str,
        policy: Policy | None = None,
        plans: Mapping[str, Mapping[str, object]] = {},
    ) -> None:
        super().__init__(ledger, *channels, policy=policy or Policy())
        configured = {name: self._with(plan, plans.get(name, {})) for name, plan in self.context.channels.items()}
        self.context = replace(self.context, formats={"plain": MARKED, "bare": BARE}, channels=configured)

    def _with(self, plan: ChannelPlan, more: Mapping[str, object]) -> ChannelPlan:
        return replace(plan, **more)  # type: ignore[arg-type]

    def know(self, *papers: Reference) -> None:
        self.pubmed.papers |= {one.pmid: one for one in papers}

    def turn(self, pmid: str, *editorial: EditorialState) -> None:
        """Give the paper this editorial status at PubMed."""
        published = tuple(Notice(state, "J Ex. 2026;1:1", "999") for state in editorial)
        self.know(structs.replace(self.pubmed.papers[pmid], editorial=editorial, notices=published))

    def recheck(self) -> None:
        watch.recheck(self.ledger, now=self.clock.now)
        self.work_for(2)

    def release(self, article_id: str = "spasms", channel: str | None = None) -> Released:
        done = release(self._intake(), article_id, channel, by="somebody")
        self.work()
        return done

    def status(self, article_id: str = "spasms") -> Any:
        with self.ledger.read() as transaction:
            shape = articles_views.article(transaction, article_id)
        assert shape is not None
        return as_json(shape)

    def shown(self, channel: str | None, at: dt.datetime, article_id: str = "spasms") -> Any:
        with self.ledger.read() as transaction:
            return as_json(snapshots_views.snapshot(transaction, article_id, channel, at))

    def got(self, channel: str = "partner") -> list[tuple[int, str]]:
        return [(one.revision, one.event) for one in self.receivers[channel].got]

    def noted(self) -> list[evidence_changes.RecordedChange]:
        with self.ledger.read() as transaction:
            return evidence_changes.newest(transaction, limit=50)

    def waits_for_night(self) -> None:
        """To the first hour of the next night, and through it."""
        self.clock.now = dt.datetime(2026, 3, 3, 2, tzinfo=dt.UTC)  # Monday, 21:00 Eastern
        self.work_for(8 * 3600, step=600)


def withdrawn_by_a_hold(ledger: Ledger) -> Watched:
    """A bench whose site withdrew its article, because the paper that it cites, "1", was retracted."""
    bench = Watched(ledger, policy=Policy(evidence="hold"))
    bench.know(paper("1"))
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.article().state == "withdrawn"
    return bench


def as_json(shape: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(shape))


def publish(bench: Watched, *pmids: str, id: str = "spasms", **more: object) -> None:
    bench.clock.pass_(2)
    bench.publish(article(id, pmids=pmids, **more))
    bench.work()
