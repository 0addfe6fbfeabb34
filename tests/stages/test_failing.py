"""What fails is grouped by cause, and a cause is replayed as it was seen."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from bench import START, Bench, Receiver, WithoutFeeds, article
from documents import GUIDE

from pipeline.errors import InvalidEvent, PermanentError
from pipeline.ledger import Ledger, operations
from pipeline.ledger.deliveries.failing import Tally
from pipeline.ledger.operations import Owed
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.accept.replay import replay, replay_failure
from pipeline.stages.context import Policy
from pipeline.stages.failures import MENDS, cause, failures
from pipeline.views import failures as failures_views


def tally(error: str, **more: object) -> Tally:
    known = {"channel": "partner", "abandoned": 1, "retried": 0, "first": START, "last": START, "due": None}
    return Tally(error=error, **(known | {"article": "spasms", "delivery": "dlv_1", "since": START} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "type", "status", "message"),
    [
        ("refused: 400 Bad Request: we do not take this", "refused", 400, "we do not take this"),
        ("refused: 400 Bad Request", "refused", 400, "Bad Request"),
        ("refused: 404 Not Found: no spasms here", "refused", 404, "no … here"),
        ("timeout: https://partner.example did not answer in time", "timeout", None, "… did not answer in time"),
        ("rendition-too-large: 500 bytes at most", "rendition-too-large", None, "500 bytes at most"),
        ("the channel is disabled: 410 Gone", "channel-disabled", None, "the channel is disabled: 410 Gone"),
        ("RuntimeError: a fault", "RuntimeError", None, "a fault"),
        ("", "other", None, ""),
    ],
)
def test_a_cause_is_a_type_a_status_and_a_message(error: str, type: str, status: int | None, message: str) -> None:
    found = cause("partner", error, "spasms")
    assert (found.type, found.status, found.message) == (type, status, message)


def test_errors_that_differ_in_ids_alone_are_one_failure() -> None:
    later = START + dt.timedelta(minutes=5)
    (found,) = failures(
        [
            tally("refused: 422 Unprocessable Content: order 1234567 of spasms", abandoned=3, article="spasms"),
            tally(
                "refused: 422 Unprocessable Content: order 7654321 of cramps",
                abandoned=0,
                retried=2,
                first=START - dt.timedelta(hours=1),
                last=later,
                due=later,
                article="cramps",
            ),
        ],
        seen=later,
    )
    assert (found.abandoned, found.retried, found.last, found.due) == (3, 2, later, later)
    assert (found.first, found.article) == (START - dt.timedelta(hours=1), "cramps")
    assert found.command == f"citewire replay --failure {found.cause.key} --seen 2026-03-01T12:05:00Z"


def test_the_same_words_of_two_channels_are_two_failures() -> None:
    errors = ("refused: 400 Bad Request: no", "refused: 403 Forbidden: no")
    found = failures([tally(error, channel=name) for error in errors for name in ("a", "b")], seen=START)
    assert len({one.cause.key for one in found}) == 4


def test_it_is_said_who_must_act() -> None:
    def who(error: str) -> str:
        return failures([tally(error)], seen=START)[0].who

    assert who("refused: 400 Bad Request: no") == "partner"
    assert who("refused: 401 Unauthorized") == "operator"
    assert who("timeout: no answer") == "partner"
    assert who("redirected: 301 Moved Permanently") == "operator"
    assert who("duplicate-elsewhere: 409 Conflict") == "editor"
    assert who("RuntimeError: a fault") == "operator"
    settings = ("invalid-config", "secret-missing", "secret-unusable", "invalid-certificate")
    ours = ("store-unreachable", "ledger-unreachable", "ledger-busy", "ledger-contended")
    assert {who(f"{code}: not possible") for code in settings + ours} == {"operator"}


def test_every_code_that_someone_here_has_to_fix_has_a_mend() -> None:
    page = (GUIDE / "errors.md").read_text(encoding="utf-8")
    table = page.split("## Refused: someone has to fix the cause", 1)[1].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    codes = {code for row in rows for code in re.findall(r"`([a-z-]+)`", row)}
    theirs = {"refused", "response-too-large", "not-found", "update-not-applied"}
    assert codes - theirs <= set(MENDS)


class Choosy(Receiver):
    """Refuses with words that contain a new id each time."""

    def deliver(self, parcel: Parcel) -> Receipt:
        if self.mood != "refuses":
            return super().deliver(parcel)
        self.tried.append(parcel)
        raise PermanentError(f"422 Unprocessable Content: request req_{len(self.tried):012x}", status=422)


@pytest.fixture
def choosy(ledger: Ledger) -> tuple[Bench, Choosy]:
    bench = WithoutFeeds(ledger, policy=Policy(retries=(5,), refused_retries=()))
    partner = Choosy(mood="refuses")
    bench.receivers["partner"] = partner
    return bench, partner


def listed(bench: Bench) -> failures_views.FailureList:
    with bench.ledger.read() as transaction:
        return failures_views.failures(transaction, now=bench.clock())


def test_a_cause_is_replayed_as_it_was_seen(choosy: tuple[Bench, Choosy]) -> None:
    bench, partner = choosy
    for number in range(3):
        bench.publish(article(f"article-{number}"))
    bench.work()
    before = listed(bench)
    (failure,) = before.failures
    assert (failure.type, failure.status, failure.count, failure.abandoned) == ("refused", 422, 3, 3)
    bench.clock.pass_(1)
    bench.publish(article("later"))
    bench.work()
    assert listed(bench).failures[0].key == failure.key

    partner.mood = "well"
    done = replay_failure(bench._intake(), failure.key[:8], seen=before.seen, by="somebody")
    assert (done.count, done.newer, done.delivered) == (3, 1, 0)
    bench.work()
    assert {parcel.article_id for parcel in partner.got} >= {f"article-{number}" for number in range(3)}


def test_the_replay_of_five_abandoned_revisions_of_one_article_sends_one(choosy: tuple[Bench, Choosy]) -> None:
    bench, partner = choosy
    for number in range(5):
        bench.publish(article(text=f"Text {number}."))
        bench.work()
    (failure,) = listed(bench).failures
    assert (len(partner.tried), failure.count) == (5, 1)
    partner.mood = "well"
    assert replay_failure(bench._intake(), failure.key, seen=bench.clock(), by="somebody").count == 1
    bench.work()
    assert [parcel.revision for parcel in partner.got] == [5]
    assert listed(bench).failures == ()


def test_a_replay_knows_what_of_it_has_not_arrived(choosy: tuple[Bench, Choosy]) -> None:
    bench, partner = choosy
    for number in range(3):
        bench.publish(article(f"article-{number}"))
    bench.work()

    def replayed() -> str:
        (failure,) = listed(bench).failures
        operation = replay_failure(bench._intake(), failure.key, seen=bench.clock(), by="somebody").operation
        assert operation is not None
        return operation

    def owed(*replays: str) -> dict[str, Owed]:
        with bench.ledger.read() as transaction:
            return operations.still_owed(transaction, replays)

    first = replayed()
    assert owed(first) == {first: Owed(to_arrive=3)}
    bench.work()
    assert owed(first) == {first: Owed(given_up=3)}
    partner.mood = "well"
    second = replayed()
    bench.withdraw("article-0")
    assert owed(first, second) == {first: Owed(to_arrive=3), second: Owed(to_arrive=3)}
    bench.work()
    assert owed(first, second) == {}


def test_what_waits_for_its_next_attempt_is_a_failure_too_and_is_due_at_once(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article())
    bench.partner.mood = "refuses"
    bench.work()
    (failure,) = listed(bench).failures
    assert (failure.abandoned, failure.retried) == (0, 1)
    assert failure.due is not None
    assert failure.due > bench.clock()
    bench.partner.mood = "well"
    assert replay_failure(bench._intake(), failure.key, seen=bench.clock(), by="somebody").count == 1
    bench.work()
    assert listed(bench).failures == ()


def test_an_unknown_failure_is_refused(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    with pytest.raises(InvalidEvent) as refused:
        replay_failure(bench._intake(), "flr_0", seen=bench.clock(), by="somebody")
    assert refused.value.code == "unknown-failure"


def test_a_replay_says_how_many_had_been_accepted(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger)
    bench.publish(article())
    bench.work()
    done = replay(bench._intake(), by="somebody", channel="partner", since=START)
    assert (done.count, done.delivered) == (1, 1)
