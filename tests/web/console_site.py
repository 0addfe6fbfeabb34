"""A site with something to see on every page of the console, and a real server for browsers in front of it."""

from __future__ import annotations

import atexit
import contextlib
import copy
import datetime as dt
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uvicorn
from bench import Bells, Receiver
from msgspec import structs
from served import SITE, Served, served

from pipeline.errors import PermanentError
from pipeline.feeds.user_agents import OTHERS
from pipeline.ledger import bulk, passkeys, tokens, uploads
from pipeline.ledger.bulk import Bulk, Chosen
from pipeline.ledger.deliveries import channels
from pipeline.ledger.feeds import readers
from pipeline.ledger.feeds.readers import Fetched
from pipeline.ledger.uploads import Upload, UploadedFile
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.reference import Notice, Reference
from pipeline.stages.context import Context
from pipeline.stages.enrich import watch
from pipeline.store import RenditionStore

NOTICE = Notice("retracted", "J Ex. 2026;1:1", "999")
HOSTILE = "<script>alert(1)</script> \u202eevil \U0001f9ec & <b>bold</b>"
SETTINGS = (
    SITE
    + """
[[channels]]
id = "archive"
type = "webhook"
format = "json-ld"
url = "https://archive.example.org/in"
secret = "env:ARCHIVE_SECRET"
"""
).replace('secret = "env:PARTNER_SECRET"', 'secret = "env:PARTNER_SECRET"\nevidence = "hold"')
PASSKEYS = '\n[web.passkeys]\nconsole_url = "https://desk.example.org"\n'
MARKDOWN = """---
id: {id}
title: {title!r}
topics: ["{topic}"]
references: ["{pmid}"]
---
Rest, and ask your doctor when it does not get better.

## What helps

Warmth, and slow movements.
"""
Fill = Callable[[Served], None]
TITLES = {
    "baclofen-for-spasticity": "Baclofen for spasticity: what it does, and what it does not",
    "statins-and-muscle-pain": "Do statins cause muscle pain?",
    "hostile": HOSTILE,
    "sleep-in-old-age": "Sleep in old age",
    "arabic": "هل الأسبرين آمن للقلب؟",
    "a-very-long-name-that-somebody-gave-to-an-article-about-antibiotics": "Antibiotics " * 20,
}


@dataclass
class Picky(Receiver):
    """Refuses each of these articles with its words, and takes all others."""

    says: dict[str, str] = field(default_factory=dict)

    def deliver(self, parcel: Parcel) -> Receipt:
        if parcel.article_id in self.says:
            raise PermanentError(self.says[parcel.article_id], status=422)
        return super().deliver(parcel)


@contextlib.contextmanager
def console_site(
    folder: Path, more: str = "", database: str | None = None, also: Sequence[str] = ()
) -> Iterator[Served]:
    """A served site whose channels give up at the first refusal. Nothing is published yet. `more`: of its settings.

    `also`: formats beside those that its channels need, such as those of feeds.
    """
    formats = ("html", "amp", "json-ld", "ninjs", *also)
    with served(folder, SETTINGS + more, formats=formats, database=database, changed=_picky) as site:
        receiver = site.context.channels["partner"].open()
        assert isinstance(receiver, Picky)
        site.receiver = receiver
        yield site


def _picky(context: Context) -> Context:
    receivers = {name: Picky() for name in context.channels}
    plans = {name: replace(plan, open=lambda name=name: receivers[name]) for name, plan in context.channels.items()}
    return replace(context, policy=replace(context.policy, refused_retries=()), channels=plans)


@dataclass(frozen=True)
class Filled:
    """What `fill` left in the first site that it filled so, from which it fills the others."""

    ledger: sqlite3.Connection
    files: dict[Path, bytes]  # of the store
    receivers: dict[str, dict[str, Any]]
    papers: dict[str, Reference]
    now: dt.datetime
    rung: list[tuple[str, str]]
    event: str
    next_event: int
    next_id: int


_FILLED: dict[Fill, Filled] = {}  # in this process


def fill(site: Served, how: Fill | None = None) -> None:
    """Have something of everything: dead letters, a held article, a paused channel, a withdrawn article. Or fill it so.

    The first site works for it, which takes a second or more, and the others get a copy.
    """
    how = how or _fill
    if how in _FILLED:
        _copy(_FILLED[how], site)
    else:
        how(site)
        _FILLED[how] = _filled(site)


def _filled(site: Served) -> Filled:
    ledger = sqlite3.connect(":memory:", check_same_thread=False)
    atexit.register(ledger.close)
    with contextlib.closing(_database(site)) as source:
        source.backup(ledger)
    folder = _folder(site)
    return Filled(
        ledger,
        {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()},
        {name: _attributes(plan.open()) for name, plan in site.context.channels.items()},
        dict(site.pubmed.papers),
        site.clock.now,
        list(_bells(site).rung),
        site.event,
        next(site.counter),
        int(site.context.new_id("")),
    )


