"""Rechecking many references at every source: memory, requests and their rate, with a real ledger and HTTP.

    python -m benchmarks.rechecks [--references 100000] [--rows 60000]

Stand-ins for PubMed, Crossref, Europe PMC and Retraction Watch's list (60 MB) run as separate processes. A SQLite
ledger contains articles that cite the papers. Every reference is asked about at every source, and then again, as by
`citewire references --recheck`. The stages of a pipeline worker run in this process, one after the other, with all that
such a worker loads. In between each source retracts one paper.

The clock is driven: a pause that a source's limit demands moves it, and takes no time. What is printed as "site time"
is how long the limits make it last at least. Asserts that the process never reaches 200 MB; that it grows by less than
20 MB after the first tenth; that no source is asked faster than it allows, or more often than full requests need; that
the list is downloaded only when it has changed; and that exactly the retracted papers are recorded, and exactly the
articles citing them are due for rendering.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import ipaddress
import logging
import os
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import requests
import structlog

from benchmarks.driven import DrivenClock, Noted, NotingHttp
from benchmarks.processes import end_on_signals, ready, started
from config import load
from pipeline.http import EgressGuard
from pipeline.ledger import articles, evidence
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.ledger.evidence import checks, rechecks
from pipeline.model.article import CitedWork
from pipeline.references.lists import lists
from pipeline.references.published_list import OpenList
from pipeline.references.pubmed.eutils import Eutils
from pipeline.references.pubmed.service import Service
from pipeline.references.source import Caller, OpenSource
from pipeline.references.sources import sources
from pipeline.stages.context import LEASE, Context, NoDoorbell
from pipeline.stages.enrich import Enrich, watch
from pipeline.stages.sources import Sources
from pipeline.stages.stage import drain
from workers.wiring import build_context

_EACH = 100  # references of one article
_MOST, _GROWTH = 200, 20  # MB
_SHORTEST = 0.1  # seconds that the clock moves when nothing can be asked yet
_WORKING_HOURS = dt.datetime(2026, 3, 3, 14, tzinfo=dt.UTC)  # no nightly check is due for half a day
_SOON = dt.timedelta(hours=1)  # what is due within it belongs to the same round
_APART = {"crossref": 1.0, "europe_pmc": 1.0}  # seconds between two requests at least
_NCBI = 3  # requests in any second at most
NAMES = ("pubmed", "retraction_watch", "crossref", "europe_pmc")


class Site:
    """A worker's context on a driven clock, and the addresses of what it asks."""

    def __init__(self, folder: Path, urls: Mapping[str, str]) -> None:
        self.urls = urls
        self.clock = DrivenClock(_WORKING_HOURS)
        self.http = NotingHttp(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]), self.clock)
        settings = folder / "site.toml"
        settings.write_text(f'pubmed_url = "{urls["pubmed"]}"\negress_allow = ["127.0.0.0/8"]\n')
        plain = build_context(load({}, file=settings, data=folder / "data"), NoDoorbell())
        policy = dataclasses.replace(plain.policy, gather_quiet=0.0, gather_longest=0.0, drain_seconds=0.0)
        self.context = dataclasses.replace(
            plain,
            policy=policy,
            clock=self.clock,
            pause=self.clock.pass_,
            pubmed=self._pubmed(),
            sources={name: self._source(name) for name in ("europe_pmc", "crossref")},
            lists={NAMES[1]: OpenList(lists()[NAMES[1]], self.http, urls[NAMES[1]])},
        )

    def _pubmed(self) -> Eutils:
        service = Service(self.http, self.urls["pubmed"], "citewire", None, None, sleep=self.clock.pass_)
        return Eutils(service, clock=self.clock)

    def _source(self, name: str) -> OpenSource:
        source = sources()[name]
        return OpenSource(source, source.open(self.http, self.urls[name], Caller("citewire", sleep=self.clock.pass_)))

    def noted(self, name: str) -> list[Noted]:
        return self.http.noted[urlsplit(self.urls[name]).netloc]


def main() -> None:
    end_on_signals()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rechecks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--references", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=60_000, help="of Retraction Watch's list, a thousand bytes each")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as folder, ExitStack() as stack:
        log = Path(folder, "log")
        every = (("standins.eutils", "--invent"), ("standins.invented", f"--rows={given.rows}"))
        processes = [stack.enter_context(started(*one, environment=os.environ, log=log)) for one in every]
        pubmed, beside = (ready(process, within=60, log=log) for process in processes)
        crossref, europe_pmc, watch_list = beside.split(",")
        urls = dict(zip(NAMES, (pubmed, watch_list, crossref, europe_pmc), strict=True))
        _measure(Site(Path(folder), urls), given.references)


def _measure(site: Site, number: int) -> None:
    context = site.context
    _cite(context, number)
    _round(site, number, "asked about first")
    _settle(context)
    _recheck(site, number)
    retracted = _retract(site, number)
    _recheck(site, number)
    _round(site, number, "asked about again")
    _only_theirs(context, retracted)
    _list_when_changed(site)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak:.0f} MB")
    assert peak < _MOST, f"{peak:.0f} MB"
    context.ledger.close()


