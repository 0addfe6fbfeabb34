"""A bench with feeds in every format, and their documents."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from bench import PLAIN, START, Bench, article
from every_stage import feeds, render
from judges.readers import entry_ids
from lxml import etree
from msgspec import structs

from pipeline.ledger import Ledger
from pipeline.model.article import Article
from pipeline.model.site import Feed
from pipeline.renditions import formats
from pipeline.stages.stage import drain

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"


def numbered(number: int, text: str = "Rest.") -> Article:
    """Articles with a higher number were published later."""
    published = START - dt.timedelta(days=2) + dt.timedelta(minutes=number)
    return structs.replace(article(f"article-{number:03}", text=text), published=published)


class FeedBench(Bench):
    """The stages of `Bench` with the real formats, and feeds of our own."""

    def __init__(self, ledger: Ledger, *configured: Feed) -> None:
        super().__init__(ledger)
        self.configure(*configured)

    def configure(self, *configured: Feed, **site: Any) -> None:
        """Other settings, as after a restart."""
        self.context = dataclasses.replace(
            self.context,
            feeds={feed.id: feed for feed in configured},
            formats={name: format for name, format in formats().items() if format.page} | {"plain": PLAIN},
            site=structs.replace(self.context.site, **site),
        )

    def build(self) -> None:
        """Render and build whatever is due; the next build may follow at once."""
        drain(self.context, render)
        self.clock.pass_(5)
        drain(self.context, feeds)
        self.clock.pass_(5)

    def publish_many(self, *numbers: int, text: str = "Rest.") -> None:
        """Publish articles, one a second."""
        for number in numbers:
            self.publish(numbered(number, text=text))
            drain(self.context, render)
            self.clock.pass_(1)

    def file(self, path: str) -> bytes:
        return self.store.files[f"public/{path}"][0]

    def atom(self, path: str) -> etree._Element:
        return etree.fromstring(self.file(path))

    def ids(self, path: str) -> list[str]:
        """The articles in a document of the feed, in its order."""
        body = self.file(path)
        ids = [one["id"] for one in json.loads(body)["items"]] if path.endswith(".json") else entry_ids(body)
        return [id.rpartition("/")[2] for id in ids]

    def live(self, path: str) -> list[str]:
        """The articles in a document of the feed that are not shown as withdrawn."""
        return [id for id in self.ids(path) if id not in self.shown_withdrawn(path)]

    def shown_withdrawn(self, path: str) -> list[str]:
        """The articles whose entry says that they were withdrawn."""
        body = self.file(path)
        if path.endswith(".json"):
            titles = [item["title"] for item in json.loads(body)["items"]]
        else:
            root = etree.fromstring(body)
            entries = root.findall(f"{ATOM}entry") or root.findall("channel/item")
            titles = [entry.findtext(f"{ATOM}title") or str(entry.findtext("title")) for entry in entries]
        titled = zip(self.ids(path), titles, strict=True)
        return [id for id, title in titled if title.startswith("Withdrawn: ")]

    def gone(self, path: str) -> list[str]:
        """The articles that a document in Atom says are withdrawn."""
        return [str(one.get("ref")).rpartition("/")[2] for one in self.atom(path).findall(f"{TOMBSTONES}deleted-entry")]

    def links(self, path: str) -> Mapping[str, str]:
        return {str(link.get("rel")): str(link.get("href")) for link in self.atom(path).findall(f"{ATOM}link")}

    def snapshot(self) -> dict[str, bytes]:
        return {path: body for path, (body, _) in self.store.files.items()}
