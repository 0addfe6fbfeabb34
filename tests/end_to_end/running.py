"""A whole system as an operator runs it: `citewire up` as a process, commands beside it, real stand-ins around it."""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import psutil
import requests
import started
from command_result import Result
from waiting import PATIENCE, until

from pipeline.ledger import Ledger
from pipeline.views import articles

ROOT = Path(__file__).resolve().parents[2]

SITE = """
pubmed_url = "{pubmed}"
idconv_url = "{idconv}"
pubmed_email = "operator@example.org"
egress_allow = ["127.0.0.0/8"]

[site]
title = "Doctor's Note"
url = "https://notes.example.org"
publisher = "Example Health"
disclaimer = "This does not replace your doctor's advice."

[[feeds]]
id = "latest"
title = "Doctor's Note: latest"

[[channels]]
id = "folder"
type = "directory"
format = "ninjs"
path = "{folder}"
"""

WEBHOOK = """
[[channels]]
id = "partner"
type = "webhook"
format = "json-ld"
url = "{url}"
secret = "env:PARTNER_SECRET"
"""


def kill_all(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # the kernel kills the children with their parent
            process.kill()


def _lives(process: psutil.Process) -> bool:
    """Return whether any thread of it may still hold its files. One that has ended may not have been waited for yet."""
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


@dataclass
class Running:
    """A data folder, its settings, and the `up` that runs on it, if one does."""

    data: Path
    environment: dict[str, str]
    up: started.Process | None = None
    web: str = ""
    log: Path = field(default_factory=Path)
    cwd: Path = ROOT
    port: int = 0  # of the web server; 0: another one at each start

    def start(self, *, within: float = PATIENCE) -> None:
        self.log = self.data.parent / "up.log"
        with self.log.open("a") as log:
            self.up = started.start(
                [*self.command("up", "--port", str(self.port)), *self.where],
                env=self.environment,
                cwd=self.cwd,
                stdout=started.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self.up.stdout is not None
        readable, _, _ = select.select([self.up.stdout], [], [], within)
        line = self.up.stdout.readline() if readable else ""
        assert line.startswith("ready "), self.tail()
        self.web = line.split()[1]

    def stop(self) -> None:
        """As an operator does; nothing of it may be left."""
        if self.up is None:
            return
        session = self.session()
        self.up.send_signal(signal.SIGTERM)
        status = self.up.wait(PATIENCE)
        left = [process for process in session if _lives(process)]
        self.kill()
        assert (status, left) == (0, []), self.tail()

    def kill(self) -> None:
        """kill -9 of everything at once. Afterwards nothing of it holds a port or a lock."""
        session = self.session()
        kill_all(session)
        until(lambda: not any(map(_lives, session)), what=self.tail)
        if self.up is not None:
            self.up.wait()
            assert self.up.stdout is not None
            self.up.stdout.close()
            self.up = None

    def session(self) -> list[psutil.Process]:
        """All processes of the system's session."""
        if self.up is None:
            return []
        found = []
        for process in psutil.process_iter():
            try:
                if os.getsid(process.pid) == self.up.pid:
                    found.append(process)
            except (ProcessLookupError, PermissionError):
                continue
        return found

    def child(self, *words: str, within: float = PATIENCE) -> psutil.Process:
        """The system's process whose command line holds all these words."""

        def find() -> psutil.Process | None:
            for process in self.session():
                try:
                    line = " ".join(process.cmdline())
                except psutil.Error:
                    continue
                if all(word in line for word in words) and process.pid != (self.up and self.up.pid):
                    return process
            return None

        return until(find, within, what=lambda: f"a process {words}")

    def run(self, *arguments: str | Path) -> Result:
        done = started.run([*self.command(*arguments), *self.where], env=self.environment, cwd=self.cwd, timeout=400)
        return Result(done.returncode, done.stdout, done.stderr)

    def publish(self, *files: Path, wait: bool = True) -> Result:
        return self.run("publish", *files, "--json", *(["--wait", "--timeout", "300"] if wait else []))

    def status(self, article: str) -> Any:
        """Return what `citewire status ARTICLE --json` shows, without the second that a command takes."""
        with closing(Ledger(self.database)) as ledger, ledger.read() as transaction:
            return json.loads(msgspec.json.encode(articles.article(transaction, article)))

    def inside(self) -> AbstractContextManager[None]:
        """Open sockets on the system's host within this block."""
        return nullcontext()

    def get(self, path: str, **headers: str) -> requests.Response:
        with self.inside():
            return requests.get(self.web + path, headers=headers, timeout=PATIENCE)

    def tail(self) -> str:
        return self.log.read_text()[-4000:] if self.log.is_file() else ""

    def command(self, *arguments: str | Path) -> list[str]:
        return self.on_host([sys.executable, "-m", "workers.cli", *map(str, arguments)])

    def on_host(self, words: list[str]) -> list[str]:
        """Return the command that runs these words on the system's host."""
        return words

    @property
    def database(self) -> str:
        """The URL of its ledger."""
        return self.environment.get("CITEWIRE_DATABASE_URL") or f"sqlite:///{self.data / 'ledger.sqlite'}"

    @property
    def where(self) -> list[str]:
        return ["--data", str(self.data)]


@contextmanager
def system(
    folder: Path, *, pubmed: str, webhook: str | None = None, secret: str = "", more: str = "", start: bool = True
) -> Iterator[Running]:
    """A running system in `folder`, with a directory channel, and a webhook channel where `webhook` is its address."""
    settings = folder / "site.toml"
    idconv = pubmed.replace("/entrez/eutils/", "/tools/idconv/api/v1/articles/")  # the same stand-in is both
    text = SITE.format(pubmed=pubmed, idconv=idconv, folder=folder / "out")
    settings.write_text(text + (WEBHOOK.format(url=webhook) if webhook else "") + more)
    (folder / "out").mkdir(exist_ok=True)
    environment = without_ours(os.environ) | {"CITEWIRE_CONFIG": str(settings), "PARTNER_SECRET": secret}
    running = Running(folder / "data", environment)
    try:
        if start:
            running.start()
        yield running
        running.stop()
    finally:
        running.kill()


def article(folder: Path, name: str, text: str = "Rest and stretch.", *, pmids: str = "", topic: str = "rest") -> Path:
    """A small article file."""
    path = folder / f"{name}.md"
    references = f"references: [{pmids}]\n" if pmids else ""
    path.write_text(
        f"---\nid: {name}\ntitle: About {name}\nsummary: {text}\npublished: 2026-03-01\ntopics: [{topic}]\n"
        f"{references}---\n\n## What to do\n\n{text}\n"
    )
    return path


def without_ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith("CITEWIRE_")}
