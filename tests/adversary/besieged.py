"""A whole system with an honest partner, hostile ones, secrets that are searched for, and its attackers' process."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import started
from canaries import Canary, Search
from faked_clock import FakedClock
from own_database import own_database
from running import ROOT, Running, system
from sqlalchemy.engine import URL
from waiting import until
from world import RETRIED_SOON, World

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Receiver

HERE = Path(__file__).resolve().parent
HOSTILE = {"one": "ninjs", "two": "amp", "three": "json-feed"}  # channels, and their formats
_FEED = "https://notes.example.org/feeds/honest.rss"
_MORE = f"""
{RETRIED_SOON}
[[feeds]]
id = "honest"
title = "Doctor's Note: by honest authors"
topics = ["honest"]
size = 200

[[channels]]
id = "pulled"
type = "pull"
format = "markdown"
topics = ["honest"]

[[channels]]
id = "theirs"
type = "pull"
format = "markdown"
"""
_HOSTILE = """
[[channels]]
id = "{id}"
type = "webhook"
format = "{format}"
url = "{url}"
secret = "env:SECRET_{id}"
bearer = "env:BEARER_{id}"
plain_http = true
proof_url = "{url}/{{article}}"
"""
# Where the text of articles is, and why one was withdrawn, before anyone outside may know.
_LEDGER = "data/ledger.sqlite*"
_INSIDE = (_LEDGER, "row:contents.*", "row:revisions.*", "row:operation_parts.reason", "answers-to-the-author")


class Attackers:
    """The process of the attackers."""

    def __init__(self, folder: Path, seed: int) -> None:
        command = [sys.executable, str(HERE / "attacker.py"), str(folder), str(seed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.partner = f"http://127.0.0.1:{self._answer()['port']}"

    def tell(self, order: dict[str, Any], *, answered: bool = True) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer() if answered else {}

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.terminate()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the attackers' process has ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


@dataclass
class Besieged:
    folder: Path
    running: Running
    world: World
    attackers: Attackers
    canaries: tuple[Canary, ...]
    database: str
    clock: FakedClock | None

    def leaks(self, search: Search) -> Iterator[str]:
        """Yield where canaries are that must not be there."""
        ask_as_a_stranger(self.running, self.folder / "answers-to-ours")
        for name in ("answers-to-ours", "answers-to-strangers", "answers-to-the-author", "up.log", "watch.log"):
            yield from search.at(name, (self.folder / name).read_bytes())
        for path in sorted(self.folder.glob("heard-by-*")):
            yield from search.at(path.name, path.read_bytes())
        received = self.world.receivers["first"].received
        honest = [str(dict(one.headers)).encode() + one.path.encode() + one.body for one in received]
        yield from search.at("heard-by-partner", b"\n".join(honest))
        yield from search.files(self.folder / "out", "out")
        yield from search.files(self.running.data, "data")
        yield from search.rows(self.database)


def ask_as_a_stranger(running: Running, file: Path) -> None:
    """Ask for everything that might show a canary, and write down the answers."""
    names = ("embargoed", "taken-back", "to-be-changed")
    suffixes = ("", ".amp", ".ninjs", ".md", ".json", ".rss", ".evidence.json")
    others = ("/metrics", "/readyz", "/healthz", "/sitemap.xml", "/sitemap-news.xml", "/feeds", "/v1/articles")
    feeds = (f"/feeds/{feed}.{kind}" for feed in ("latest", "honest") for kind in ("rss", "atom", "json"))
    with file.open("wb") as kept:
        for path in (*(f"/articles/{name}{suffix}" for name in names for suffix in suffixes), *others, *feeds):
            got = running.get(path)
            kept.write(f"{path} {got.status_code} {got.headers}\n".encode() + got.content + b"\n")


@contextlib.contextmanager
def besieged(folder: Path, seed: int, server: URL | None, *, with_clock: bool = False) -> Iterator[Besieged]:
    """A running system on SQLite, or on a database of its own on `server`."""
    signing = {id: new_secret() for id in ("partner", *HOSTILE)}
    bearers = {id: secrets.token_urlsafe(24) for id in HOSTILE}
    attackers = Attackers(folder, seed)
    more = _MORE + "".join(
        _HOSTILE.format(id=id, format=format, url=f"{attackers.partner}/channel/{id}") for id, format in HOSTILE.items()
    )
    with (
        contextlib.ExitStack() as stack,
        EutilsStandin(invent=True) as pubmed,
        Receiver(secrets=[signing["partner"]]) as honest,
    ):
        stack.callback(attackers.end)
        running = stack.enter_context(
            system(
                folder, pubmed=pubmed.url, webhook=f"{honest.url}in", secret=signing["partner"], more=more, start=False
            )
        )
        key, password, embargoed, reason, outside, subscriber = (secrets.token_hex(18) for _ in range(6))
        running.environment |= {f"SECRET_{id}": signing[id] for id in HOSTILE}
        running.environment |= {f"BEARER_{id}": bearers[id] for id in HOSTILE} | {"CITEWIRE_PUBMED_API_KEY": key}
        database = f"sqlite:///{folder / 'data' / 'ledger.sqlite'}"
        if server is not None:
            url = stack.enter_context(own_database(server)).set(password=password)
            database = url.render_as_string(hide_password=False)
            running.environment["CITEWIRE_DATABASE_URL"] = database
        clock = FakedClock(folder / "clock") if with_clock else None
        running.environment |= clock.environment if clock else {}
        running.start(within=120)
        world = World([running], {"first": honest}, folder, folder / "out", (), seed, feed="honest", topics=["honest"])
        tokens = {scope: _token(running, scope) for scope in ("publish", "partner:pulled", "partner:theirs", "admin")}
        world.tokens = tokens
        author = _token(running, "publish", "author")
        canaries = (
            *(Canary(f"the webhook secret of {id}", text) for id, text in signing.items()),
            *(Canary(f"the bearer of {id}", text, (f"heard-by-{id}",)) for id, text in bearers.items()),
            *(Canary(f"the token for {scope}", text) for scope, text in tokens.items()),
            Canary("the token of the author", author),
            Canary("NCBI's key", key),
            Canary("the database's password", password),
            Canary("the embargoed text", embargoed, _INSIDE),
            Canary("the internal reason", reason, _INSIDE),
            Canary("the file beside the watched folder", outside),
            Canary(
                "the subscriber's secret",
                subscriber,
                (_LEDGER, "row:subscriptions.secret", "row:subscription_requests.secret"),
            ),
        )
        _keep_back(running, tokens["publish"], embargoed, reason)
        watched = folder / "watched"
        watched.mkdir()
        (folder / "outside").mkdir()
        (folder / "outside" / "secret.md").write_text(f"---\ntitle: A secret\n---\n\n{outside}\n")
        stack.enter_context(_watching(running, watched, folder / "watch.log"))
        given = {"port": urlsplit(running.web).port, "feed": _FEED, "watched": str(watched)}
        theirs = {"author": author, "partner:theirs": tokens["partner:theirs"]}
        attackers.tell(given | {"tokens": theirs, "subscriber_secret": subscriber}, answered=False)
        yield Besieged(folder, running, world, attackers, canaries, database, clock)


def _token(running: Running, scope: str, name: str = "") -> str:
    made = running.run("token", "create", "--name", name or scope.replace(":", "-"), "--scope", scope)
    assert made.status == 0, made.err
    return str(made.out.split()[-1])


def _keep_back(running: Running, token: str, embargoed: str, reason: str) -> None:
    """Publish an article and an update under an embargo, and take back an article that never came out."""
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(days=30)).isoformat()
    text = {"title": "To come", "summary": embargoed, "body": f"## Soon\n\n{embargoed}\n", "topics": ["honest"]}
    before = {"title": "As it is", "body": "## Now\n\nRest.\n", "topics": ["honest"]}
    events = (
        ("published", "embargoed", text | {"embargo": later}),
        ("published", "taken-back", text | {"embargo": later}),
        ("withdrawn", "taken-back", {"reason": f"Because of {reason}."}),
        ("published", "to-be-changed", before),
        ("updated", "to-be-changed", text | {"embargo": later}),
    )
    for number, (kind, name, data) in enumerate(events):
        event = {"specversion": "1.0", "id": str(number), "source": "urn:kept-back", "subject": name}
        event |= {"type": f"org.citewire.article.{kind}", "datacontenttype": "application/json"}
        headers = {"content-type": "application/cloudevents+json", "authorization": f"Bearer {token}"}
        answer = requests.post(
            f"{running.web}/v1/events", data=json.dumps(event | {"data": data}), headers=headers, timeout=60
        )
        assert answer.status_code == 202, answer.text
        if data is before:
            until(lambda name=name: running.get(f"/articles/{name}").status_code == 200, what=running.tail)


@contextlib.contextmanager
def _watching(running: Running, folder: Path, log: Path) -> Iterator[None]:
    with log.open("ab") as out:
        command = [*running.command("watch", folder), *running.where]
        process = started.start(command, env=running.environment, cwd=ROOT, stdout=out, stderr=out)
    try:
        yield
        assert process.poll() is None, f"watch has ended: {log.read_text()[-2000:]}"
    finally:
        process.terminate()
        process.wait()
