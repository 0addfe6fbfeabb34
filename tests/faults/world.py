"""A whole system as an operator runs it, the events sent to it, and what is seen of it from outside."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from running import Running

from standins.receiver import Receiver

SETTINGS = """
[delivery]
retries = [1, 2, 5, 10, 10, 10, 10, 10, 10, 10, 10, 10]

[[channels]]
id = "second"
type = "webhook"
format = "ninjs"
url = "{second}"
secret = "env:SECOND_SECRET"

[[channels]]
id = "pulled"
type = "pull"
format = "markdown"
"""


@dataclass
class Truth:
    """What the system accepted of one article: its newest revision, and its text (None: withdrawn)."""

    revision: int = 0
    text: str | None = None
    out: bool = False  # ever published


@dataclass
class World:
    running: Running
    receivers: dict[str, Receiver]
    folder: Path
    seed: int
    tokens: dict[str, str] = field(default_factory=dict)
    truth: dict[str, Truth] = field(default_factory=lambda: defaultdict(Truth))
    sent: int = 0
    faults: int = 0

    def send(self, what: str, article: int, *, within: float = 120.0) -> None:
        """Send an event until it is answered. The same event again gets the same answer."""
        name = f"article-{article:02}"
        known = self.truth[name]
        if what == "withdraw" and known.text is None:
            what = "publish"
        self.sent += 1
        text = f"Text number {self.sent} of {name}."
        event = self._event(what, name, text)
        answer = self._answered(event, within)
        known.revision = answer["revision"]
        known.text = None if what == "withdraw" else text
        known.out = known.out or what != "withdraw"

    def _event(self, what: str, name: str, text: str) -> dict[str, Any]:
        kind = "withdrawn" if what == "withdraw" else "published"
        data: dict[str, Any] = {"id": name, "reason": "It was wrong."}
        if what != "withdraw":
            data = {
                "id": name,
                "title": f"About {name}",
                "summary": text,
                "published": "2026-03-01",
                "body": f"## What to do\n\n{text}\n",
            }
        return {
            "specversion": "1.0",
            "type": f"org.citewire.article.{kind}",
            "source": f"faults-{self.seed}",
            "id": str(self.sent),
            "subject": name,
            "datacontenttype": "application/json",
            "data": data,
        }

    def _answered(self, event: dict[str, Any], within: float) -> dict[str, Any]:
        headers = {"content-type": "application/cloudevents+json", "authorization": f"Bearer {self.tokens['publish']}"}
        deadline, last = time.monotonic() + within, "no answer"
        while time.monotonic() < deadline:
            try:
                got = requests.post(
                    f"{self.running.web}/v1/events", data=json.dumps(event), headers=headers, timeout=10
                )
                if got.status_code == 202:
                    answer: dict[str, Any] = got.json()
                    return answer
                last = f"{got.status_code}: {got.text[:300]}"
                assert got.status_code >= 429, last
            except requests.RequestException as error:
                last = type(error).__name__
            time.sleep(0.2)
        raise AssertionError(f"an event was never accepted: {last}")

    # --- seen from outside

    def wrong(self) -> list[str]:
        """Everything that is not as the accepted events say it must be in the end."""
        found = [*self._at_receivers(), *self._in_folder(), *self._in_feeds(), *self._pulled()]
        return found + [f"{name}: {why}" for name, why in self._articles()]

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
            path = self.folder / "out" / f"{article}.ninjs"
            body = path.read_text() if path.is_file() else ""
            if known.text is None and "Text number" in body:
                yield f"the folder shows {article}, which was withdrawn"
            if known.text is not None and known.text not in body:
                yield f"the folder lacks the newest {article}"

    def _in_feeds(self) -> Iterator[str]:
        for extension in ("rss", "atom", "json"):
            for coding in ("identity", "gzip", "br"):
                try:
                    got = self.running.get(f"/feeds/latest.{extension}", **{"Accept-Encoding": coding})
                    text = got.text if got.status_code == 200 else ""
                except requests.RequestException as error:
                    text = f"{type(error).__name__}"
                for article, known in self.truth.items():
                    if known.text is not None and known.text not in text:
                        yield f"the feed in {extension} ({coding}) lacks the newest {article}"
                    if known.text is None and f"of {article}." in text:
                        yield f"the feed in {extension} ({coding}) shows {article}, which was withdrawn"

    def _pulled(self) -> Iterator[str]:
        headers = {"authorization": f"Bearer {self.tokens['partner:pulled']}"}
        cursor, last = "", {}
        while True:
            try:
                got = requests.get(
                    f"{self.running.web}/partners/pulled/changes",
                    params={"after": cursor, "limit": "100"} if cursor else {"limit": "100"},
                    headers=headers,
                    timeout=10,
                )
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

    def _articles(self) -> Iterator[tuple[str, str]]:
        for article, known in self.truth.items():
            try:
                got = self.running.get(f"/articles/{article}")
            except requests.RequestException as error:
                yield article, type(error).__name__
                continue
            if known.text is None and got.status_code not in (404, 410):
                yield article, f"the page answers {got.status_code}"
            if known.text is not None and known.text not in got.text:
                yield article, "the page has another text"
