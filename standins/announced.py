"""Services that are notified of changed pages or feeds and then fetch them: an IndexNow engine, a public WebSub hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from standins.endpoint import Call, Endpoint, Reply

_KEY = re.compile(r"[A-Za-z0-9-]{8,128}")


@dataclass
class Crawler:
    """A crawler that keeps what it has fetched, by address."""

    fetch: Callable[[str], Reply]
    fetched: dict[str, Reply] = field(default_factory=dict)
    announced: list[str] = field(default_factory=list)  # every announced address, with repetitions

    def crawl(self, addresses: list[str]) -> None:
        self.announced += addresses
        for address in addresses:
            self.fetched[address] = self.fetch(address)


@dataclass
class IndexNowEngine(Crawler):
    """An engine as in indexnow.org/documentation: a key file on the host, at most 10,000 addresses of that host."""

    requests: int = 0

    def serve(self) -> Endpoint:
        return Endpoint(self.respond)

    def respond(self, call: Call) -> Reply:
        if call.method != "POST":
            return Reply(405)
        try:
            content = json.loads(call.body)
            host, key, urls = content["host"], content["key"], content["urlList"]
        except (ValueError, KeyError, TypeError):
            return Reply(400)
        if not _KEY.fullmatch(key) or not 1 <= len(urls) <= 10_000:
            return Reply(422)
        location = content.get("keyLocation", f"https://{host}/{key}.txt")
        if any(urlsplit(url).netloc != host for url in urls) or urlsplit(location).netloc != host:
            return Reply(422)
        held = self.fetch(location)
        if held.status != 200 or held.body.decode().strip() != key:
            return Reply(403)
        self.requests += 1
        self.crawl(urls)
        return Reply(200)


@dataclass
class PublicHub(Crawler):
    """A hub that accepts `hub.mode=publish` with one or several `hub.url` (PubSubHubbub 0.4, section 7.1)."""

    def serve(self) -> Endpoint:
        return Endpoint(self.respond)

    def respond(self, call: Call) -> Reply:
        if call.method != "POST" or "form-urlencoded" not in call.headers.get("content-type", ""):
            return Reply(405)
        if call.form.get("hub.mode") != ["publish"] or not call.form.get("hub.url"):
            return Reply(400, b"hub.mode and hub.url are needed", "text/plain")
        self.crawl(call.form["hub.url"])
        return Reply(204)
