"""The hub as a subscriber meets it: what websub.rocks asks of hubs, and what it does not.

Its tests are named by their numbers: 100 typical subscription, 101 signed content, 102 and 103 what comes when a
subscription is renewed, 104 leases, 105 unsubscribing, 106 and on what must not be pushed.
"""

from __future__ import annotations

import ipaddress
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgi import CLIENT, Answer, post_form
from bench import Bench, article
from empty_ledger import empty_ledger
from every_stage import hub
from fastapi import FastAPI

from pipeline.http import EgressGuard, Http
from pipeline.ledger import Ledger, feeds
from pipeline.ledger.hub import requests as subscription_requests
from pipeline.ledger.hub import subscriptions
from pipeline.stages.context import HubPlan
from pipeline.stages.hub import LANES, _Requests
from pipeline.stages.hub.topics import drop_others
from pipeline.stages.prune import prune
from pipeline.stages.stage import drain
from pipeline.web.app import create_app
from standins.subscriber import Push, Subscriber

HTTP = Http(EgressGuard([ipaddress.ip_network("127.0.0.0/8")]))
TOPIC = "https://notes.example.org/feeds/latest.plain"
DAY = 86_400


class Hub(Bench):
    """A bench with a hub that takes subscriptions and can be run."""

    worked = (*Bench.worked, hub)

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, "partner")
        self.plan = HubPlan(address="https://notes.example.org/hub", http=HTTP, parallel=4)
        self.context = replace(self.context, hub=self.plan)

    def go_on(self) -> None:
        """A minute later, with unused ids."""
        self.clock.pass_(60)
        later = itertools.count(1_000)
        self.events = later
        self.new_id = lambda prefix: f"{prefix}{next(later):06d}"
        self.context = replace(self.context, new_id=self.new_id)

    def with_(self, **of_the_plan: Any) -> None:
        """Other settings, as after a start."""
        self.context = replace(self.context, hub=replace(self.plan, **of_the_plan))
        self.__dict__.pop("app", None)

    @cached_property
    def app(self) -> FastAPI:
        return create_app(self.context, alive=list)

    def ask(
        self, callback: str, mode: str = "subscribe", topic: str = TOPIC, client: str = CLIENT, **more: str
    ) -> Answer:
        named = {f"hub.{name}": value for name, value in more.items()}
        fields = {"hub.mode": mode, "hub.topic": topic, "hub.callback": callback, **named}
        return post_form(self.app, "/hub", fields, client=client)

    def subscribe(self, callback: str, **more: str) -> None:
        assert self.ask(callback, **more).status == 202
        self.work()

    def work(self) -> int:
        return super().work() + sum(drain(self.context, hub, lane) for lane in LANES)

    def say(self, text: str) -> None:
        """Publish something new, and push it to every subscriber."""
        self.publish(article(text=text))
        self.work()
        self.clock.pass_(self.context.policy.feed_interval)
        self.work()

    def subscribed(self) -> int:
        with self.ledger.read() as transaction:
            return subscriptions.count(transaction, now=self.clock.now)

    def waiting(self) -> int:
        with self.ledger.read() as transaction:
            return subscription_requests.count(transaction)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger in which one article was published."""
    path = tmp_path_factory.mktemp("begun") / "ledger.sqlite"
    ledger = Ledger(f"sqlite:///{path}")
    ledger.migrate()
    Hub(ledger).say("Rest.")
    ledger.close()
    return path


@pytest.fixture
def bench(begun: Path, tmp_path: Path) -> Iterator[Hub]:
    ledger = Ledger(f"sqlite:///{shutil.copy(begun, tmp_path)}")
    bench = Hub(ledger)
    bench.go_on()
    yield bench
    ledger.close()


@pytest.fixture
def either(ledger: Ledger) -> Hub:
    """On each of the two databases: for what the ledger decides."""
    bench = Hub(ledger)
    bench.say("Rest.")
    return bench


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One for all requests that change nothing."""
    ledger = empty_ledger(tmp_path_factory.mktemp("idle"))
    yield Hub(ledger)
    ledger.close()


@pytest.fixture
def subscriber() -> Iterator[Subscriber]:
    with Subscriber(address="0.0.0.0") as subscriber:
        yield subscriber