def _copy(filled: Filled, site: Served) -> None:
    with contextlib.closing(_database(site)) as target:
        filled.ledger.backup(target)
    for name, body in filled.files.items():
        file = _folder(site) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    for name, plan in site.context.channels.items():
        vars(plan.open()).update({key: copy.copy(value) for key, value in filled.receivers[name].items()})
    site.pubmed.papers = dict(filled.papers)
    site.clock.now, site.event = filled.now, filled.event
    _bells(site).rung[:] = filled.rung
    while next(site.counter) < filled.next_event:
        pass
    while int(site.context.new_id("")) < filled.next_id:
        pass


def _attributes(receiver: object) -> dict[str, Any]:
    return {key: copy.copy(value) for key, value in vars(receiver).items()}


def _database(site: Served) -> sqlite3.Connection:
    return sqlite3.connect(str(site.context.ledger.url.database))


def _folder(site: Served) -> Path:
    store = site.context.store
    assert isinstance(store, RenditionStore) and store._folder
    return store._folder


def _bells(site: Served) -> Bells:
    assert isinstance(site.context.doorbell, Bells)
    return site.context.doorbell


def _fill(site: Served) -> None:
    assert isinstance(site.receiver, Picky)
    site.receiver.says = {
        "hostile": "no category for 'hostile'",
        "arabic": "no category for 'arabic'",
        "sleep-in-old-age": "the body is larger than 65536 bytes",
    }
    for number, (name, title) in enumerate(TITLES.items()):
        pmid = "1" if name == "baclofen-for-spasticity" else "2"
        site.publish(MARKDOWN.format(id=name, title=title.strip(), topic="pain", pmid=pmid), name=name)
        site.clock.pass_(60 * number)
        site.work()
    site.withdraw("statins-and-muscle-pain", "A dose was wrong.")
    site.work()
    retract(site, "1")
    with site.context.ledger.write() as transaction:
        channels.pause(transaction, "archive", reason="its owner moves to another host", now=site.clock())
    site.clock.now += dt.timedelta(days=1)
    with site.context.ledger.write() as transaction:
        waiting = Bulk(operation="op_prepared", action="withdraw", by="of root", seen=site.clock(), count=2)
        bulk.prepare(transaction, waiting, [Chosen("hostile", 1), Chosen("arabic", 1)])
        mine = Upload(id="upl_prepared", by="of root", at=site.clock(), take_over=True)
        uploads.keep(transaction, mine, list(_files()))
        fetched = {("NewsBlur Feed Fetcher", "rss"): Fetched(1_204, 16_000), ("(browser)", "atom"): Fetched(2)}
        readers.add(transaction, {"latest": fetched}, day=site.clock().date(), others=OTHERS)


def _files() -> Iterator[UploadedFile]:
    """Yield files with something of everything: a change, a new article, a hostile name, mistakes."""
    sleep = MARKDOWN.format(id="sleep-in-old-age", title="Sleep in young age", topic="pain", pmid="1")
    yield UploadedFile("sleep-in-old-age.md", sleep.replace("Warmth", "Cold").encode())
    new = MARKDOWN.format(id="naps", title=HOSTILE, topic="unheard-of", pmid="77")
    yield UploadedFile(HOSTILE + ".md", new.encode())
    yield UploadedFile("wrong.md", b"---\nid: Not An Id\nembargo: never\n---\nRest.\n")


def add_passkeys(site: Served) -> None:
    """Have the holder of the token `root` and somebody who was invited have a passkey each, and another be invited."""
    now = site.clock()
    with site.context.ledger.write() as transaction:
        for handle, token, name in (("one", tokens.hash_of("root"), "of root"), ("two", None, HOSTILE)):
            person = passkeys.add_person(transaction, handle, name=name, role="admin", token=token, now=now)
            passkeys.add(transaction, handle, person=person.handle, name="Laptop", key=b"key", counter=0, now=now)
            passkeys.put_codes(transaction, person.handle, [f"code of {handle}"])


def retract(site: Served, pmid: str) -> None:
    """Have PubMed say that a paper was retracted, and have that noticed."""
    site.pubmed.papers[pmid] = structs.replace(site.pubmed.papers[pmid], editorial=("retracted",), notices=(NOTICE,))
    watch.recheck(site.context.ledger, now=site.clock())
    for _ in range(3):
        site.clock.pass_(1)
        site.work()


@contextlib.contextmanager
def serving(site: Served) -> Iterator[str]:
    """Serve the site on this machine; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(site.app, log_config=None, lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            site.app.state.stop()
            server.should_exit = True
            thread.join()
