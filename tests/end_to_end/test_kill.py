"""kill -9 of anything, in the middle of work: nothing is lost or goes backwards, no copy gets an id of its own."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from running import Running, article, system
from waiting import until

from pipeline.channels.webhook.signing import new_secret
from standins.eutils import EutilsStandin
from standins.receiver import Conduct, Receiver

ARTICLES = 24
EARLY, EVERY = 4, 6  # so many are delivered before the kill; every so many is changed after it


def kill_valkey_and_its_data(running: Running) -> None:
    valkey = running.child("valkey-server")
    folder = valkey.cwd()
    valkey.kill()
    shutil.rmtree(folder, ignore_errors=True)


VICTIMS: dict[str, Callable[[Running], None]] = {
    "deliver": lambda running: running.child("worker", "deliver").kill(),
    "pipeline": lambda running: running.child("worker", "pipeline").kill(),
    "valkey": kill_valkey_and_its_data,
    "web": lambda running: running.child("workers.cli", "web").kill(),
    "everything": lambda running: running.kill(),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Receiver]]:
    """A system that every case is tried on: what was killed comes back, so that each finds a whole one."""
    folder, secret = tmp_path_factory.mktemp("site"), new_secret()
    with (
        Receiver(secrets=[secret]) as receiver,
        EutilsStandin() as pubmed,
        system(folder, pubmed=pubmed.url, webhook=receiver.url, secret=secret) as running,
    ):
        yield running, receiver


@pytest.mark.parametrize("victim", VICTIMS)
def test_after_a_kill_every_article_is_delivered(victim: str, site: tuple[Running, Receiver], tmp_path: Path) -> None:
    running, receiver = site
    receiver.received.clear()
    receiver.conduct(Conduct(seconds=1.0))  # so that most is still to be done at the kill
    for number in range(ARTICLES):
        article(tmp_path, f"{victim}-{number:03}", pmids="1623444")
    assert running.publish(tmp_path, wait=False).status == 0
    until(lambda: len(receiver.received) > EARLY, what=running.tail)
    VICTIMS[victim](running)
    assert len(receiver.received) < ARTICLES, "it was killed after the work"
    if victim == "everything":
        running.start()
    receiver.conduct(Conduct(seconds=0.01))
    for number in range(0, ARTICLES, EVERY):
        article(tmp_path, f"{victim}-{number:03}", "Changed meanwhile.", pmids="1623444")
    answer = running.publish(tmp_path)
    assert answer.status == 0, (answer.err[-1000:], running.tail())
    assert_nothing_lost_or_reordered(receiver)


def assert_nothing_lost_or_reordered(receiver: Receiver) -> None:
    revisions: dict[str, list[int]] = defaultdict(list)
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in receiver.received:
        assert one.verified
        name, revision = one.headers["citewire-article"], int(one.headers["citewire-revision"])
        revisions[name].append(revision)
        ids[name, revision].add(one.headers["webhook-id"])
    assert len(revisions) == ARTICLES
    assert all(seen == sorted(seen) for seen in revisions.values())
    assert all(len(seen) == 1 for seen in ids.values())
    newest = {name: one.body for one in receiver.received for name in [one.headers["citewire-article"]]}
    changed = [name for name, body in newest.items() if b"Changed meanwhile." in body]
    assert len(changed) == ARTICLES // EVERY


def test_a_withdrawal_is_the_first_thing_that_a_partner_gets_when_it_answers_again(
    site: tuple[Running, Receiver], tmp_path: Path
) -> None:
    running, receiver = site
    receiver.behave()
    receiver.received.clear()
    assert running.publish(article(tmp_path, "wrong")).status == 0
    receiver.conduct(Conduct(status=503))
    others = tmp_path / "others"
    others.mkdir()
    for number in range(15):
        article(others, f"other-{number}")
    running.publish(others, wait=False)
    until(lambda: any(one.answered == 503 for one in receiver.received), what=running.tail)
    running.run("withdraw", "wrong", "--reason", "The dose was wrong.", "--json")
    tried = len(receiver.received)
    until(lambda: len(receiver.received) > tried, what=running.tail)
    receiver.behave()
    until(lambda: len({one.headers["citewire-article"] for one in _taken(receiver)}) == 16, what=running.tail)
    _published, first, *_ = _taken(receiver)
    assert (first.headers["citewire-article"], first.headers["citewire-event"]) == ("wrong", "withdrawn")


def _taken(receiver: Receiver) -> list:  # type: ignore[type-arg]
    return [one for one in receiver.received if one.answered == 204]


def test_up_has_one_thread_and_no_ledger_open_so_that_its_forks_are_sound(site: tuple[Running, Receiver]) -> None:
    running, _ = site
    assert running.up is not None
    parent = psutil.Process(running.up.pid)
    assert parent.num_threads() == 1
    assert [one.path for one in parent.open_files() if "ledger" in one.path] == []
    assert running.child("worker", "deliver").ppid() == parent.pid