def texts(pushes: list[Push]) -> list[str]:
    return [push.body.decode() for push in pushes]


# --- websub.rocks -------------------------------------------------------------------------------------------------


def test_100_a_typical_subscription(either: Hub, subscriber: Subscriber) -> None:
    answer = either.ask(subscriber.callback())
    assert (answer.status, subscriber.asked) == (202, [])
    either.work()
    (asked,) = subscriber.asked
    assert asked.parameters["hub.mode"] == "subscribe"
    assert asked.parameters["hub.topic"] == TOPIC
    assert asked.parameters["hub.lease_seconds"] == str(10 * DAY)
    assert asked.parameters["hub.challenge"]
    assert subscriber.pushes == []
    either.publish(article("another"))
    either.work()
    (push,) = subscriber.pushes
    assert push.body.decode().split("\n") == ["another", "spasms"]
    assert push.headers["content-type"] == "text/plain; charset=utf-8"
    assert push.headers["link"] == f'<https://notes.example.org/hub>; rel="hub", <{TOPIC}>; rel="self"'
    assert "x-hub-signature" not in push.headers


def test_101_signed_content(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback(), secret="a secret — «سر»")
    bench.publish(article("another"))
    bench.work()
    (push,) = subscriber.pushes
    assert push.headers["x-hub-signature"].startswith("sha256=")
    assert push.signed_with("a secret — «سر»")
    assert not push.signed_with("another secret")


def test_102_a_renewal_takes_the_new_lease_and_the_new_secret(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback(), lease_seconds=str(DAY), secret="old")
    either.clock.pass_(DAY / 2)
    either.subscribe(subscriber.callback(), lease_seconds=str(DAY), secret="new")
    assert either.subscribed() == 1
    either.clock.pass_(DAY * 0.75)
    either.publish(article("another"))
    either.work()
    (push,) = subscriber.pushes
    assert push.signed_with("new")


def test_103_a_renewal_that_is_not_confirmed_changes_nothing(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback(), secret="mine")
    subscriber.turn(subscriber.callback(), "refuses")
    bench.subscribe(subscriber.callback(), secret="a stranger's")
    bench.ask(subscriber.callback(), "unsubscribe")
    bench.work()
    assert len(subscriber.asked) == 3
    bench.publish(article("another"))
    bench.work()
    (push,) = subscriber.pushes
    assert push.signed_with("mine")


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, 10 * DAY),
        ("", 10 * DAY),
        ("0", 10 * DAY),
        ("60", 3_600),
        (str(5 * DAY), 5 * DAY),
        ("999999999999", 30 * DAY),
    ],
)
def test_104_the_hub_decides_on_the_lease_and_says_so(
    bench: Hub, subscriber: Subscriber, asked: str | None, given: int
) -> None:
    bench.subscribe(subscriber.callback(), **({} if asked is None else {"lease_seconds": asked}))
    assert subscriber.asked[0].parameters["hub.lease_seconds"] == str(given)


def test_104_nothing_is_pushed_when_the_lease_is_over(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback(), lease_seconds="3600")
    either.clock.pass_(3601)
    either.publish(article("another"))
    either.work()
    assert (subscriber.pushes, either.subscribed()) == ([], 0)
    prune(either.context, older_than=either.clock.now - either.clock.now)
    with either.ledger.read() as transaction:
        assert transaction.exec_driver_sql("SELECT count(*) FROM subscriptions").scalar() == 0


def test_105_unsubscribing(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback())
    assert either.ask(subscriber.callback(), "unsubscribe").status == 202
    assert either.subscribed() == 1
    either.work()
    assert subscriber.asked[1].parameters.keys() == {"hub.mode", "hub.topic", "hub.challenge"}
    either.publish(article("another"))
    either.work()
    assert (subscriber.pushes, either.subscribed()) == ([], 0)


@pytest.mark.parametrize("conduct", ["refuses", "mistaken"])
def test_nobody_is_subscribed_who_does_not_confirm_it(bench: Hub, subscriber: Subscriber, conduct: str) -> None:
    bench.subscribe(subscriber.callback(conduct=conduct))
    bench.publish(article("another"))
    bench.work()
    assert (len(subscriber.asked), subscriber.pushes, bench.waiting()) == (1, [], 0)


