"""A whole system as an operator runs it, the events sent to it, and what is seen of it from outside."""

from __future__ import annotations

import datetime as dt
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from running import Running

from standins.receiver import Receiver

CHILDREN = {
    "pipeline": ("worker", "pipeline"),
    "deliver": ("worker", "deliver"),
    "web": ("workers.cli", "web"),
    "queue": ("valkey-server",),
}
LATELY = dt.timedelta(seconds=15)  # in which every process gives a sign of life in the ledger
# So that what fails under faults is settled in time.
RETRIED_SOON = """
[delivery]
retries = [1, 2, 5, 10, 10, 10, 10, 10, 10, 10, 10, 10]
"""
_BATCHES, _OF, _PUBLISHERS = 2, 4, 3  # of one crossing


@dataclass
class Truth:
    """What the system accepted of one article: its newest revision, and its text (None: withdrawn)."""

    revision: int = 0
    text: str | None = None

    def learn(self, revision: int, text: str | None) -> None:
        if revision >= self.revision:
            self.revision, self.text = revision, text


@dataclass
class World:
    systems: list[Running]
    receivers: dict[str, Receiver]
    folder: Path
    out: Path  # of the channel that is a folder
    hosts: Sequence[str]  # by their names
    seed: int
    feed: str = "latest"  # which all articles are in
    topics: Sequence[str] = ()  # of all articles
    tokens: dict[str, str] = field(default_factory=dict)
    truth: dict[str, Truth] = field(default_factory=lambda: defaultdict(Truth))
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, what: str, article: int) -> None:
        """Send an event until it is answered. The same event again gets the same answer."""
        name = f"article-{article:02}"
        with self._lock:
            known = self.truth[name]
        if what == "withdraw" and known.text is None:
            what = "publish"
        number, text = self._next(name)
        (answer,) = self._answered([self._event(what, name, text, number)], number)
        with self._lock:
            known.learn(answer["revision"], None if what == "withdraw" else text)

    def cross(self, articles: int) -> None:
        """Send overlapping batches from several publishers at once, each in an order of its own."""
        with ThreadPoolExecutor(_PUBLISHERS) as pool:
            for done in [pool.submit(self._publish_batches, articles, one) for one in range(_PUBLISHERS)]:
                done.result()

    def _publish_batches(self, articles: int, publisher: int) -> None:
        chance = random.Random(f"{self.seed} {publisher}")
        for _ in range(_BATCHES):
            events, texts = [], []
            for one in chance.sample(range(articles), _OF):
                name = f"article-{one:02}"
                number, text = self._next(name)
                events.append(self._event("publish", name, text, number))
                texts.append((name, text))
            answers = self._answered(events, number)
            with self._lock:
                for (name, text), answer in zip(texts, answers, strict=True):
                    self.truth[name].learn(answer["revision"], text)

    def _next(self, name: str) -> tuple[int, str]:
        with self._lock:
            self.sent += 1
            return self.sent, f"Text number {self.sent} of {name}."

    def _event(self, what: str, name: str, text: str, number: int) -> dict[str, Any]:
        kind = "withdrawn" if what == "withdraw" else "published"
        data: dict[str, Any] = {"id": name, "reason": "It was wrong."}
        if what != "withdraw":
            data = {
                "id": name,
                "title": f"About {name}",
                "summary": text,
                "published": "2026-03-01",
                "topics": list(self.topics),
                "body": f"## What to do\n\n{text}\n",
            }
        return {
            "specversion": "1.0",
            "type": f"org.citewire.article.{kind}",
            "source": f"faults-{self.seed}",
            "id": str(number),
            "subject": name,
            "datacontenttype": "application/json",
            "data": data,
        }

    def _answered(self, events: list[dict[str, Any]], number: int, *, within: float = 120.0) -> list[dict[str, Any]]:
        """Send to one host after the other until one accepts."""
        form, body = ("cloudevents-batch+json", events) if len(events) > 1 else ("cloudevents+json", events[0])
        headers = {"content-type": f"application/{form}", "authorization": f"Bearer {self.tokens['publish']}"}
        deadline, last = time.monotonic() + within, "no answer"
        while time.monotonic() < deadline:
            number += 1
            system = self.systems[number % len(self.systems)]
            try:
                with system.inside():
                    got = requests.post(f"{system.web}/v1/events", data=json.dumps(body), headers=headers, timeout=10)
                if got.status_code == 202:
                    answer = got.json()
                    found: list[dict[str, Any]] = answer["events"] if len(events) > 1 else [answer]
                    return found
                last = f"{got.status_code}: {got.text[:300]}"
                assert got.status_code >= 429, last
            except requests.RequestException as error:
                last = type(error).__name__
            time.sleep(0.2)
        raise AssertionError(f"an event was never accepted: {last}")

    # --- seen from outside

    def wrong(self) -> list[str]:
        """Everything that is not as the accepted events say it must be in the end."""
        found = [*self._at_receivers(), *self._in_folder()]
        for system in self.systems:
            on_host = [*self._in_feeds(system), *self._pulled(system), *self._articles(system), *self._idle(system)]
            found += [f"{system.data.parent.name}: {what}" for what in on_host]
        return found

    def broken(self) -> list[str]:
        """What must not happen at any time: an older revision after a newer one, or two ids for one revision."""
        found = []
        for name, receiver in self.receivers.items():
            newest: dict[str, int] = defaultdict(int)
            ids: dict[tuple[str, int], set[str]] = defaultdict(set)
            for one in receiver.received:
                if one.method != "POST":
                    continue
                article, revision = one.headers["citewire-article"], int(one.headers["citewire-revision"])
                ids[article, revision].add(one.headers["webhook-id"])
                if one.verified is False:
                    found.append(f"{name}: a signature of {article} is wrong")
                if one.answered is not None and 200 <= one.answered < 300:
                    if revision < newest[article]:
                        found.append(f"{name}: {article} went back from {newest[article]} to {revision}")
                    newest[article] = max(newest[article], revision)
            found += [f"{name}: {key} has the ids {its}" for key, its in ids.items() if len(its) > 1]
        return found

    def _at_receivers(self) -> Iterator[str]:
        for name, receiver in self.receivers.items():
            last = {}
            for one in receiver.received:
                if one.method == "POST" and one.answered is not None and 200 <= one.answered < 300:
                    last[one.headers["citewire-article"]] = one
            for article, known in self.truth.items():
                got = last.get(article)
                if got is None:
                    if known.text is not None:
                        yield f"{name} has no {article}"
                elif known.text is None:
                    if got.headers["citewire-event"] != "withdrawn":
                        yield f"{name} shows {article}, which was withdrawn"
                elif known.text.encode() not in got.body:
                    yield f"{name} has revision {got.headers['citewire-revision']} of {article}, not {known.revision}"

    def _in_folder(self) -> Iterator[str]:
        for article, known in self.truth.items():
            path = self.out / f"{article}.ninjs"
            body = path.read_text() if path.is_file() else ""
            if known.text is None and "Text number" in body:
                yield f"the folder shows {article}, which was withdrawn"
            if known.text is not None and known.text not in body:
                yield f"the folder lacks the newest {article}"

    def _in_feeds(self, system: Running) -> Iterator[str]:
        for extension in ("rss", "atom", "json"):
            for coding in ("identity", "gzip", "br"):
                try:
                    got = system.get(f"/feeds/{self.feed}.{extension}", **{"Accept-Encoding": coding})
                    text = got.text if got.status_code == 200 else ""
                except requests.RequestException as error:
                    text = f"{type(error).__name__}"
                for article, known in self.truth.items():
                    if known.text is not None and known.text not in text:
                        yield f"the feed in {extension} ({coding}) lacks the newest {article}"
                    if known.text is None and f"of {article}." in text:
                        yield f"the feed in {extension} ({coding}) shows {article}, which was withdrawn"

    def _pulled(self, system: Running) -> Iterator[str]:
        headers = {"authorization": f"Bearer {self.tokens['partner:pulled']}"}
        cursor, last = "", {}
        while True:
            try:
                path = f"/partners/pulled/changes?limit=100{f'&after={cursor}' if cursor else ''}"
                got = system.get(path, **headers)
            except requests.RequestException as error:
                yield f"changes: {type(error).__name__}"
                return
            if got.status_code != 200:
                yield f"changes: {got.status_code}"
                return
            page = got.json()
            last |= {one["article"]: one for one in page["changes"]}
            if not page["changes"] or page["cursor"] == cursor:
                break
            cursor = page["cursor"]
        for article, known in self.truth.items():
            one = last.get(article)
            if known.text is None and one is not None and one["event"] != "withdrawn":
                yield f"changes show {article}, which was withdrawn"
            if known.text is not None and (one is None or known.text not in (one.get("content") or "")):
                yield f"changes lack the newest {article}"

    def _articles(self, system: Running) -> Iterator[str]:
        for article, known in self.truth.items():
            try:
                got = system.get(f"/articles/{article}")
            except requests.RequestException as error:
                yield f"{article}: {type(error).__name__}"
                continue
            if known.text is None and got.status_code not in (404, 410):
                yield f"{article}: the page answers {got.status_code}"
            if known.text is not None and known.text not in got.text:
                yield f"{article}: the page has another text"

    def _idle(self, system: Running) -> Iterator[str]:
        """Processes that do not run, and processes that run and do nothing."""
        for name, words in CHILDREN.items():
            if name == "queue" and len(self.systems) > 1:
                continue  # it is on another host
            try:
                status = system.child(*words, within=1.0).status()
            except (AssertionError, psutil.Error):
                yield f"{name} does not run"
                continue
            if status in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                yield f"{name} is {status}"
        try:
            ready = system.get("/readyz")
        except requests.RequestException as error:
            yield f"ready: {type(error).__name__}"
            return
        if ready.status_code != 200:
            yield f"is not ready: {ready.text[:300]}"

    def silent(self) -> Iterator[str]:
        """Return the processes that take no work, or whose last sign of life in the ledger is old."""
        done = self.systems[0].run("status", "--json")
        if "processes" not in done.json:
            yield f"status answers {done.out[:300]}"
            return
        now = dt.datetime.now(dt.UTC)
        seen = {one["name"].rpartition(":")[0]: one for one in done.json["processes"]}
        for host in self.hosts:
            for name in ("pipeline-1", "deliver", "web"):
                one = seen.get(f"{name}@{host}")
                if one is None or now - dt.datetime.fromisoformat(one["seen"]) > LATELY:
                    yield f"{name} on {host} gives no sign of life"
                elif one["trouble"]:
                    yield f"{name} on {host} takes no work: {one['trouble']}"
