"""What needs a person: found in all rows, grouped by cause, gone once it is fixed."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from bench import START, Bench, WithoutFeeds, article
from documents import GUIDE
from msgspec import structs

from pipeline.ledger import Ledger, deliveries, leases, tables
from pipeline.ledger import attention as ledger_attention
from pipeline.ledger.articles.events import NotDone
from pipeline.ledger.attention import (
    ChannelTrouble,
    Facts,
    Group,
    Overdue,
    SilentSource,
    StuckFeed,
    UnappliedSettings,
)
from pipeline.ledger.deliveries import channels, failing
from pipeline.ledger.evidence import verdicts
from pipeline.ledger.evidence.mismatches import Mismatch
from pipeline.ledger.evidence.vanished import Vanished
from pipeline.ledger.evidence.verdicts import SourceState
from pipeline.ledger.places import Place
from pipeline.ledger.processes import Process
from pipeline.ledger.streams import Stream
from pipeline.stages.attention import MOST_CAUSES, OTHER_CAUSES, Condition, attention, needs
from pipeline.stages.causes import cause_of
from pipeline.stages.context import Policy
from pipeline.stages.failure_notes import dismiss, reopen
from pipeline.stages.failures import failures

LONG_AGO = START - dt.timedelta(hours=1)


def group(cause: str = "refused: 404", channel: str = "partner") -> Group:
    return Group(channel=channel, cause=cause, count=3, since=LONG_AGO, article="spasms")


def process(name: str, **more: object) -> Process:
    values = {"kind": "deliver", "host": "one", "release": "1", "schema": "1", "settings": "a", "clock_off": 0} | more
    return Process(name=name, started=LONG_AGO, seen=START, **values)  # type: ignore[arg-type]


def channel(**more: dt.datetime) -> ChannelTrouble:
    values = {"disabled": None, "failing": None, "opened": None} | more
    return ChannelTrouble(channel="partner", reason="410 Gone", **values)


ORPHAN = Place(
    key="p1",
    channel="partner",
    type="sftp",
    location="sftp://old",
    format="html",
    settings=None,
    state="orphan",
    since=LONG_AGO,
)
EVERYTHING = Facts(
    now=START,
    unapplied=UnappliedSettings(since=LONG_AGO),
    held=(group("hold", ""), group("gate")),
    dead=(group(),),
    refused=(group(),),
    withdrawals=(group(),),
    shown=(group("https://partner.example/spasms"),),
    channels=(channel(disabled=LONG_AGO), channel(opened=LONG_AGO), channel(paused=START - dt.timedelta(days=1))),
    elsewhere={"former": 2},
    sources={"pubmed": SilentSource(failures=5), "esearch": SilentSource(failures=2, error="html-page", again=START)},
    overdue=Overdue(2, "spasms", LONG_AGO.date()),
    mismatches=(
        Mismatch(
            article="spasms",
            number=1,
            work="pmid:1",
            differs="title",
            since=LONG_AGO,
            asked=START,
            suggested="2",
        ),
    ),
    vanished=(Vanished(work="pmid:7", count=2, article="spasms", since=LONG_AGO),),
    lost=(NotDone("spasms", "urn:cms", 2, LONG_AGO),),
    verdict_sources=(
        SourceState(
            name="retraction_watch",
            by_paper=False,
            answered=None,
            failing=START - dt.timedelta(days=2),
            error="not-data: it has other columns",
            etag=None,
            edition=0,
            rows=0,
        ),
    ),
    feeds=(StuckFeed("latest", 3, "store-unreachable: no answer"),),
    aside=("endless",),
    findings=("latest",),
    processes=(process("a", trouble="clock-wrong: an hour"), process("b", settings="other")),
    places=(
        ORPHAN,
        structs.replace(ORPHAN, state="in-force", check_error="timeout: no answer"),
    ),
    streams=(Stream(name="articles", group="citewire", dead=2, since=START, error="is not JSON [invalid-json]"),),
    disk="disk-full: var has 5 bytes left",
)


def found(bench: Bench) -> tuple[Condition, ...]:
    with bench.ledger.read() as transaction:
        return needs(transaction, list(bench.receivers), now=bench.clock.now)


def test_nothing_needs_a_person_where_nothing_is_wrong(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article())
    bench.work()
    bench.withdraw()
    bench.work()
    assert found(bench) == ()


def test_every_condition_says_who_must_act_and_what_to_run_and_is_explained() -> None:
    conditions = attention(EVERYTHING)
    assert len({one.key for one in conditions}) == len(conditions)
    assert all(one.what and one.command and one.who for one in conditions)
    section = (
        (GUIDE / "alerts.md").read_text(encoding="utf-8").split("\n## What needs a person\n", 1)[1].split("\n## ")[0]
    )
    explained = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert sorted(explained) == sorted({one.kind for one in conditions})


def test_a_source_that_has_not_answered_for_a_day_is_shown_until_it_does(bench: Bench) -> None:
    with bench.ledger.write() as transaction:
        verdicts.register(transaction, {"crossref": True})
        verdicts.failed(transaction, "crossref", "rate-limited: too many", now=bench.clock())
    bench.clock.pass_(23 * 3600)
    assert found(bench) == ()
    bench.clock.pass_(3600)
    (one,) = found(bench)
    assert (one.kind, one.who) == ("source-stale", "operator")
    assert "Crossref has not answered for a day (last: never)" in one.what
    with bench.ledger.write() as transaction:
        verdicts.answered(transaction, "crossref", now=bench.clock())
    assert found(bench) == ()


def test_an_overtaken_edit_is_shown_until_its_sender_sends_again(bench: Bench) -> None:
    """Under a clock that was set back the newest text comes with an older time than the one before."""
    for text in ("edit 1", "edit 2"):
        bench.publish(article(text=text), time=bench.clock.now)
        bench.clock.pass_(60)
    assert bench.publish(article(text="edit 3"), time=bench.clock.now - dt.timedelta(hours=1)).outcome == "overtaken"
    bench.work()
    (one,) = found(bench)
    assert (one.kind, one.who, one.article, one.count) == ("edit-overtaken", "editor", "spasms", 1)
    assert bench.publish(article(text="edit 3")).outcome == "accepted"
    bench.work()
    assert found(bench) == ()


def test_an_overtaken_edit_with_a_former_text_is_no_loss(bench: Bench) -> None:
    for text in ("edit 1", "edit 2"):
        bench.publish(article(text=text), time=bench.clock.now)
        bench.clock.pass_(60)
    assert bench.publish(article(text="edit 1"), time=START - dt.timedelta(minutes=1)).outcome == "overtaken"
    bench.work()
    assert found(bench) == ()


def test_a_refusal_is_shown_at_the_first_and_gone_when_the_channel_accepts(bench: Bench) -> None:
    bench.partner.mood = "refuses"
    bench.publish(article())
    bench.work()
    (one,) = found(bench)
    assert (one.kind, one.who, one.channel, one.article) == ("channel-refuses", "partner", "partner", "spasms")
    bench.partner.mood = "well"
    bench.work_for(60)
    assert found(bench) == ()


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return WithoutFeeds(ledger)


def test_a_disabled_channel_and_what_it_lacks_are_shown(bench: Bench) -> None:
    bench.partner.mood = "gone"
    bench.publish(article("first"))
    bench.publish(article("second"))
    bench.work_for(2)
    assert {one.kind for one in found(bench)} == {"channel-disabled", "delivery-exhausted"}


def test_a_paused_channel_is_shown_after_a_day_and_a_withdrawal_that_it_lacks_at_once(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    with bench.ledger.write() as transaction:
        channels.pause(transaction, "partner", reason="their migration", now=bench.clock())
    bench.withdraw()
    bench.work_for(180)
    assert bench.partner.got[-1].event == "published"
    assert [one.kind for one in found(bench)] == ["withdrawal-owed"]
    bench.clock.pass_(24 * 3600)
    assert [one.kind for one in found(bench)] == ["withdrawal-owed", "channel-paused"]
    with bench.ledger.write() as transaction:
        channels.resume(transaction, "partner")
    bench.work()
    assert bench.partner.got[-1].event == "withdrawn"
    assert [one.kind for one in found(bench)] == []


def test_a_channel_that_is_down_is_shown_after_some_minutes_and_a_withdrawal_sooner(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.partner.mood = "down"
    bench.withdraw()
    bench.work_for(60)
    assert found(bench) == ()
    bench.work_for(70)
    assert [one.kind for one in found(bench)] == ["withdrawal-owed"]
    bench.work_for(300, step=5)
    assert [one.kind for one in found(bench)] == ["withdrawal-owed", "channel-down"]


def test_two_hundred_dead_letters_of_one_cause_are_one_condition(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=()))
    bench.partner.mood = "refuses"
    for number in range(200):
        bench.publish(article(f"article-{number:04}"))
    for _ in range(12):
        bench.work()
    (one,) = found(bench)
    assert (one.kind, one.count) == ("delivery-exhausted", 200)
    with ledger.write() as transaction:
        deliveries.replay(transaction, now=bench.clock.now, channel="partner")
    bench.partner.mood = "well"
    for _ in range(6):
        bench.work()
    assert found(bench) == ()


MANY, MOMENT = 1_500, dt.timedelta(microseconds=1)


def fill(ledger: Ledger) -> None:
    """Two channels refuse many articles, with other words for each, one of them for the last time."""
    common = {"format": "plain", "target_revision": 1, "target_digest": "x", "urgency": 1, "attempts": 1}
    states = {
        "partner": {"state": "abandoned", "due": None, "refusals": 0},
        "other": {"state": "pending", "due": START + dt.timedelta(minutes=1), "refusals": 1},
    }
    failed = [
        {"id": f"{channel}-{number}", "article": f"a-{number}", "channel": channel, "attempted": True}
        | {"error": f"refused: 422: no category for '{number}'", "changed": START - number * MOMENT}
        | common
        | state
        for channel, state in states.items()
        for number in range(1, MANY + 1)
    ]
    shown = [
        {"delivery": f"gone-{number}", "article": f"g-{number}", "channel": "partner", "revision": 1, "due": START}
        | {"withdrawn": LONG_AGO - number * MOMENT, "shown": f"https://partner.example/{number}", "attempts": 1}
        for number in range(1, MANY + 1)
    ]
    with ledger.write() as transaction:
        transaction.execute(sa.insert(tables.deliveries), failed)
        transaction.execute(sa.insert(tables.proofs), shown)


def test_every_row_is_counted_however_many_words_there_are(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.read() as transaction:
        told = {one.kind: one for one in needs(transaction, ["partner", "other"], now=START)}
        facts = ledger_attention.facts(transaction, ["partner", "other"], now=START)
    assert {kind: one.count for kind, one in told.items()} == {
        "withdrawn-still-shown": MANY,
        "channel-refuses": MANY,
        "delivery-exhausted": MANY,
    }
    dead, shown = told["delivery-exhausted"], told["withdrawn-still-shown"]
    assert (dead.article, dead.since) == (f"a-{MANY}", START - dt.timedelta(microseconds=MANY))
    assert dead.what == f"partner: {MANY:,} deliveries given up: refused: 422: no category for …"
    assert shown.what == f"partner still shows {MANY:,} withdrawn articles: https://partner.example/{MANY}"
    assert len(facts.dead) == len(facts.refused) == MANY  # word by word


def test_a_cause_of_many_words_that_was_dismissed_is_left_out(ledger: Ledger) -> None:
    fill(ledger)
    bench = WithoutFeeds(ledger)
    with ledger.read() as transaction:
        (one,) = failures([one for one in failing.tallies(transaction) if one.channel == "partner"], seen=START)
    dismiss(bench._intake(), one.cause.key, seen=START, by="op")
    with ledger.read() as transaction:
        told = {one.kind for one in needs(transaction, ["partner", "other"], now=START)}
        facts = ledger_attention.facts(transaction, [], now=START, alike=lambda channel, *_: channel)
    assert told == {"withdrawn-still-shown", "channel-refuses"}
    assert [(one.channel, one.dead) for one in facts.failing] == [("partner", MANY)]


def test_causes_beyond_those_with_most_deliveries_are_one_condition_together() -> None:
    numbers = range(MOST_CAUSES + 20)
    dead = tuple(
        Group(channel="partner", cause=f"refused: {400 + one}", count=1 + one, since=LONG_AGO, article="spasms")
        for one in numbers
    )
    told = attention(Facts(now=START, dead=dead))
    (others,) = [one for one in told if one.key == f"delivery-exhausted:partner:{OTHER_CAUSES}"]
    assert (len(told), others.count) == (MOST_CAUSES + 1, sum(1 + one for one in range(20)))
    assert sum(one.count for one in told) == sum(1 + one for one in numbers)


@pytest.mark.parametrize("retries", [(), (3600.0,)], ids=["given up", "refused"])
def test_what_was_dismissed_needs_nobody_until_another_delivery_fails_of_it(
    ledger: Ledger, retries: tuple[float, ...]
) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=retries))
    bench.partner.mood = "refuses"
    bench.publish(article("first"))
    bench.work()
    (before,) = found(bench)
    dismiss(bench._intake(), _key(bench), seen=bench.clock.now, by="op")
    assert found(bench) == ()
    bench.clock.pass_(1)
    bench.publish(article("second"))
    bench.work()
    (after,) = found(bench)
    assert (after.key, after.kind, after.count) == (before.key, before.kind, 2)
    dismiss(bench._intake(), _key(bench), seen=bench.clock.now, by="op")
    assert found(bench) == ()
    reopen(bench._intake(), _key(bench), by="op")
    assert found(bench) == (after,)


def test_only_the_cause_that_was_dismissed_is_left_out(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=Policy(refused_retries=()))
    bench.partner.mood = "refuses"
    bench.publish(article("first"))
    bench.work()
    dismiss(bench._intake(), _key(bench), seen=bench.clock.now, by="op")
    bench.partner.mood = "well"
    bench.publish(article("second"))
    bench.work()
    with ledger.write() as transaction:
        (row,) = deliveries.of_article(transaction, "second")
        transaction.execute(
            sa.update(tables.deliveries)
            .where(tables.deliveries.c.id == row.id)
            .values(state="abandoned", error="refused: 413 Too large", due=None)
        )
    (one,) = found(bench)
    assert (one.what, one.count) == ("partner: 1 delivery given up: refused: 413 Too large", 1)


def _key(bench: Bench) -> str:
    with bench.ledger.read() as transaction:
        (one,) = failures(failing.tallies(transaction), seen=bench.clock.now)
    return one.cause.key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refused: 404: no article 'abc'", "refused: 404: no article 'xyz'"),
        ("refused: 400: 8d1f0c52-1111-2222-3333-444455556666", "refused: 400: 0a1b2c3d-9999-8888-7777-666655554444"),
        ("refused: 422: https://partner.example/a?token=b", "refused: 422: https://partner.example/c"),
        ("refused: 400: order 1234567", "refused: 400: order 7654321"),
    ],
)  # fmt: skip
def test_a_cause_is_without_what_differs_from_one_delivery_to_the_next(one: str, other: str) -> None:
    assert cause_of(one) == cause_of(other)
    assert cause_of(one) != cause_of("refused: 403: not allowed")


def test_no_secret_is_shown() -> None:
    facts = Facts(now=START, dead=(group("refused: 401: Authorization: Bearer abcdef123456"),))
    assert "abcdef123456" not in attention(facts)[0].what


def test_every_source_that_keeps_failing_is_named_as_readers_know_it(ledger: Ledger) -> None:
    with ledger.write() as transaction:
        for source in ("pubmed", "esearch", "source-crossref", "source-europe_pmc", "sweep"):
            for _ in range(5):
                leases.acquire(transaction, source, token="t", now=START, seconds=1)
                leases.release(transaction, source, token="t", not_before=START, failed=True)
    with ledger.read() as transaction:
        facts = ledger_attention.facts(transaction, [], now=START)
    named = sorted(one.what.split(" has failed")[0] for one in attention(facts) if one.kind == "source-silent")
    assert named == ["Crossref", "Europe PMC", "PubMed", "PubMed's search"]