def test_the_callbacks_own_parameters_stay(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(f"{subscriber.callback()}?user=17&x=a%20b&hub.mode=mine")
    (asked,) = subscriber.asked
    assert (asked.parameters["user"], asked.parameters["x"]) == ("17", "a b")
    assert bench.subscribed() == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"hub.mode": "publish"},
        {"hub.mode": ""},
        {"hub.topic": ""},
        {"hub.callback": ""},
        {"hub.callback": "ftp://reader.example.org/"},
        {"hub.callback": "//reader.example.org/"},
        {"hub.callback": "http:///path"},
        {"hub.callback": "http://user:password@reader.example.org/"},
        {"hub.callback": "http://reader.example.org/ x"},
        {"hub.callback": "http://reader.example.org/\r\nx"},
        {"hub.callback": "http://reader.example.org:99999/"},
        {"hub.callback": "http://[::1/"},
        {"hub.callback": f"http://reader.example.org/{'x' * 2000}"},
        {"hub.secret": "x" * 200},
        {"hub.secret": "é" * 100},
        {"hub.lease_seconds": "-1"},
        {"hub.lease_seconds": "a day"},
        {"hub.lease_seconds": "٣"},
    ],
    ids=lambda wrong: f"{next(iter(wrong))}={next(iter(wrong.values()))[:30]}",
)
def test_a_request_that_cannot_stand_is_refused_at_once(idle: Hub, wrong: dict[str, str]) -> None:
    fields = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.callback": "https://reader.example.org/push"}
    answer = post_form(idle.app, "/hub", fields | wrong)
    assert (answer.status, answer.code, idle.waiting()) == (400, "invalid-subscription", 0)


def test_a_topic_that_is_not_ours_is_refused(idle: Hub, subscriber: Subscriber) -> None:
    for topic in ("https://elsewhere.example.org/feed", f"{TOPIC}?x=1", TOPIC.upper(), TOPIC.replace("latest", "no")):
        answer = idle.ask(subscriber.callback(), topic=topic)
        assert (answer.status, answer.code) == (404, "unknown-topic")


def test_a_parameter_that_is_given_twice_is_refused(idle: Hub) -> None:
    fields = [("hub.mode", "subscribe"), ("hub.topic", TOPIC), ("hub.callback", "https://a.example.org/")]
    assert post_form(idle.app, "/hub", [*fields, ("hub.topic", TOPIC)]).code == "invalid-subscription"


def test_a_parameter_that_nobody_knows_does_no_harm(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback(), verify="sync", verify_token="x")
    assert bench.subscribed() == 1


# --- what is pushed, and when -------------------------------------------------------------------------------------


def test_nothing_is_pushed_before_something_changes(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback())
    bench.work()
    assert subscriber.pushes == []


def test_a_feed_that_is_built_anew_without_a_change_is_not_pushed(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback())
    bench.say("Stretch.")  # the plain feed holds ids only: another text makes the same document
    assert subscriber.pushes == []


def test_a_burst_is_one_push_of_what_is_newest(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback())
    for number in range(10):
        either.publish(article(f"article-{number}"))
    either.work()
    either.clock.pass_(10)
    either.work()
    (push,) = subscriber.pushes
    assert len(push.body.decode().split("\n")) == 11


def test_a_document_whose_copy_was_lost_is_pushed_from_its_file(bench: Hub, subscriber: Subscriber) -> None:
    """An object store may carry out a deletion late, when the same bytes have been stored again."""
    bench.subscribe(subscriber.callback())
    bench.publish(article("second"))
    super(Hub, bench).work()
    bench.clock.pass_(bench.context.policy.feed_interval)
    super(Hub, bench).work()
    with bench.ledger.read() as transaction:
        document = feeds.document(transaction, "latest", "plain")
    assert document is not None and bench.store.drop(document.digest)
    bench.work()
    assert len(subscriber.pushes) == 1 and bench.store.get(document.digest) is not None


def test_a_withdrawal_is_pushed(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback())
    bench.withdraw()
    bench.work()
    assert texts(subscriber.pushes) == [""]


