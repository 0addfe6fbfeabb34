"""Honest readers and an honest CMS, and how long both wait."""

from __future__ import annotations

import contextlib
import http.client
import random
import statistics
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from world import World

ARTICLES = 40
_READERS, _EVERY, _EVENTS_EVERY = 2, 0.1, 0.6  # seconds
_LONGEST = 60.0  # seconds that a spell goes on for enough deliveries, and that the CMS waits for one
_PATHS = (
    "/feeds/honest.rss",
    "/feeds/honest.json",
    "/feeds/honest.atom",
    "/articles/{article}",
    "/articles/{article}.amp",
    "/articles/{article}.evidence.json",
    "/sitemap.xml",
)


@dataclass
class Waited:
    """Seconds that reads took, and what was sent when: from that the deliveries' times follow."""

    reads: list[float] = field(default_factory=list)
    sent: list[tuple[float, str, int]] = field(default_factory=list)  # Unix time, article, revision
    wrong: list[str] = field(default_factory=list)

    def deliveries(self, world: World) -> list[float]:
        arrived = {}
        for one in world.receivers["first"].received:
            if one.method == "POST":
                key = (one.headers["citewire-article"], int(one.headers["citewire-revision"]))
                arrived.setdefault(key, one.at)
        return [
            arrived[article, revision] - at for at, article, revision in self.sent if (article, revision) in arrived
        ]


class Honest:
    def __init__(self, world: World, seed: int) -> None:
        self._world, self._chance, self._next = world, random.Random(seed), 0

    def publish_first(self, number: int) -> None:
        for _ in range(number):
            self._send("publish")

    def work(self, waited: Waited, seconds: float, fewest: int) -> None:
        """Read and publish for so long, and until there are some deliveries: a busy machine makes few.

        The CMS sends the next event when the last one has arrived, so that no queue of its own is measured.
        """
        before, begun = len(waited.sent), time.monotonic()
        with self._at_work(waited):
            time.sleep(seconds)
            while len(waited.sent) < before + fewest and not waited.wrong and time.monotonic() < begun + _LONGEST:
                time.sleep(0.1)

    @contextlib.contextmanager
    def _at_work(self, waited: Waited) -> Iterator[None]:
        ended = threading.Event()
        steps = [threading.Thread(target=self._read, args=(waited, ended, one)) for one in range(_READERS)]
        steps.append(threading.Thread(target=self._publish, args=(waited, ended)))
        for step in steps:
            step.start()
        try:
            yield
        finally:
            ended.set()
            for step in steps:
                step.join()

    def _publish(self, waited: Waited, ended: threading.Event) -> None:
        while not ended.is_set():
            begun = time.time()
            try:
                article = self._send(self._chance.choices(("publish", "withdraw"), weights=(9, 1))[0])
            except AssertionError as error:
                waited.wrong.append(str(error))
                return
            sent = (begun, article, self._world.truth[article].revision)
            waited.sent.append(sent)
            while not ended.is_set() and time.time() < begun + _LONGEST and not self._has_arrived(*sent[1:]):
                ended.wait(0.02)
            ended.wait(max(0.0, begun + _EVENTS_EVERY - time.time()))

    def _has_arrived(self, article: str, revision: int) -> bool:
        wanted = (article, str(revision))
        received = reversed(self._world.receivers["first"].received[-200:])
        return any(
            (one.headers.get("citewire-article"), one.headers.get("citewire-revision")) == wanted for one in received
        )

    def _send(self, what: str) -> str:
        number = self._next % ARTICLES
        self._next += 1
        self._world.send(what, number)
        return f"article-{number:02}"

    def _read(self, waited: Waited, ended: threading.Event, number: int) -> None:
        chance = random.Random(number)
        while not ended.is_set():
            path = chance.choice(_PATHS).format(article=f"article-{chance.randrange(ARTICLES):02}")
            begun = time.perf_counter()
            try:
                status = get(self._world.systems[0].web, path)
            except (OSError, http.client.HTTPException) as error:
                waited.wrong.append(f"a reader of {path}: {type(error).__name__} {error}")
            else:
                waited.reads.append(time.perf_counter() - begun)
                if status not in (200, 404, 410):
                    waited.wrong.append(f"a reader of {path}: {status}")
            ended.wait(_EVERY)


def get(web: str, path: str) -> int:
    """Read as a new client does, on a connection of its own."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(web).netloc, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def ratio(quiet: list[float], attacked: list[float], floor: float) -> float:
    """Return how many times longer the median is under attack. Times below the floor count as the floor."""
    return max(statistics.median(attacked), floor) / max(statistics.median(quiet), floor)
