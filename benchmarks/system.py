"""A complete `citewire up` in a temporary folder, with one webhook channel, and the resources it uses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import requests
import sqlalchemy as sa

from benchmarks.processes import cpu_seconds, peak_megabytes, ready, started
from benchmarks.samples import ROOT
from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger
from pipeline.ledger.tables import events
from workers import runfile

_SITE = """
pubmed_url = "{pubmed}"
pubmed_email = "operator@example.org"
egress_allow = ["127.0.0.0/8"]

[site]
title = "Doctor's Note"
url = "https://notes.example.org"
publisher = "Example Health"
disclaimer = "This is for information only. It does not replace the advice of a doctor who knows you."

[[feeds]]
id = "latest"
title = "Doctor's Note: latest"

[[channels]]
id = "partner"
type = "webhook"
format = "ninjs"
url = "{partner}"
secret = "env:BENCHMARK_SECRET"
"""


@dataclass(frozen=True)
class Running:
    """A running system, with the addresses of its web server and queue. `up` is the parent of all its processes."""

    web: str
    queue: str
    data: Path
    environment: Mapping[str, str]
    up: psutil.Process

    def citewire(self, *arguments: str | Path) -> str:
        """Run a command and return its output. Raises CalledProcessError if it fails."""
        command = [sys.executable, "-m", "workers.cli", *map(str, arguments), "--data", str(self.data)]
        with (self.data.parent / "commands.log").open("a") as log:
            done = subprocess.run(
                command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=log, text=True, check=True
            )
        return done.stdout

    @contextmanager
    def posting(self) -> Iterator[Callable[[Path], None]]:
        """Yield a function that posts a Markdown file to `/v1/events`, as a CMS does; the line is kept open."""
        token = self.citewire("token", "create", "--name", "benchmark", "--scope", "publish").split()[-1]
        with requests.Session() as session:
            session.headers.update({"authorization": f"Bearer {token}", "content-type": "text/markdown"})
            session.headers.update({"ce-specversion": "1.0", "ce-type": "org.citewire.article.published"})

            def post(file: Path) -> None:
                own = {"ce-source": "urn:benchmark", "ce-id": file.stem}
                answer = session.post(f"{self.web}/v1/events", data=file.read_bytes(), headers=own, timeout=30)
                answer.raise_for_status()

            yield post

    def accepted(self) -> dict[str, float]:
        """Return the Unix time at which each article was first accepted."""
        ledger = Ledger(f"sqlite:///{self.data / 'ledger.sqlite'}")
        with ledger.read() as transaction:
            rows = transaction.execute(sa.select(events.c.article, sa.func.min(events.c.accepted)).group_by("article"))
            times = {article: at.timestamp() for article, at in rows}
        ledger.close()
        return times

    def parts(self) -> dict[str, psutil.Process]:
        """Return the processes of the system, by role."""
        return {"up": self.up} | {_part(child): child for child in self.up.children(recursive=True)}

    def cpu(self) -> dict[str, float]:
        return {name: cpu_seconds([process]) for name, process in self.parts().items()}

    def memory(self) -> dict[str, float]:
        return {name: peak_megabytes(process) for name, process in self.parts().items()}


def configured(folder: Path, *, pubmed: str, partner: str, more: str = "") -> dict[str, str]:
    """Write settings for a system in `folder`, with `more` TOML appended; return its environment."""
    settings = folder / "site.toml"
    settings.write_text(_SITE.format(pubmed=pubmed, partner=partner) + more)
    own = {name: value for name, value in os.environ.items() if not name.startswith(("CITEWIRE_", "BENCHMARK_"))}
    return own | {
        "CITEWIRE_CONFIG": str(settings),
        "CITEWIRE_DATA": str(folder / "data"),
        "BENCHMARK_SECRET": new_secret(),
    }


@contextmanager
def running(folder: Path, environment: Mapping[str, str], *, within: float = 60) -> Iterator[Running]:
    """Start the system, and wait up to `within` seconds until it is ready."""
    log = folder / "up.log"
    with started("workers.cli", "up", "--port", "0", environment=environment, log=log) as process:
        web = ready(process, within=within, log=log)
        data = folder / "data"
        note = runfile.read(data)
        assert note is not None and note.redis is not None
        yield Running(web, note.redis, data, environment, psutil.Process(process.pid))


def _part(process: psutil.Process) -> str:
    line = process.cmdline()
    if "--name" in line:
        return line[line.index("--name") + 1]
    return "web" if "web" in line else "valkey"
