"""Which files and functions one event passes through, from its POST to /v1/events to the signed webhook.

    python -m benchmarks.trace [--only] [--files] [--functions PART]

One process does what several do in a running system: it answers the POST, then drains the stages up to the delivery.
Set-up is not counted. The first article is one whose references PubMed has never been asked about; the second cites the
same ones. A function counts once, however often it is called; imports, comprehensions, lambdas and templates do not
count. Rendering makes every format, since the site serves them all; with `--only` it makes the webhook's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fastapi import FastAPI

from benchmarks.figures import table
from benchmarks.receiving import Receiving, receiving
from benchmarks.samples import ROOT, numbered
from benchmarks.system import configured
from config import load
from pipeline.ledger import tokens
from pipeline.stages.context import Context, NoDoorbell
from pipeline.stages.deliver import Deliver
from pipeline.stages.enrich import Enrich
from pipeline.stages.render import Render
from pipeline.stages.stage import drain
from pipeline.web.app import create_app
from standins.eutils import EutilsStandin
from workers import logs
from workers.wiring import build_context

_OURS = tuple(f"{ROOT / name}{os.sep}" for name in ("pipeline", "workers", "config"))
_WITHIN = 20.0  # seconds for the delivery of an article
_BETWEEN = 0.5  # … and between two looks at what is due
_TOKEN = "cw_trace"  # noqa: S105  # of a ledger that is deleted afterwards
_ANONYMOUS = ("<module>", "<lambda>", "<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


class Trace:
    """The functions of the project that were entered, with the number of times."""

    def __init__(self, calls: Counter[CodeType] | None = None) -> None:
        self.calls = Counter() if calls is None else calls

    def functions(self) -> Counter[tuple[str, str]]:
        """Return the calls of each function, by its file and its name."""
        found: Counter[tuple[str, str]] = Counter()
        for code, calls in self.calls.items():
            ours = code.co_filename.startswith(_OURS) and code.co_filename.endswith(".py")
            if ours and code.co_name not in _ANONYMOUS:
                found[str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname] += calls
        return found

    def files(self) -> Counter[str]:
        """Return the number of functions that were entered in each file."""
        return Counter(file for file, _ in self.functions())

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        def entered(frame: FrameType, event: str, argument: object) -> None:
            if event == "call":
                self.calls[frame.f_code] += 1

        threading.setprofile(entered)
        sys.setprofile(entered)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trace", description="One event's way to one webhook.")
    parser.add_argument("--only", action="store_true", help="render the webhook's format alone")
    parser.add_argument("--files", action="store_true", help="list the files, with the functions entered in each")
    parser.add_argument("--functions", metavar="PART", help="list the functions of files whose path contains this")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="citewire-trace-") as name:
        steps = traced(Path(name), only=arguments.only)
    rows = [(step, str(len(trace.files())), str(len(trace.functions()))) for step, trace in steps.items()]
    print(table(("step", "files", "functions"), rows))
    together = next(reversed(steps.values()))
    if arguments.files:
        print(*(f"{count:5} {file}" for file, count in sorted(together.files().items())), sep="\n")
    if arguments.functions:
        print(
            *(
                f"{calls:7} {file} {name}"
                for (file, name), calls in sorted(together.functions().items())
                if arguments.functions in file
            ),
            sep="\n",
        )


def traced(folder: Path, *, only: bool = False) -> dict[str, Trace]:
    """Return the trace of each step of the second article's way, and of all steps together for both articles."""
    with EutilsStandin() as pubmed, receiving(folder, os.environ) as partner, (folder / "log").open("w") as log:
        environment = configured(folder, pubmed=pubmed.url, partner=partner.url)
        os.environ["BENCHMARK_SECRET"] = environment["BENCHMARK_SECRET"]
        with contextlib.redirect_stderr(log):
            logs.configure("trace")
            context = build_context(load(environment), NoDoorbell())
            if only:
                context = replace(context, formats={"ninjs": context.formats["ninjs"]})
            try:
                return _traced(context, partner)
            finally:
                context.ledger.close()


def _traced(context: Context, partner: Receiving) -> dict[str, Trace]:
    with context.ledger.write() as transaction:
        tokens.add(transaction, _TOKEN, name="trace", scope="publish", now=context.clock())
    app = create_app(context, alive=list)
    found: dict[str, Trace] = {}
    for number, ordinal in enumerate(("first", "second"), start=1):
        stages: dict[str, Callable[[], object]] = {
            "enrich": lambda: drain(context, Enrich()),
            "render": lambda: drain(context, Render()),
            "deliver": lambda: drain(context, Deliver(), "partner"),
        }
        traces = {name: Trace() for name in ("POST", *stages)}
        with traces["POST"].running():
            asyncio.run(_post(app, number))
        stop = time.monotonic() + _WITHIN
        while partner.count() < number:
            assert time.monotonic() < stop, f"the {ordinal} article was not delivered within {_WITHIN} s"
            time.sleep(_BETWEEN)
            for name, step in stages.items():
                with traces[name].running():
                    step()
        found |= {f"{ordinal} article: {name}": trace for name, trace in traces.items()}
        found[f"{ordinal} article: all"] = Trace(sum((trace.calls for trace in traces.values()), Counter()))
    return found


async def _post(app: FastAPI, number: int) -> None:
    headers = {
        "host": "notes.example.org",
        "ce-specversion": "1.0",
        "ce-type": "org.citewire.article.published",
        "ce-source": "urn:benchmark",
        "ce-id": str(number),
        "content-type": "text/markdown",
        "authorization": f"Bearer {_TOKEN}",
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/events",
        "raw_path": b"/v1/events",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("testserver", 80),
    }
    body: list[dict[str, Any]] = [{"type": "http.request", "body": numbered(number).encode(), "more_body": False}]

    async def receive() -> dict[str, Any]:
        return body.pop() if body else await asyncio.Future()

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 202) == 202, message

    await app(scope, receive, send)  # type: ignore[arg-type]  # plain dicts are what it takes


if __name__ == "__main__":
    main()
