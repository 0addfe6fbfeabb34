"""Thousands of dead letters of one cause are replayed with one button, while everything is killed (-9) three times.

Once while the button's request is being answered, and twice while the partner is being sent what was replayed: 10,000
with scripts, and fewer without them and by keyboard, where CITEWIRE_DEAD_LETTERS may say how many. The ledger is SQLite
unless CITEWIRE_DEAD_LETTERS_ON is `postgresql`. How long it took is printed (`-s`) and not judged.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from dead_letters import CHANNEL, refused
from judges.browser import chromium
from own_database import own_database
from playwright.sync_api import Browser, Request, expect
from ports import free_port
from running import Running, kill_all, system
from test_console_flow import Desk, desk
from waiting import until

from pipeline.channels.webhook.signing import new_secret
from pipeline.ledger import Ledger, deliveries
from pipeline.stages.context import Policy
from standins.eutils import EutilsStandin
from standins.receiver import Conduct, Receiver

ON = os.environ.get("CITEWIRE_DEAD_LETTERS_ON", "sqlite")
MANY, FEWER = 10_000, int(os.environ.get("CITEWIRE_DEAD_LETTERS", "1000"))
KILLED_AT = (0.2, 0.6)  # of all at the partner
SLOWLY = Conduct(seconds=0.2)
IN_FLIGHT = Policy().deliver_parallel * Policy().deliver_batch  # what a kill may cause to be sent once more
AT_ONCE = "\n[delivery]\nrefused_retries = []\n"  # how soon a refusal is given up on
SECRET = new_secret()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("PARTNER_SECRET", SECRET)
    with Receiver(secrets=[SECRET]) as receiver:
        yield receiver


@pytest.fixture
def ledger_at(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What the environment says of the ledger."""
    if ON == "sqlite":
        yield {}
        return
    assert ON == "postgresql", "CITEWIRE_DEAD_LETTERS_ON is sqlite or postgresql"
    with own_database(sa.make_url(request.getfixturevalue("postgresql"))) as url:
        yield {"CITEWIRE_DATABASE_URL": url.render_as_string(hide_password=False)}


@pytest.fixture
def running(tmp_path: Path, receiver: Receiver, ledger_at: dict[str, str]) -> Iterator[Running]:
    """A system that was not started yet. It comes back at the same address, so that pages that are open go on."""
    with (
        EutilsStandin() as pubmed,
        system(tmp_path, pubmed=pubmed.url, webhook=receiver.url, secret=SECRET, more=AT_ONCE, start=False) as running,
    ):
        running.port = free_port()
        running.environment |= ledger_at
        yield running


@pytest.mark.parametrize(
    ("scripts", "count"), [(True, MANY), (False, FEWER)], ids=["with scripts", "by keyboard, without scripts"]
)
def test_dead_letters_of_one_cause_are_replayed_through_three_kills(
    browser: Browser, running: Running, receiver: Receiver, scripts: bool, count: int
) -> None:
    begun = time.monotonic()
    letters = refused(running, receiver, count)
    running.start()
    token = running.run("token", "create", "--name", "night desk", "--scope", "admin").out.split()[-1]
    filled = time.monotonic()
    with desk(browser, running, scripts=scripts, width=1440) as one:
        one.sign_in(token)
        one.sees("main", f"{count:,} deliveries given up")
        receiver.conduct(SLOWLY)
        is_done = kill_while_it_is_pressed(one, running, count)
        go_to_the_replay(one, count, is_done)
        one.mark()
        left = count
        for share in KILLED_AT:
            left = kill_on_the_way(one, running, receiver, sent=round(share * count), before=left)
        receiver.behave()
        until(lambda: len(receiver.received) >= count and len(articles_at(receiver)) == count, what=running.tail)
        one.sees("dl.facts", "nothing")
        assert one.is_unloaded()
        expect(one.page.locator("dl.facts")).to_contain_text(f"{count:,} of {count:,}")
        expect(one.page.locator("dl.facts")).not_to_contain_text("Given up again")
        one.open("/console/failures")
        expect(one.page.locator("main")).to_contain_text("Nothing fails.")
        one.open("/console")
        expect(one.page.locator("h1")).to_have_text("Nothing needs you")
        one.refused[:] = [words for words in one.refused if "Policy" in words]  # others say that nobody was there
    assert_each_arrived_under_one_id(receiver, letters)
    assert states(running) == {"delivered": count}
    again = len(receiver.received) - count
    took = time.monotonic() - filled
    print(f"{count:,} dead letters after {filled - begun:.1f} s, none left after {took:.1f} s more; {again} sent twice")
    print(f"the first kill came {'after' if is_done else 'before'} the replay was committed")
    assert again <= len(KILLED_AT) * IN_FLIGHT


