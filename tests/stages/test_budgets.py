"""Work that does not end: it costs its own article and its process, and nobody else's."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from bench import PLAIN, Bench, Receiver, WithoutFeeds, article
from every_stage import deliver, render
from waiting import until

from pipeline.ledger import Ledger, leases, operations
from pipeline.ledger.articles import ALONE, MOST_STARTS
from pipeline.ledger.attention import facts
from pipeline.ledger.deliveries.sending import INTERRUPTIONS
from pipeline.ledger.tables import articles as rows
from pipeline.model.delivery import Parcel, Receipt
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.stages.accept.replay import replay
from pipeline.stages.attention import attention
from pipeline.stages.context import LEASE, Context
from pipeline.stages.stage import drain
from pipeline.stages.working import Working
from workers import overdue

OTHERS = ("one", "two", "three")


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = WithoutFeeds(ledger)
    for name in (*OTHERS, "spasms"):
        bench.publish(article(name))
    return bench


def starts(bench: Bench, name: str = "spasms") -> int:
    with bench.ledger.read() as transaction:
        return int(transaction.scalar(sa.select(rows.c.starts).where(rows.c.id == name)) or 0)


def killed(bench: Bench) -> list[str]:
    """A worker claims what is due and is killed; `up` gives back what it had. Return what it had claimed."""
    claims = render.claim(bench.context)
    with bench.ledger.write() as transaction:
        leases.release_all(transaction, owner=LEASE)
    return [key for claim in claims for key in claim.keys]


def conditions(bench: Bench) -> list[str]:
    with bench.ledger.read() as transaction:
        return [one.kind for one in attention(facts(transaction, ["partner"], now=bench.clock.now))]


def test_an_article_that_ends_its_process_is_tried_alone_and_then_no_more(bench: Bench) -> None:
    for _ in range(ALONE):
        assert set(killed(bench)) == {*OTHERS, "spasms"}
    bench.publish(article("new"))
    assert killed(bench) == ["new"], "what is not suspect comes first"
    tried = []
    while claims := render.claim(bench.context):
        assert len(claims) == 1
        tried += claims[0].keys
        if "spasms" in claims[0].keys:
            with bench.ledger.write() as transaction:
                leases.release_all(transaction, owner=LEASE)
        else:
            render.do(bench.context, claims[0])
    assert sorted(tried) == sorted(["new", *OTHERS, *["spasms"] * (MOST_STARTS - ALONE)])
    assert bench.article().due is None and "render-interrupted" in (bench.article().error or "")
    assert all(bench.article(name).rendered == 1 for name in (*OTHERS, "new"))
    assert conditions(bench).count("article-set-aside") == 1


def set_aside(bench: Bench) -> None:
    for _ in range(MOST_STARTS + len(OTHERS) * MOST_STARTS):
        killed(bench)
    assert killed(bench) == [] and conditions(bench).count("article-set-aside") == 1 + len(OTHERS)


@pytest.mark.parametrize("how", ["published", "replayed", "withdrawn"])
def test_an_article_that_was_set_aside_comes_back_with_news_of_it(bench: Bench, how: str) -> None:
    set_aside(bench)
    if how == "published":
        bench.publish(article(text="Simpler."))
    elif how == "replayed":
        bench.bells.rung.clear()
        done = replay(bench._intake(), by="test", article_id="spasms")
        with bench.ledger.read() as transaction:
            (part,) = operations.parts_of(transaction, done.operation or "", limit=9)
        assert (done.retried, part.article, part.reason) == (True, "spasms", "was set aside")
        assert ("render", "") in bench.bells.rung
    else:
        bench.withdraw()
    bench.work()
    assert starts(bench) == 0
    assert conditions(bench).count("article-set-aside") == len(OTHERS)
    assert bench.article().rendered == {"published": 2, "replayed": 1}.get(how)


def test_what_is_given_back_before_it_was_begun_does_not_become_suspect(bench: Bench) -> None:
    for _ in range(MOST_STARTS + 1):
        render.release(bench.context, render.claim(bench.context))
        assert starts(bench) == 0
    bench.work()
    assert starts(bench) == 0 and bench.article().rendered == 1


@pytest.fixture
def endless(bench: Bench) -> Iterator[Bench]:
    """A format that never ends for one article, and for no other."""
    let_go = threading.Event()

    def loop(revision: Revision, site: Site) -> bytes:
        while revision.article.id == "spasms" and not let_go.is_set():
            sum(range(1_000))
        return PLAIN.render(revision, site)

    bench.context = dataclasses.replace(
        bench.context,
        formats={"plain": dataclasses.replace(PLAIN, render=loop)},
        policy=dataclasses.replace(bench.context.policy, article_budget=2.0),
        working=Working(),
    )
    bench.context = dataclasses.replace(bench.context, hold=bench.context.working.hold)
    before = set(threading.enumerate())
    yield bench
    let_go.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)


def test_a_thread_that_never_ends_has_its_process_replaced_when_the_others_are_done(
    endless: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads render, as in a worker; the one that is stuck cannot be ended."""
    monkeypatch.setattr(overdue, "LOOK", 0.05)
    ended, stop = threading.Event(), threading.Event()
    threads = [threading.Thread(target=drain, args=(endless.context, render), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    overdue.start(endless.context, stop, end=lambda status: ended.set())
    assert ended.wait(60)
    until(lambda: sum(thread.is_alive() for thread in threads) == 1, 60)
    assert starts(endless) == ALONE, "it is tried alone from now on"
    assert endless.article().rendered is None
    assert drain(endless.context, render) == 0, "a process that is being replaced takes no work"
    with endless.ledger.write() as transaction:  # the next process
        leases.release_all(transaction, owner=LEASE)
    endless.context = dataclasses.replace(endless.context, hold=lambda: None)
    drain(endless.context, render)
    assert all(endless.article(name).rendered == 1 for name in OTHERS)


@dataclasses.dataclass
class Endless(Receiver):
    """A channel of a plug-in that never ends for one article."""

    let_go: threading.Event = dataclasses.field(default_factory=threading.Event)

    def deliver(self, parcel: Parcel) -> Receipt:
        while parcel.article_id == "spasms" and not self.let_go.is_set():
            sum(range(1_000))
        return super().deliver(parcel)


def sweeping(context: Context, ended: threading.Event) -> None:
    """Send what is due until the process ends, as threads do for which a sweep rings every second."""
    while not ended.wait(0.02):
        drain(context, deliver, "partner")


def test_a_send_that_never_ends_has_its_process_replaced_and_the_others_are_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that a process had taken when it ended are sent one by one."""
    monkeypatch.setattr(overdue, "LOOK", 0.05)
    drain(bench.context, render)
    partner = bench.receivers["partner"] = Endless()
    policy = dataclasses.replace(bench.context.policy, send_budget=2.0)
    threads = []

    def others_have_it() -> bool:
        return {parcel.article_id for parcel in partner.got} == set(OTHERS)

    for _ in range(2 * INTERRUPTIONS):  # processes, one after the other: on a busy machine each sends little
        working, ended = Working(), threading.Event()
        context = dataclasses.replace(bench.context, policy=policy, working=working, hold=working.hold)
        threads += [threading.Thread(target=sweeping, args=(context, ended), daemon=True) for _ in range(2)]
        for thread in threads[-2:]:
            thread.start()
        overdue.start(context, ended, end=lambda status, ended=ended: ended.set())
        until(lambda ended=ended: ended.is_set() or others_have_it(), 120)
        ended.set()
        with bench.ledger.write() as transaction:
            leases.release_all(transaction, owner=LEASE)
        if others_have_it():
            break
    assert others_have_it()
    partner.let_go.set()
    for thread in threads:
        thread.join(60)


def test_a_process_that_was_stopped_for_long_is_not_over_its_budget() -> None:
    """All its threads were: only a few seconds between two looks count."""
    working = Working()
    with working.on("render", "token", ("spasms",), 20.0):
        assert working.observe(5.0) == [] and working.hold() is None
    with working.on("render", "token", ("spasms",), 20.0), working.on("render", "token", ("one",), 1.0):
        (over,) = working.observe(5.0)
        assert over.keys == ("one",) and working.others_are_done
        assert working.observe(5.0) == [], "said once"
        assert working.hold() is not None
