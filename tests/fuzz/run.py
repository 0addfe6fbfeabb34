"""Throws strange inputs at every way in: `python tests/fuzz/run.py --minutes 10 --seed 1`.

Each input is a known one that was cut, doubled, spliced with another and sprinkled with what parsers stumble over. Ends
with 1 where anything but the errors of that way comes out, or where an input costs more processor time than its bytes
allow; the input is then written to a file. Prints how many inputs each way had. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import ipaddress
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / folder) for folder in ("", "fuzz", "stages", "web"))]

import structlog  # noqa: E402
from asgi import CLIENT, send  # noqa: E402
from seeds import ANSWERS, FORMS, RECORD, REQUESTS, strange  # noqa: E402
from served import SITE, Served, served  # noqa: E402

from config import load  # noqa: E402
from pipeline.errors import CitewireError, ConfigError, InvalidEvent, TransientError  # noqa: E402
from pipeline.http import EgressGuard, Http  # noqa: E402
from pipeline.http.response import Response  # noqa: E402
from pipeline.intake import read_article  # noqa: E402
from pipeline.references.pubmed.pubmed_xml import parse_pubmed  # noqa: E402
from pipeline.stages.context import HubPlan  # noqa: E402
from pipeline.stages.redaction import redacted  # noqa: E402
from pipeline.web.problems import Problem  # noqa: E402
from pipeline.web.public.hub import _form  # noqa: E402

BASE, PER_BYTE = 0.5, 30e-6  # seconds of processor time that an input may cost: a pause for collection, and its bytes
NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


@dataclass
class Door:
    """`take(input)` raises one of `errors`, or nothing."""

    name: str
    seeds: list[bytes]
    take: Callable[[bytes], object]
    errors: tuple[type[Exception], ...] = ()
    tried: int = 0


def doors(site: Served, folder: Path) -> list[Door]:
    articles = [path for path in (ROOT / "examples").rglob("*") if path.suffix in (".md", ".html", ".json", ".txt")]
    plan = HubPlan(
        address="https://notes.example.org/hub", http=Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
    )
    settings = folder / "fuzzed.toml"

    def settle(text: bytes) -> None:
        settings.write_bytes(text)
        load({"CITEWIRE_CONFIG": str(settings), "CITEWIRE_DATA": str(folder / "none")})

    return [
        *(
            Door(
                f"intake {suffix}",
                [path.read_bytes()[:8_000] for path in articles if path.suffix == suffix] or [b"T\n\nText of it.\n"],
                lambda text, suffix=suffix: read_article(text, name=f"a{suffix}"),  # type: ignore[misc]
                (InvalidEvent,),
            )
            for suffix in (".md", ".html", ".json", ".txt")
        ),
        Door("pubmed xml", [RECORD], parse_pubmed, (TransientError,)),
        Door("api", REQUESTS, lambda text: asked(site, text)),
        Door("hub", FORMS, lambda text: _form(text.decode("utf-8", "replace"), plan), (Problem,)),
        Door("partner answers", ANSWERS, answered, (CitewireError,)),
        Door("settings", [SITE.encode(), (ROOT / "config" / "defaults.toml").read_bytes()], settle, (ConfigError,)),
    ]


def asked(site: Served, text: bytes) -> None:
    """A request: its method and address on the first line, its fields, and its body."""
    head, _, body = text.partition(b"\n\n")
    first, *fields = head.decode("latin-1").split("\n")
    method, _, address = first.partition(" ")
    headers = {name.strip(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    named = {name: value for name, value in headers.items() if name.isascii() and value.isascii()}
    if method not in ("GET", "HEAD", "POST") or not address.isascii() or not address.startswith("/"):
        return
    try:
        answer = asyncio.run(send(site.app, method, address, body=body, headers=named, client=CLIENT))
    except ValueError as error:
        if "IPv6" in str(error) or "netloc" in str(error):
            return  # of the harness, which takes addresses apart as no server does
        raise
    assert answer.status < 500 or answer.status == 503, answer
    if answer.status >= 400 and method != "HEAD":
        assert answer.headers["content-type"] == "application/problem+json", answer


def answered(text: bytes) -> None:
    head, _, body = text.partition(b"\n\n")
    fields = [line.partition(":") for line in head.decode("latin-1").split("\n")]
    status = int(fields[0][0]) if fields[0][0].isdecimal() and len(fields[0][0]) == 3 else 200
    response = Response(status, {name.lower(): value.strip() for name, _, value in fields[1:]}, body)
    redacted(response.line), response.excerpt, response.retry_after(NOW), response.clock_difference(NOW)
    response.raise_for_delivery(NOW)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    chance, end = random.Random(arguments.seed), time.monotonic() + 60 * arguments.minutes
    with tempfile.TemporaryDirectory() as name, served(Path(name) / "site", formats={"ninjs", "json-ld"}) as site:
        ways = doors(site, Path(name))
        while time.monotonic() < end:
            for door in ways:
                if wrong := tried(door, chance):
                    return failed(door, *wrong)
    for door in ways:
        print(f"{door.name:16} {door.tried:>10,}")
    print(f"{sum(door.tried for door in ways):,} inputs, no error of another kind, none over its time")
    return 0


def tried(door: Door, chance: random.Random, seconds: float = 0.5) -> tuple[bytes, str] | None:
    """Try the door for a while. Return the input at fault, and what was wrong."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = strange(chance, door.seeds)
        door.tried += 1
        wrong = fault(door, text)
        if wrong:
            return text, wrong
    return None


def fault(door: Door, text: bytes) -> str:
    allowed = BASE + PER_BYTE * len(text)
    for _ in range(2):  # the second time without what a first one loads
        begun = time.process_time()
        try:
            door.take(text)
        except door.errors:
            pass
        except Exception as error:  # any other kind is what is looked for
            return f"{type(error).__name__}: {error}"[:500]
        spent = time.process_time() - begun
        if spent <= allowed:
            return ""
    return f"{spent:.2f} s for {len(text)} bytes"


def failed(door: Door, text: bytes, wrong: str) -> int:
    file = Path(tempfile.gettempdir()) / f"fuzzed-{door.name.replace(' ', '-')}"
    file.write_bytes(text)
    print(f"{door.name}: {wrong}\nthe input is in {file}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