def kill_while_it_is_pressed(one: Desk, running: Running, count: int) -> bool:
    """Kill everything as soon as the button's request is on its way; return whether all was done, and not nothing.

    A system that was quicker than the kill has answered the request, and may have shown where that led to, too.
    """
    one.open("/console/failures")
    expect(one.page.locator("h1")).to_have_text("Failures 1")
    victims, ended = running.session(), threading.Event()

    def kill(_: Request) -> None:
        kill_all(victims)

    def end(_: object) -> None:
        ended.set()

    one.page.get_by_role("button", name=f"Replay {count:,} deliveries", exact=True).focus()
    one.page.once("request", kill)
    one.page.once("requestfailed", end)
    one.page.once("load", end)
    one.page.keyboard.press("Enter")
    until(lambda: one.page.wait_for_timeout(20) or ended.is_set(), what=running.tail)  # events come while it waits
    running.kill()
    given_up = states(running).get("abandoned", 0)  # before a success of the channel makes everything due that failed
    assert given_up in (0, count)
    running.start()
    return given_up == 0


def go_to_the_replay(one: Desk, count: int, is_done: bool) -> None:
    """Press the button again, if nothing was done; otherwise look for the operation that was left."""
    if is_done:
        one.open("/console/operations")
        one.press(one.page.get_by_role("link", name="replay", exact=True))
    else:
        one.open("/console/failures")
        one.button(f"Replay {count:,} deliveries")
    one.page.wait_for_url("**/console/operations/op_*")
    expect(one.page.locator("dl.facts")).to_contain_text(f"{count:,} of {count:,}")


def kill_on_the_way(one: Desk, running: Running, receiver: Receiver, *, sent: int, before: int) -> int:
    """Kill everything once so many were sent and the page shows less than `before` to come; return what it shows."""
    receiver.behave()
    until(lambda: len(receiver.received) >= sent and len(articles_at(receiver)) >= sent, what=running.tail)
    receiver.conduct(SLOWLY)
    until(lambda: still_to_arrive(one) < before, what=running.tail)
    left = still_to_arrive(one)
    running.kill()
    assert left > 0, "it was killed after the work"
    running.start()
    return left


def still_to_arrive(one: Desk) -> int:
    if not one.scripts:
        one.page.reload()
    words = one.page.locator("dl.facts div", has_text="Still to arrive").locator("dd").inner_text()
    return 0 if words == "nothing" else int(words.replace(",", ""))


def articles_at(receiver: Receiver) -> set[str]:
    return {one.headers["citewire-article"] for one in list(receiver.received)}


def assert_each_arrived_under_one_id(receiver: Receiver, letters: set[str]) -> None:
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for one in receiver.received:
        assert one.verified and one.answered == 204
        name, id = one.headers["citewire-article"], one.headers["webhook-id"]
        assert name.encode() in one.body and id.endswith(f".{name}")
        ids[name].add(id)
    assert set(ids) == letters
    assert [name for name, its in ids.items() if len(its) > 1] == []


def states(running: Running) -> dict[str, int]:
    """Return how many of the partner's deliveries are in each state."""
    with closing(Ledger(running.database)) as ledger, ledger.read() as transaction:
        every = deliveries.counts_by_channel(transaction)
    return {state: number for (channel, state), number in every.items() if channel == CHANNEL and number}