def test_a_subscriber_that_fails_gets_what_is_newest_when_its_time_has_come(
    either: Hub, subscriber: Subscriber
) -> None:
    failing = subscriber.callback("reader", conduct="failing")
    either.subscribe(failing)
    either.publish(article("one"))
    either.work()
    assert len(subscriber.pushes) == 1
    either.clock.pass_(2)
    either.publish(article("two"))
    either.work()
    assert len(subscriber.pushes) == 1, "it is left alone until its time has come"
    either.clock.pass_(8)
    either.work()
    assert sorted(texts(subscriber.pushes)[1].split("\n")) == ["one", "spasms", "two"]


def test_a_subscriber_that_fails_for_ever_is_given_up(bench: Hub, subscriber: Subscriber) -> None:
    bench.context = replace(bench.context, policy=replace(bench.context.policy, retries=(5.0, 30.0)))
    bench.subscribe(subscriber.callback(conduct="failing"))
    bench.publish(article("one"))
    for _ in range(4):
        bench.work()
        bench.clock.pass_(60)
    assert (len(subscriber.pushes), bench.subscribed()) == (3, 0)


def test_410_ends_a_subscription(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback(conduct="gone"))
    bench.publish(article("one"))
    bench.work()
    assert (len(subscriber.pushes), bench.subscribed()) == (1, 0)


def test_a_redirect_is_not_followed(bench: Hub, subscriber: Subscriber) -> None:
    bench.subscribe(subscriber.callback(conduct="moved"))
    bench.publish(article("one"))
    bench.work()
    assert (len(subscriber.pushes), bench.subscribed()) == (1, 1)


def test_a_worker_that_is_killed_gives_its_pushes_back(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback())
    either.publish(article("one"))
    Bench.work(either)
    with either.ledger.write() as transaction:
        claimed = subscriptions.claim_due(
            transaction, slow=False, token="lease_of_the_dead", now=either.clock.now, seconds=45, limit=9
        )
    either.work()
    assert (len(claimed), subscriber.pushes) == (1, [])
    either.clock.pass_(46)
    either.work()
    assert len(subscriber.pushes) == 1


def test_all_of_many_subscribers_are_pushed_once(either: Hub, subscriber: Subscriber) -> None:
    for number in range(30):
        either.ask(subscriber.callback(f"reader-{number}", host=f"127.0.0.{number % 3 + 1}"))
    either.work()
    either.publish(article("one"))
    either.work()
    assert sorted(push.callback for push in subscriber.pushes) == sorted(f"/well/reader-{n}" for n in range(30))


# --- abuse --------------------------------------------------------------------------------------------------------


def test_a_callback_in_our_own_network_is_refused_or_never_called(bench: Hub, subscriber: Subscriber) -> None:
    bench.with_(http=Http(EgressGuard()))
    answer = bench.ask(subscriber.callback())
    assert (answer.status, answer.code) == (400, "callback-refused")
    by_name = subscriber.callback().replace("127.0.0.1", "localhost")
    bench.subscribe(by_name)
    assert (subscriber.asked, bench.subscribed(), bench.waiting()) == ([], 0, 0)


def test_a_host_may_have_so_many_subscriptions_and_renew_those(either: Hub, subscriber: Subscriber) -> None:
    either.with_(max_per_host=2)
    for name in ("one", "two"):
        either.subscribe(subscriber.callback(name))
    answer = either.ask(subscriber.callback("three"))
    assert (answer.status, answer.code) == (503, "hub-full")
    either.subscribe(subscriber.callback("two"))
    assert either.subscribed() == 2


def test_who_was_accepted_before_the_hub_was_full_is_told(
    bench: Hub, subscriber: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Requests, "parallel", 1)  # two that are let in at one moment may both find room
    bench.with_(max_subscriptions=1)
    for name in ("one", "two"):
        assert bench.ask(subscriber.callback(name)).status == 202
    bench.work()
    bench.work()
    denied = [asked.parameters for asked in subscriber.asked if asked.parameters["hub.mode"] == "denied"]
    assert [one["hub.topic"] for one in denied] == [TOPIC]
    assert denied[0]["hub.reason"]
    assert (bench.subscribed(), bench.waiting()) == (1, 0)