def _cite(context: Context, number: int) -> None:
    now = context.clock()
    for start in range(1, number + 1, _EACH):
        with context.ledger.write() as transaction:
            articles.create(
                transaction,
                ArticleState(
                    id=f"article-{start}",
                    state="live",
                    revision=1,
                    rendered=1,
                    title="An article",
                    language="en",
                    published=now,
                    updated=now,
                    due=None,
                    error=None,
                ),
            )
            works = [CitedWork("pmid", str(pmid)) for pmid in range(start, min(start + _EACH, number + 1))]
            evidence.cite(transaction, f"article-{start}", works, now=now)


def _recheck(site: Site, number: int) -> None:
    """Request a recheck of everything, and have the list asked about at once."""
    assert watch.recheck(site.context.ledger, now=site.clock.now) == number
    drain(site.context, Sources(), "retraction_watch")


def _retract(site: Site, number: int) -> dict[str, str]:
    """Have each source retract a paper that an article of its own cites, and return the papers."""
    retracted = {name: str(number * part // 4 - 7) for part, name in enumerate(NAMES, 1)}
    for name, pmid in retracted.items():
        root = "{0.scheme}://{0.netloc}/standin/retract".format(urlsplit(site.urls[name]))
        requests.post(root, json={"pmid": pmid, "notice": "999"}, timeout=60).raise_for_status()
    return retracted


def _round(site: Site, number: int, what: str) -> None:
    """Have every source asked until nothing is due, and check that the process does not grow."""
    own, sizes, began, site_began = psutil.Process(), [], time.perf_counter(), site.clock.now
    before = {name: len(site.noted(name)) for name in NAMES}
    while True:
        claims = drain(site.context, Enrich()) + sum(drain(site.context, Sources(), name) for name in NAMES[1:])
        if claims:
            sizes.append(own.memory_info().rss / 2**20)
        elif _due_soon(site.context):
            site.clock.pass_(_SHORTEST)
        else:
            break
    took, site_time = time.perf_counter() - began, (site.clock.now - site_began).total_seconds()
    early = max(sizes[: max(len(sizes) // 10, 1)])
    print(
        f"{what}: {number:,} references in {took:.0f} s, {site_time:.0f} s of site time; "
        f"{early:.0f} MB after a tenth of the way, {max(sizes):.0f} MB at most"
    )
    assert max(sizes) - early < _GROWTH, sizes[:: max(len(sizes) // 20, 1)]
    for name, each in (("pubmed", site.context.policy.pubmed_batch), ("crossref", 100), ("europe_pmc", 100)):
        _count(name, site.noted(name)[before[name] :], least=-(-number // each))


def _due_soon(context: Context) -> bool:
    """Return whether any paper is to be asked about in this round."""
    until = context.clock() + _SOON
    with context.ledger.read() as transaction:
        if rechecks.any_due(transaction, now=until, night=False):
            return True
        return any(checks.any_due(transaction, name, now=until) for name in context.sources)


def _count(name: str, noted: Sequence[Noted], *, least: int) -> None:
    times = [one.at.timestamp() for one in noted]
    most = max(sum(start <= one < start + 1.0 for one in times[at : at + 50]) for at, start in enumerate(times))
    print(f"  {name:12} {len(noted):6,} requests, {len(noted) / least:.2f} of the least; {most} in a second at most")
    assert all(one.status == 200 for one in noted)
    if name in _APART:
        assert min((later - one for one, later in pairwise(times)), default=9.0) >= _APART[name] - 1e-3
    else:
        assert most <= _NCBI


def _list_when_changed(site: Site) -> None:
    noted = site.noted("retraction_watch")
    sizes = ", ".join(f"{one.status} with {one.size / 1e6:.0f} MB" for one in noted)
    print(f"  {'list':12} {len(noted):6,} requests: {sizes}")
    assert [one.status for one in noted] == [200, 304, 200]


def _settle(context: Context) -> None:
    """Mark all articles as rendered."""
    with context.ledger.write() as transaction:
        while due := articles.claim_due(
            transaction, token=context.new_id(LEASE), now=_later(context), seconds=60, limit=500
        ):
            for article_id in due:
                current = articles.get(transaction, article_id)
                assert current is not None
                articles.save(transaction, articles.changed(current, due=None))


def _only_theirs(context: Context, retracted: Mapping[str, str]) -> None:
    with context.ledger.write() as transaction:
        due = articles.claim_due(transaction, token=context.new_id(LEASE), now=_later(context), seconds=60, limit=500)
        noted = evidence_changes.newest(transaction, limit=50)
    citing = {f"article-{(int(pmid) - 1) // _EACH * _EACH + 1}" for pmid in retracted.values()}
    assert set(due) == citing, due
    assert sorted(one.pmid for one in noted) == sorted(retracted.values()), noted
    said = ", ".join(f"{pmid} by {name}" for name, pmid in retracted.items())
    print(f"retracted meanwhile: {said}; due to be rendered: {', '.join(sorted(due))}")


def _later(context: Context) -> dt.datetime:
    return context.clock() + dt.timedelta(minutes=1)


if __name__ == "__main__":
    main()
