"""`listen` forwards what a channel is sent to a receiver in a process of its own, and leaves no trace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from command import citewire
from served import SITE, Served, served
from waiting import PATIENCE

from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import tables
from standins.receiver import Receiver

SECRET = new_secret()
ARTICLE = "---\nid: {id}\ntitle: Naps {n}\n---\nThey help.\n"


@pytest.fixture
def partner() -> Iterator[Receiver]:
    """Where the channel's own deliveries go."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def site(database: str | None, tmp_path: Path, partner: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PARTNER_SECRET", new_secret())
    monkeypatch.setenv("CITEWIRE_LISTEN_SECRET", SECRET)
    monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "site.toml"))
    monkeypatch.setenv("CITEWIRE_DATA", str(tmp_path / "var"))
    text = 'egress_allow = ["127.0.0.0/8"]\n' + SITE.replace("https://partner.example.org/", partner.url)
    if database is not None:
        monkeypatch.setenv("CITEWIRE_DATABASE_URL", database)
    with served(tmp_path, text, ("html", "json-ld", "ninjs", "amp"), database, scripted=False) as site:
        yield site


@contextmanager
def receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A receiver in a process of its own: its address, and the file of what it received."""
    log = tmp_path / "received.jsonl"
    command = [sys.executable, "-m", "standins.receiver", "--port", "0", "--log", str(log)]
    command += ["--secret", "CITEWIRE_LISTEN_SECRET"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1], log
        finally:
            process.terminate()


class Listening:
    """`citewire listen partner`, in a process of its own."""

    def __init__(self, address: str, *words: str) -> None:
        command = [sys.executable, "-m", "workers.cli", "listen", "partner", "--forward", address, "--json", *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def end(self) -> tuple[int, str]:
        """Press Ctrl-C; return the status, and what was said last."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


@contextmanager
def listening(address: str, *words: str) -> Iterator[Listening]:
    one = Listening(address, *words)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


def publish(site: Served, id: str, n: int = 1) -> None:
    site.publish(ARTICLE.format(id=id, n=n), name=id)
    site.work()


def known(site: Served) -> list[object]:
    """Everything that the ledger knows of deliveries and channels."""
    them = (tables.deliveries, tables.attempts, tables.channels, tables.pulls, tables.pull_positions)
    with site.context.ledger.read() as transaction:
        return [[tuple(row) for row in transaction.execute(sa.select(table))] for table in them]


def test_each_message_is_as_the_channel_gets_it_and_no_delivery_knows(
    site: Served, partner: Receiver, tmp_path: Path
) -> None:
    publish(site, "before")
    with receiver(tmp_path) as (address, log), listening(f"{address}in") as one:
        assert SECRET in one.said
        publish(site, "naps")
        publish(site, "naps", 2)
        site.withdraw("naps")
        site.work()
        then = known(site)
        lines = [one.line()]
        while lines[-1]["event"] != "withdrawn":
            lines.append(one.line())
        status, said = one.end()
        assert known(site) == then
        got = [json.loads(line) for line in log.read_text().splitlines()]
    assert status == 0
    assert f"--after {lines[-1]['cursor']}" in said
    sent = [line for line in lines if line["code"] is None]
    assert [one["revision"] for one in sent] == [int(each["headers"]["citewire-revision"]) for each in got]
    assert all(each["verified"] for each in got)
    theirs = {each.headers["webhook-id"]: each for each in partner.received}
    for each in got:
        real = theirs[each["headers"]["webhook-id"]]
        assert each["digest"] == real.digest
        own = ("content-type", "citewire-event", "citewire-article", "citewire-revision")
        assert {name: each["headers"][name] for name in own} == {name: real.headers[name] for name in own}


def test_a_receiver_that_hangs_or_fails_is_shown_and_not_asked_again(site: Served, tmp_path: Path) -> None:
    with receiver(tmp_path) as (address, log), listening(f"{address}in", "--timeout", "5") as one:
        lines = []
        for id, conduct in (("a", {"mode": "hang"}), ("b", {"status": 500, "body": "no"}), ("c", {})):
            requests.post(f"{address}control", json=conduct, timeout=PATIENCE).raise_for_status()
            publish(site, id)
            lines.append(one.line())
        one.end()
        articles = [json.loads(line)["headers"]["citewire-article"] for line in log.read_text().splitlines()]
    assert [(line["article"], line["status"]) for line in lines] == [("a", None), ("b", 500), ("c", 204)]
    assert lines[0]["code"] == "timeout"
    assert articles == ["a", "b", "c"]


def test_nothing_is_lost_between_two_runs(site: Served, tmp_path: Path) -> None:
    with receiver(tmp_path) as (address, _):
        with listening(f"{address}in") as one:
            publish(site, "a")
            cursor = one.line()["cursor"]
            assert one.end()[0] == 0
        for id in ("b", "c"):
            publish(site, id)
        with listening(f"{address}in", "--after", cursor) as one:
            assert [one.line()["article"] for _ in range(2)] == ["b", "c"]
            publish(site, "d")
            assert one.line()["article"] == "d"
        with listening(f"{address}in", "--since", "2026-01-01T00:00Z") as one:
            assert [one.line()["article"] for _ in range(4)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://partner.example.org/in", "not-this-machine"),
        ("http://10.0.0.1/in", "not-this-machine"),
        ("http://localhost.example.org/in", "not-this-machine"),
        ("http://localhost@partner.example.org/", "not-this-machine"),
        ("http://[::1", "not-this-machine"),
        ("file:///etc/passwd", "not-this-machine"),
        ("http://127.0.0.1:99999/", "not-this-machine"),
    ],
)
def test_only_an_address_on_this_machine_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, address: str, code: str
) -> None:
    monkeypatch.setenv("PARTNER_SECRET", new_secret())
    monkeypatch.setenv("CITEWIRE_LISTEN_SECRET", SECRET)
    with served(tmp_path, formats=("html", "json-ld", "ninjs", "amp")):
        monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "site.toml"))
        monkeypatch.setenv("CITEWIRE_DATA", str(tmp_path / "var"))
        refused = citewire(capsys, "listen", "partner", "--forward", address)
        assert (refused.status, f"[{code}]" in refused.err) == (2, True), refused.err
        cursor = citewire(capsys, "listen", "partner", "--forward", "http://127.0.0.1:1/", "--after", "7-none")
        assert (cursor.status, "[invalid-cursor]" in cursor.err) == (2, True)
        assert citewire(capsys, "listen", "partnr", "--forward", "http://[::1]:1/").status == 4
