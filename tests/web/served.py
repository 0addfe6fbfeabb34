"""The web server as it is composed in production, with the real formats and a ledger of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from asgi import Answer, send
from bench import START, Bells, Clock, Converter, PubMed, Receiver, paper
from empty_ledger import empty_ledger
from every_stage import deliver, enrich, feeds, render
from fastapi import FastAPI

from config import load
from pipeline.intake import read_article
from pipeline.ledger import tokens
from pipeline.model.article import Article
from pipeline.model.event import Origin, Publish, Withdraw
from pipeline.stages.accept import Intake, accept
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.stage import drain
from pipeline.web.app import create_app
from workers.wiring import build_context

SITE = """
[site]
title = "Notes"
url = "https://notes.example.org"
publisher = "Example Health"

[hub]
enabled = true

[[feeds]]
id = "latest"
title = "Notes: latest"

[[channels]]
id = "reader"
type = "pull"
format = "ninjs"

[[channels]]
id = "partner"
type = "webhook"
format = "json-ld"
url = "https://partner.example.org/in"
secret = "env:PARTNER_SECRET"
"""
TOKENS = {"cms": "publish", "reader": "partner:reader", "partner": "partner:partner", "root": "admin"}


@dataclass
class Served:
    """`app` answers from `context`; `receiver` is the partner of the channel `partner`."""

    context: Context
    app: FastAPI
    clock: Clock
    pubmed: PubMed
    receiver: Receiver
    counter: Iterator[int]
    event: str = ""  # the newest one

    def publish(self, markdown: str, *, name: str) -> str:
        """Publish the file `name`.md with this text."""
        return self.accept_article(read_article(markdown.encode(), name=f"{name}.md"), place=f"file:/{name}.md")

    def accept_article(self, article: Article, place: str | None = None) -> str:
        accepted = accept(self.intake, Publish(self._origin(), article, place=place))
        self.event = accepted.event
        return accepted.article

    def withdraw(self, article_id: str, reason: str = "It was wrong.") -> None:
        accept(self.intake, Withdraw(self._origin(), article_id, reason))

    def work(self) -> int:
        """Do what is due now, in every stage. Return how many claims that were."""
        done = sum(drain(self.context, stage) for stage in (enrich, render, feeds))
        return done + sum(drain(self.context, deliver, channel) for channel in self.context.channels)

    def ask(self, method: str, address: str, who: str = "root") -> Answer:
        """Send a request without a body, with the token `who`."""
        return asyncio.run(send(self.app, method, address, headers={"Authorization": f"Bearer {who}"}))

    @property
    def intake(self) -> Intake:
        context = self.context
        return Intake(context.ledger, context.doorbell, context.clock, context.new_id, context.policy.evidence_wait)

    def _origin(self) -> Origin:
        return Origin(source="urn:test", id=str(next(self.counter)))


@contextlib.contextmanager
def served(
    folder: Path,
    site: str = SITE,
    formats: Collection[str] | None = None,
    database: str | None = None,
    changed: Callable[[Context], Context] = lambda context: context,
    scripted: bool = True,
) -> Iterator[Served]:
    """Two of them that do the same are the same, byte for byte: ids and time are the test's. `formats`: None is all.

    `database`: the URL of an empty ledger; None is SQLite in the folder. `changed` returns what is served in place of
    the context as it is composed. `scripted`: channels lead to the receiver, and not where the settings say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "site.toml"
    file.write_text(site, encoding="utf-8")
    empty_ledger(folder / "var").close()
    environment = {"CITEWIRE_CONFIG": str(file), "CITEWIRE_DATA": str(folder / "var")}
    built = build_context(load(environment | ({"CITEWIRE_DATABASE_URL": database} if database else {})), NoDoorbell())
    clock, pubmed, receiver, ids = Clock(), PubMed(), Receiver(), itertools.count(1)
    pubmed.papers = {"1": paper("1", "A trial of something"), "2": paper("2", "A trial of something else")}
    channels = {id: replace(plan, open=lambda: receiver) for id, plan in built.channels.items()}
    unlimited = {"partner_rate": 1e6, "partner_burst": 1_000_000}  # how fast a test asks must not change its answers
    policy = replace(built.policy, gather_quiet=0.0, gather_longest=0.0, batch_patience=0.0, **unlimited)
    context = replace(
        built,
        formats={name: made for name, made in built.formats.items() if formats is None or name in formats},
        doorbell=Bells(),
        pubmed=pubmed,
        converter=Converter(),
        channels=channels if scripted else built.channels,
        new_id=lambda prefix: f"{prefix}{next(ids):06d}",
        random=lambda: 0.5,
        clock=clock,
        pause=clock.pass_,
        policy=policy,
    )
    with context.ledger.write() as transaction:
        for token, scope in TOKENS.items():
            tokens.add(transaction, token, name=f"of {token}", scope=scope, now=START)
    try:
        context = changed(context)
        yield Served(context, create_app(context, alive=list), clock, pubmed, receiver, itertools.count(1))
    finally:
        context.ledger.close()
