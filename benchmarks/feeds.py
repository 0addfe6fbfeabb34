"""The cost of updating the feeds for one new article, with few and with many existing articles.

python -m benchmarks.feeds [--few N] [--many N] [--rounds N]

Two ledgers are filled with rows as if everything had been built. Then articles are published in both in turn, and
the feed and the sitemap are built: five documents, each compressed twice. The ratio of the medians must be under 1.5.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import sqlalchemy as sa
import structlog

from benchmarks.figures import table
from pipeline.errors import TransientError
from pipeline.ledger import Ledger, tables
from pipeline.model.article import Article, Paragraph, Section, Text
from pipeline.model.event import Origin, Publish
from pipeline.model.reference import CitedReference
from pipeline.model.rendition import digest_of
from pipeline.model.site import Feed, Site
from pipeline.references.pubmed.eutils import Fetched
from pipeline.renditions import formats
from pipeline.stages.accept import Intake, accept
from pipeline.stages.context import Context, NoDoorbell, Policy
from pipeline.stages.feeds import Feeds
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from pipeline.store import RenditionStore
from workers.wiring import new_id

LIMIT = 1.5
FEED = Feed(id="latest", title="Latest")
SITE = Site(title="Notes", url="https://notes.example.org", publisher="Example Health", disclaimer="Ask your doctor.")
START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_TEXT = "Stretching each day helps most people; ask for a physiotherapist who knows the condition. " * 4


class _NoPubMed:
    def fetch(self, pmids: object) -> Fetched:
        raise TransientError("no article has references", code="connection-failed")


@dataclass
class _Place:
    """A ledger with a number of existing articles."""

    size: int
    context: Context
    now: dt.datetime
    feeds: list[float]
    whole: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeds", description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as folder:
        text, ratio = report(Path(folder), arguments.few, arguments.many, arguments.rounds)
    print(text)
    assert ratio < LIMIT, f"one publish takes {ratio:.2f} times as long with {arguments.many:,} articles behind it"


def report(folder: Path, few: int, many: int, rounds: int) -> tuple[str, float]:
    """Return a table, and the ratio of the feeds' time with many articles to that with few."""
    places = [_place(folder, size) for size in (few, many)]
    for number in range(rounds + 3):
        for place in places:
            _publish(place, number, counted=number >= 3)
    rows = [
        (
            f"{place.size:,}",
            f"{statistics.median(place.feeds) * 1000:.1f}",
            f"{statistics.median(place.whole) * 1000:.1f}",
        )
        for place in places
    ]
    for place in places:
        place.context.ledger.close()
    ratio = statistics.median(places[1].feeds) / statistics.median(places[0].feeds)
    columns = ("existing articles", "ms to build the feed and the sitemap", "ms for the whole publish")
    return f"{table(columns, rows)}\n\nfeeds, many over few: {ratio:.2f} (limit {LIMIT})", ratio


def _milliseconds(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.1f}"


def _publish(place: _Place, number: int, *, counted: bool) -> None:
    """Take one new article through accept, render and feeds, with nothing else running."""
    place.now += dt.timedelta(seconds=60)
    context = place.context
    article = _article(f"new-{number:05}", place.now)
    started = time.perf_counter()
    intake = Intake(context.ledger, context.doorbell, context.clock, new_id, 0.0)
    accept(intake, Publish(Origin(source="urn:benchmark", id=article.id), article))
    drain(context, Render())
    building = time.perf_counter()
    built = drain(context, Feeds())
    ended = time.perf_counter()
    if counted:
        assert built == 2, built  # the feed and the sitemap, once
        place.feeds.append(ended - building)
        place.whole.append(ended - started)


def _article(id: str, at: dt.datetime) -> Article:
    sections = tuple(Section(f"Part {n}", f"part-{n}", (Paragraph((Text(_TEXT),)),)) for n in range(4))
    return Article(id=id, title=f"About {id}", answer="Rest and stretch.", sections=sections, published=at)


def _place(folder: Path, size: int) -> _Place:
    own = folder / str(size)
    own.mkdir()
    ledger = Ledger(f"sqlite:///{own / 'ledger.sqlite'}")
    ledger.migrate()
    place = _Place(size, None, START + dt.timedelta(minutes=size), [], [])  # type: ignore[arg-type]  # set below
    place.context = Context(
        ledger=ledger,
        store=RenditionStore.at(own / "renditions"),
        doorbell=NoDoorbell(),
        pubmed=_NoPubMed(),
        site=SITE,
        formats=formats(),
        channels={},
        feeds={FEED.id: FEED},
        new_id=new_id,
        random=lambda: 0.5,
        policy=Policy(evidence_wait=0.0),
        clock=lambda: place.now,
    )
    _fill(ledger, size)
    _publish(place, 99_999, counted=False)  # the first build adds every article …
    with ledger.write() as transaction:  # … and its pages count as built: that is paid once, when a site is imported
        transaction.execute(sa.update(tables.feed_pages).values(stale=0))
    place.now += dt.timedelta(seconds=60)
    drain(place.context, Feeds())
    return place


def _fill(ledger: Ledger, size: int) -> None:
    evidence = msgspec.json.encode(tuple[CitedReference, ...]())
    for start in range(0, size, 5000):
        rows = list(_rows(range(start, min(start + 5000, size)), evidence))
        with ledger.write() as transaction:
            for position, name in enumerate(("contents", "articles", "revisions", "topics")):
                transaction.execute(sa.insert(getattr(tables, name)), [row[position] for row in rows])


def _rows(numbers: range, evidence: bytes) -> Iterator[tuple[dict[str, object], ...]]:
    for number in numbers:
        at = START + dt.timedelta(minutes=number)
        article = _article(f"article-{number:07}", at)
        body = msgspec.json.encode(article)
        digest = digest_of(body)
        standing = {"state": "live", "revision": 1, "rendered": 1, "title": article.title, "language": "en"}
        yield (
            {"digest": digest, "article": body},
            {"id": article.id, "published": at, "updated": at, "attempts": 0} | standing,
            {"article": article.id, "number": 1, "event": "published", "content": digest, "at": at, "updated": at}
            | {"evidence": evidence},
            {"article": article.id, "topic": f"topic-{number % 50}"},
        )


if __name__ == "__main__":
    main()
