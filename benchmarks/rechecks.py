"""Rechecking a large number of references: memory, time and requests, with a real ledger and real HTTP.

    python -m benchmarks.rechecks [--references 100000]

A stand-in for PubMed that knows every PMID runs as a separate process. A SQLite ledger contains articles that cite the
papers. Every reference is fetched, and then rechecked as by `citewire references --recheck`. The stage of a pipeline
worker runs in this process, with everything loaded that such a worker loads. Halfway, some papers are retracted.

Asserts that the process never reaches 200 MB; that it grows by less than 20 MB after the first tenth; that every
request is a full batch; and that exactly the retracted papers are recorded, and exactly the articles citing them are
due for rendering. At three requests per second that takes six minutes. The baseline is parsing the same answers from
memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import logging
import os
import resource
import tempfile
import time
from pathlib import Path

import psutil
import requests
import structlog

from benchmarks.processes import end_on_signals, ready, started
from config import load
from pipeline.ledger import articles, evidence
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.evidence import changes as evidence_changes
from pipeline.model.article import CitedWork
from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from pipeline.stages.context import LEASE, Context, NoDoorbell
from pipeline.stages.enrich import Enrich, watch
from pipeline.stages.stage import drain
from workers.wiring import build_context

_EACH = 100  # references of one article
_MOST, _GROWTH = 200, 20  # MB
_RETRACTED = ("101", "50050")


def main() -> None:
    end_on_signals()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rechecks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--references", type=int, default=100_000)
    number: int = parser.parse_args().references
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as folder:
        log = Path(folder, "log")
        arguments = ("--port", "0", "--invent")
        with started("standins.eutils", *arguments, environment=os.environ, log=log) as standin:
            _measure(Path(folder), ready(standin, within=20, log=log), number)


def _measure(folder: Path, pubmed: str, number: int) -> None:
    context = _context(folder, pubmed)
    _cite(context, number)
    first = _rounds(context, number, "fetched first")
    for pmid in _retracted(number):
        order = {"pmid": pmid, "notice": "999"}
        requests.post(pubmed.replace("entrez/eutils/", "standin/retract"), json=order, timeout=20).raise_for_status()
    _settle(context)
    assert watch.recheck(context.ledger, now=context.clock()) == number
    again = _rounds(context, number, "looked at again")
    _only_theirs(context, number)
    floor = _floor(pubmed, number)
    print(
        f"parsing alone   {floor:7.1f} s: fetching is {first / floor:.1f} times that, looking again {again / floor:.1f}"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak            {peak:7.0f} MB")
    assert peak < _MOST, f"{peak:.0f} MB"
    context.ledger.close()


def _context(folder: Path, pubmed: str) -> Context:
    """Return a worker's context, with NCBI's rate limit, in which batches do not wait to be filled."""
    site = folder / "site.toml"
    site.write_text(f'pubmed_url = "{pubmed}"\negress_allow = ["127.0.0.0/8"]\n')
    context = build_context(load({}, file=site, data=folder / "data"), NoDoorbell())
    policy = dataclasses.replace(context.policy, gather_quiet=0.0, gather_longest=0.0)
    return dataclasses.replace(context, policy=policy)


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


def _rounds(context: Context, number: int, what: str) -> float:
    """Return the seconds until nothing is due, and check that the process does not grow."""
    own, sizes, began, batches = psutil.Process(), [], time.perf_counter(), 0
    one = dataclasses.replace(context, policy=dataclasses.replace(context.policy, drain_seconds=0.0))
    while drain(one, Enrich()):
        batches += 1
        sizes.append(own.memory_info().rss / 1e6)
    took = time.perf_counter() - began
    early = max(sizes[: max(len(sizes) // 10, 1)])
    print(
        f"{what:15} {took:7.1f} s: {number} references in {batches} requests, "
        f"{early:.0f} MB after a tenth of the way, {max(sizes):.0f} MB at most"
    )
    assert batches == -(-number // context.policy.pubmed_batch), batches
    assert max(sizes) - early < _GROWTH, sizes[:: max(len(sizes) // 20, 1)]
    return took


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


def _only_theirs(context: Context, number: int) -> None:
    retracted = _retracted(number)
    with context.ledger.write() as transaction:
        due = articles.claim_due(transaction, token=context.new_id(LEASE), now=_later(context), seconds=60, limit=500)
        noted = evidence_changes.newest(transaction, limit=50)
    assert sorted(due) == sorted(f"article-{(int(pmid) - 1) // _EACH * _EACH + 1}" for pmid in retracted), due
    assert sorted(one.pmid for one in noted) == sorted(retracted)
    print(f"retracted meanwhile: {', '.join(retracted)}; due to be rendered: {', '.join(sorted(due))}")


def _retracted(number: int) -> list[str]:
    return [pmid for pmid in _RETRACTED if int(pmid) <= number]


def _later(context: Context) -> dt.datetime:
    return context.clock() + dt.timedelta(minutes=1)


def _floor(pubmed: str, number: int) -> float:
    """Return the seconds that it takes to parse all batches."""
    ids = ",".join(str(pmid) for pmid in range(1, 201))
    order = {"db": "pubmed", "retmode": "xml", "id": ids}
    body = requests.post(f"{pubmed}efetch.fcgi", data=order, timeout=20).content
    began = time.perf_counter()
    for _ in range(10):
        parse_pubmed(body)
    return (time.perf_counter() - began) / 10 * number / 200


if __name__ == "__main__":
    main()
