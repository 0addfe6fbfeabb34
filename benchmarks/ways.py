"""The three ways that as many POSTs reach the receiver: through the system, by bare Celery tasks, by a bare loop."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from benchmarks import floor
from benchmarks.processes import cpu_seconds, started
from benchmarks.receiving import Receiving
from benchmarks.samples import numbered
from benchmarks.system import Running

THREADS = 16  # of the floor's worker: as many as the system delivers with
_WITHIN = 300.0  # seconds that one run may take


@dataclass(frozen=True)
class Run:
    """So many articles in one of the ways."""

    latencies: list[float]  # seconds from acceptance, or from sending the task, to receipt
    sending: float  # seconds from the first acceptance to the last
    seconds: float  # from the first acceptance to the last receipt
    cpu: float  # seconds

    @property
    def rate(self) -> float:
        """Articles a second."""
        return len(self.latencies) / self.seconds

    @property
    def sent(self) -> float:
        """Articles a second, at the start of the way: what comes out cannot be faster."""
        return len(self.latencies) / self.sending


@dataclass
class Bench:
    """A running system and its partner, which both serve every way."""

    system: Running
    partner: Receiving
    folder: Path
    cpu: dict[str, list[float]] = field(default_factory=dict)  # of each process of the system, in each run
    published: int = 0  # articles so far, for their ids

    def through_the_system(self, articles: int) -> Run:
        before, cpu, own = self.partner.count(), self.system.cpu(), os.times()
        self.system.citewire("publish", self.files(articles))
        publisher = os.times().children_user + os.times().children_system - own.children_user - own.children_system
        self.partner.wait_for(before + articles, within=_WITHIN)
        used = {name: seconds - cpu.get(name, 0.0) for name, seconds in self.system.cpu().items()}
        used["citewire publish"] = publisher
        for name, seconds in used.items():
            self.cpu.setdefault(name, []).append(seconds)
        return self._run(before, "citewire-article", self.system.accepted(), sum(used.values()))

    def by_bare_tasks(self, articles: int, body: bytes) -> Run:
        with _bare_worker(self, body) as worker:
            before, cpu = self.partner.count(), self._floor_cpu(worker)
            sent = {}
            with floor.app.producer_pool.acquire(block=True) as producer:
                for number in range(articles):
                    message_id = f"task-{before}-{number}"
                    sent[message_id] = time.time()
                    floor.post.apply_async((message_id,), producer=producer)
            self.partner.wait_for(before + articles, within=_WITHIN)
            return self._run(before, "webhook-id", sent, self._floor_cpu(worker) - cpu)

    def by_a_loop(self, articles: int, body: bytes) -> Run:
        before, cpu = self.partner.count(), time.process_time()
        sent = {}
        with requests.Session() as session:
            for number in range(articles):
                message_id = f"loop-{before}-{number}"
                sent[message_id] = time.time()
                floor.send(session, self.partner.url, message_id, body)
        return self._run(before, "webhook-id", sent, time.process_time() - cpu)

    def one_by_one(self, articles: int, pause: float) -> Run:
        """As events over HTTP, so far apart that none waits for another; from the start of each one's POST."""
        token = self.system.citewire("token", "create", "--name", "benchmark", "--scope", "publish").split()[-1]
        event = {"authorization": f"Bearer {token}", "content-type": "text/markdown", "ce-specversion": "1.0"}
        event |= {"ce-type": "org.citewire.article.published", "ce-source": "urn:benchmark"}
        before, sent = self.partner.count(), {}
        with requests.Session() as session:
            for file in sorted(self.files(articles).iterdir()):
                sent[file.stem] = time.time()
                url, headers = f"{self.system.web}/v1/events", event | {"ce-id": file.stem}
                session.post(url, data=file.read_bytes(), headers=headers, timeout=30).raise_for_status()
                time.sleep(pause)
        self.partner.wait_for(before + articles, within=_WITHIN)
        return self._run(before, "citewire-article", sent, 0.0)

    def files(self, count: int) -> Path:
        """A folder of so many articles that nobody has seen."""
        folder = self.folder / f"articles-from-{self.published}"
        folder.mkdir()
        for number in range(self.published, self.published + count):
            (folder / f"article-{number}.md").write_text(numbered(number), encoding="utf-8")
        self.published += count
        return folder

    def _run(self, before: int, name: str, since: Mapping[str, float], cpu: float) -> Run:
        """What the receiver got since it had `before`, by the header `name`. Each article once, or nothing counts."""
        records = self.partner.since(before)
        came = {record["headers"][name]: float(record["at"]) for record in records}
        assert len(came) == len(records), "something was delivered twice"
        began = [since[key] for key in came]
        return Run(
            latencies=[at - since[key] for key, at in came.items()],
            sending=max(began) - min(began),
            seconds=max(came.values()) - min(began),
            cpu=cpu,
        )

    def _floor_cpu(self, worker: psutil.Process) -> float:
        """Of the worker, of Valkey, and of sending the tasks from here."""
        others = cpu_seconds([worker, *worker.children(recursive=True), self.system.parts()["valkey"]])
        return others + time.process_time()


@contextmanager
def _bare_worker(bench: Bench, body: bytes) -> Iterator[psutil.Process]:
    """Celery's own command on the floor's app, on the system's Valkey; warm: every thread has its connection."""
    file = bench.folder / "body"
    file.write_bytes(body)
    floor.app.conf.update(broker_url=bench.system.queue)
    own = {
        "BENCHMARK_REDIS": bench.system.queue,
        "BENCHMARK_URL": bench.partner.url,
        "BENCHMARK_BODY": str(file),
    }
    options = ("--pool=threads", f"--concurrency={THREADS}", "--loglevel=WARNING", "--without-gossip")
    arguments = ("-A", "benchmarks.floor", "--quiet", "worker", *options)
    log = bench.folder / "floor.log"
    with started("celery", *arguments, environment=os.environ | own, log=log) as process:
        before, warm = bench.partner.count(), 4 * THREADS
        for number in range(warm):
            floor.post.delay(f"warm-{number}")
        bench.partner.wait_for(before + warm, within=60)
        yield psutil.Process(process.pid)
