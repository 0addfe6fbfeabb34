"""Three ways to send POSTs to the receiver: through the system, by bare Celery tasks, and by a bare loop."""

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

THREADS = 16  # of the baseline's worker: as many as the system uses for deliveries
_WITHIN = 300.0  # seconds allowed for one run


@dataclass(frozen=True)
class Run:
    """The measurements of one run."""

    latencies: list[float]  # seconds from acceptance, or from sending the task, to receipt
    sending: float  # seconds from the first acceptance to the last
    seconds: float  # from the first acceptance to the last receipt
    cpu: float  # seconds

    @property
    def rate(self) -> float:
        """Return articles per second."""
        return len(self.latencies) / self.seconds

    @property
    def sent(self) -> float:
        """Return articles per second at the entrance, which limits the rate at the other end."""
        return len(self.latencies) / self.sending


@dataclass
class Bench:
    """A running system and its partner, used for all runs."""

    system: Running
    partner: Receiving
    folder: Path
    cpu: dict[str, list[float]] = field(default_factory=dict)  # of each process of the system, in each run
    published: int = 0  # articles so far, for numbering

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
        """Publish events over HTTP, spaced so that none waits for another, and time each from the start of its POST."""
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
        """Create a folder with new articles."""
        folder = self.folder / f"articles-from-{self.published}"
        folder.mkdir()
        for number in range(self.published, self.published + count):
            (folder / f"article-{number}.md").write_text(numbered(number), encoding="utf-8")
        self.published += count
        return folder

    def _run(self, before: int, name: str, since: Mapping[str, float], cpu: float) -> Run:
        """Return what was received after `before`, by the header `name`. Fails if an article was received twice."""
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
        """Return the CPU seconds of the worker, of Valkey, and of sending the tasks."""
        others = cpu_seconds([worker, *worker.children(recursive=True), self.system.parts()["valkey"]])
        return others + time.process_time()


@contextmanager
def _bare_worker(bench: Bench, body: bytes) -> Iterator[psutil.Process]:
    """Start a Celery worker on the system's Valkey and warm it up, so that every thread has a connection."""
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
