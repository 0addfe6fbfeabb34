"""A whole Citewire in this process, for the documents' examples: the real command line, ledger, stages and web.

One thread drains the stages in place of workers. PubMed and the partner are stand-ins over real HTTP.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import structlog.testing
import uvicorn
from documents import ROOT
from every_stage import deliver, enrich, feeds, render
from waiting import PATIENCE, until

from config import load
from pipeline.channels.webhook.signing import new_secret
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.stage import drain
from pipeline.web.app import create_app
from standins.eutils import EutilsStandin
from standins.receiver import Conduct, Receiver
from workers import runfile
from workers.cli import output
from workers.cli.app import main
from workers.wiring import build_context

WEB = "http://127.0.0.1:8080"  # where the documents have it
PROCESSES = ["deliver@notes-1:4711", "pipeline-1@notes-1:4710", "web@notes-1:4712"]


@dataclass
class Result:
    """What a command left on the terminal, and its exit status."""

    status: int
    text: str


@dataclass
class House:
    """Commands run in `folder`, where `examples/` lies as in a checkout and the data folder is `var/`."""

    folder: Path
    partner: Receiver
    pubmed: EutilsStandin
    context: Context
    web: str
    logs: list[structlog.typing.EventDict] = field(default_factory=list)

    def citewire(self, *words: str) -> Result:
        terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        arguments, sys.argv = sys.argv, ["citewire", *words]
        try:
            with contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(terminal):
                main()
            status: object = 0
        except SystemExit as ended:
            status = ended.code or 0
        finally:
            sys.argv = arguments
        assert isinstance(status, int)
        terminal.seek(0)
        return Result(status, terminal.read())

    def _until_built(self, path: str) -> None:
        until(lambda: requests.get(self.web + path, timeout=PATIENCE).ok, what=lambda: f"{path} is built")

    def instruct(self, words: str) -> None:
        """What a document's `<!-- test: … -->` asks of the world around it."""
        match words.split(maxsplit=2):
            case ["partner", "well"]:
                self.partner.behave()
            case ["partner", status, *body]:
                self.partner.conduct(Conduct(status=int(status), body=" ".join(body)))
            case ["published", file]:
                self.citewire("publish", file, "--wait")
                self._until_built("/feeds/latest.rss")
            case _:
                raise ValueError(f"nobody here understands {words!r}")


@contextlib.contextmanager
def house(folder: Path, site: str) -> Iterator[House]:
    """`site`: its TOML, as a document has it; {partner} and {pubmed} are replaced by the addresses of the stand-ins."""
    with (
        pytest.MonkeyPatch.context() as patch,
        EutilsStandin() as pubmed,
        _partner(patch) as partner,
        structlog.testing.capture_logs() as logs,
    ):
        _furnish(folder, site, patch, pubmed=pubmed.url, partner=partner.url)
        patch.setattr(output.answers(), "width", 110)  # as wide a terminal as the documents are
        context = build_context(load({"CITEWIRE_CONFIG": "site.toml"}), NoDoorbell())
        runfile.write(folder / "var", runfile.Running(web=WEB))
        with _working(context), _serving(context) as web:
            yield House(folder, partner, pubmed, context, web, logs)
        context.ledger.close()


@contextlib.contextmanager
def _partner(patch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    secret = new_secret()
    patch.setenv("PARTNER_A_SECRET", secret)
    with Receiver(secrets=[secret]) as receiver:
        yield receiver


def _furnish(folder: Path, site: str, patch: pytest.MonkeyPatch, *, pubmed: str, partner: str) -> None:
    patch.chdir(folder)
    (folder / "examples").symlink_to(ROOT / "examples")
    around = f'pubmed_url = "{pubmed}"\negress_allow = ["127.0.0.0/8"]\n'
    text = site.replace("https://partner.example.org/in", partner)
    (folder / "site.toml").write_text(around + text, encoding="utf-8")
    for name in ("CITEWIRE_DATA", "CITEWIRE_DATABASE_URL", "CITEWIRE_REDIS_URL", "CITEWIRE_STORE_URL"):
        patch.delenv(name, raising=False)
    patch.setenv("CITEWIRE_CONFIG", "site.toml")


@contextlib.contextmanager
def _working(context: Context) -> Iterator[None]:
    """Do everything that is due, fifty times a second, in place of the workers."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.02):
            for stage in (enrich, render, feeds):
                drain(context, stage)
            for channel in context.channels:
                drain(context, deliver, channel)

    worker = threading.Thread(target=work, name="workers")
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


@contextlib.contextmanager
def _serving(context: Context) -> Iterator[str]:
    app = create_app(context, alive=lambda: PROCESSES)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off"))
    started = threading.Event()
    startup = server.startup

    async def tell(sockets: object = None) -> None:
        await startup()
        started.set()

    server.startup = tell  # type: ignore[method-assign]  # to learn of the port without polling
    thread = threading.Thread(target=server.run, name="web")
    thread.start()
    try:
        assert started.wait(PATIENCE), "the web server did not start"
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