def test_requests_that_wait_are_limited(bench: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.web.public.hub.WAITING_AT_ONE", 2)
    statuses = [bench.ask(f"https://reader.example.org/{number}").status for number in range(3)]
    assert statuses == [202, 202, 429]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six requests may wait, three of one client."""
    monkeypatch.setattr("pipeline.web.public.hub.WAITING", 6)
    monkeypatch.setattr("pipeline.web.public.hub.WAITING_OF_ONE", 3)


@pytest.mark.parametrize("client", ["192.0.2.1", "2001:db8:1:2::%d"], ids=["IPv4", "a /64"])
def test_a_client_that_floods_the_hub_shuts_it_for_nobody_else(bench: Hub, few: None, client: str) -> None:
    named = [client.replace("%d", str(number)) for number in range(1, 6)]
    statuses = [bench.ask(f"https://{n}.evil.example/", client=one).status for n, one in enumerate(named)]
    assert statuses == [202, 202, 202, 429, 429]
    assert bench.ask("https://reader.example.org/", client="2001:db8:1:3::1").status == 202


def test_renewals_and_unsubscriptions_are_taken_however_many_wait(
    either: Hub, subscriber: Subscriber, few: None
) -> None:
    for name in ("one", "two"):
        either.subscribe(subscriber.callback(name))
    for number in range(6):
        assert either.ask(f"https://{number}.evil.example/", client=f"198.51.100.{number}").status == 202
    assert either.ask(subscriber.callback("three"), client="203.0.113.1").status == 429
    assert either.ask(subscriber.callback("one")).status == 202
    assert either.ask(subscriber.callback("two"), "unsubscribe").status == 202


def test_the_first_request_of_a_client_comes_before_the_rest_of_anothers(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback("known"))
    for number in range(4):
        either.ask(subscriber.callback(f"flood-{number}"), client="198.51.100.1")
    either.clock.pass_(1)
    either.ask(subscriber.callback("honest"), client="203.0.113.1")
    either.ask(subscriber.callback("known"), client="203.0.113.2")
    with either.ledger.write() as transaction:
        found = subscription_requests.claim_due(transaction, token="t", now=either.clock.now, seconds=45, limit=4)
    assert [urlsplit(one.callback).path.rpartition("/")[2] for one in found] == [
        "known",
        "flood-0",
        "honest",
        "flood-1",
    ]


def test_a_client_may_have_so_many_subscriptions_at_whatever_hosts(either: Hub, subscriber: Subscriber) -> None:
    either.with_(max_per_client=2)
    for number in (1, 2):
        either.subscribe(subscriber.callback("one", host=f"127.0.0.{number}"))
    answer = either.ask(subscriber.callback("one", host="127.0.0.3"))
    assert (answer.status, answer.code) == (503, "hub-full")
    assert either.ask(subscriber.callback("one", host="127.0.0.3"), client="203.0.113.1").status == 202
    assert either.ask(subscriber.callback("one", host="127.0.0.2")).status == 202


def test_a_later_request_takes_the_place_of_one_that_was_not_answered(bench: Hub, subscriber: Subscriber) -> None:
    bench.ask(subscriber.callback())
    bench.ask(subscriber.callback(), "unsubscribe")
    assert bench.waiting() == 1
    bench.work()
    assert [asked.parameters["hub.mode"] for asked in subscriber.asked] == ["unsubscribe"]


def test_a_form_of_another_kind_or_size_is_refused(idle: Hub) -> None:
    large = post_form(idle.app, "/hub", {"hub.mode": "x" * 20_000})
    assert (large.status, large.code) == (413, "form-too-large")


def test_subscribers_of_a_feed_that_is_served_no_more_are_told(either: Hub, subscriber: Subscriber) -> None:
    either.subscribe(subscriber.callback())
    either.context = replace(either.context, feeds={})
    assert drop_others(either.context) == 1
    either.work()
    assert subscriber.asked[-1].parameters["hub.mode"] == "denied"
    assert (either.subscribed(), either.waiting()) == (0, 0)


def test_a_secret_is_in_no_log(bench: Hub, subscriber: Subscriber, capsys: pytest.CaptureFixture[str]) -> None:
    bench.subscribe(subscriber.callback(conduct="failing"), secret="very-secret")
    bench.publish(article("one"))
    bench.work()
    printed = capsys.readouterr()
    assert "not pushed" in printed.out + printed.err
    assert "very-secret" not in printed.out + printed.err
    assert urlsplit(subscriber.callback()).path not in printed.out + printed.err
