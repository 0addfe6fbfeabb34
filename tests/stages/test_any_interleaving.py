"""Whatever happens in whatever order, every channel ends with the newest revision, and none ever goes back."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import Bench, Receiver, article, paper
from empty_ledger import empty_ledger
from every_stage import deliver, enrich, feeds, prove, render
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import structs

from pipeline.errors import CitewireError
from pipeline.ledger import deliveries
from pipeline.ledger.deliveries import channels, proofs, repair
from pipeline.model.delivery import Parcel, Receipt
from pipeline.stages.context import Policy
from pipeline.stages.stage import Stage, drain

ARTICLES = st.sampled_from(["a", "b", "c"])
NAMES = ["one", "two", "together"]
CHANNELS = st.sampled_from(NAMES)
STAGES = st.sampled_from([enrich, render, feeds, deliver, prove])
PMIDS = st.lists(st.sampled_from(["1", "2"]), unique=True)


@dataclass
class Stalling(Receiver):
    """Once, it stalls before it answers."""

    stall: Callable[[], None] | None = None

    def deliver(self, parcel: Parcel) -> Receipt:
        try:
            return super().deliver(parcel)
        finally:
            stall, self.stall = self.stall, None
            if stall is not None:
                stall()


@dataclass
class Readable(Stalling):
    """It can be read back, and may be slow to let go of what was withdrawn."""

    keeps: bool = False

    def shows(self, parcel: Parcel) -> str | None:
        mine = [one for one in self.got if one.article_id == parcel.article_id]
        return "here" if self.keeps or not mine or mine[-1].event != "withdrawn" else None


@dataclass
class Together(Stalling):
    """It takes a whole batch in one go."""

    def deliver_all(self, parcels: Sequence[Parcel]) -> Sequence[Receipt | CitewireError]:
        answers: list[Receipt | CitewireError] = []
        for parcel in parcels:
            try:
                answers.append(self.deliver(parcel))
            except CitewireError as error:
                answers.append(error)
        return answers


class Syndication(RuleBasedStateMachine):
    """The model: for each article its newest text, or that it is withdrawn."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = empty_ledger(Path(self.folder.name))
        self.bench = Bench(self.ledger, *NAMES, policy=Policy(deliver_batch=2))
        self.readable = Readable()
        self.receivers: dict[str, Stalling] = {"one": Stalling(), "two": self.readable, "together": Together()}
        self.bench.receivers |= self.receivers
        self.bench.pubmed.papers = {"1": paper("1")}
        self.text: dict[str, str | None] = {}
        self.count = 0

    def teardown(self) -> None:
        try:
            self.in_the_end_every_channel_holds_the_truth()
        finally:
            self.ledger.close()
            self.folder.cleanup()

    @initialize()
    def something_is_published(self) -> None:
        self.publish("a", [])

    @rule(name=ARTICLES, pmids=PMIDS)
    def publish(self, name: str, pmids: list[str]) -> None:
        self.count += 1
        self.text[name] = f"text {self.count}"
        self.bench.publish(article(name, text=self.text[name] or "", pmids=pmids))

    @rule(name=ARTICLES)
    def withdraw(self, name: str) -> None:
        if name in self.text:
            self.bench.withdraw(name)
            self.text[name] = None

    @rule(stage=STAGES, channel=CHANNELS)
    def a_wake_up(self, stage: Stage, channel: str) -> None:
        self._wake(stage, channel)

    @rule(bells=st.lists(st.tuples(STAGES, CHANNELS), min_size=2, max_size=5), again=st.booleans())
    def wake_ups_come_twice_and_out_of_order(self, bells: list[tuple[Stage, str]], again: bool) -> None:
        for stage, channel in [*bells, *(reversed(bells) if again else ())]:
            self._wake(stage, channel)

    def _wake(self, stage: Stage, channel: str) -> None:
        if stage.name == "deliver":
            deliver.drain(self.bench.context, channel)
        else:
            drain(self.bench.context, stage)

    @rule(stage=STAGES, channel=CHANNELS)
    def a_worker_claims_and_is_killed(self, stage: Stage, channel: str) -> None:
        self.bench.die(stage, channel)

    @rule(channel=CHANNELS, stale=st.booleans())
    def a_worker_is_slow(self, channel: str, stale: bool) -> None:
        """It claims, time passes, others work, and only then it sends."""
        claims = deliver.claim(self.bench.context, channel)
        self.bench.clock.pass_(60 if stale else 1)
        drain(self.bench.context, render)
        deliver.drain(self.bench.context, channel)
        for claim in claims:
            deliver.do(self.bench.context, claim)

    @rule(
        stalls=CHANNELS,
        seconds=st.sampled_from([0.2, 1, 60]),
        name=ARTICLES,
        happens=st.lists(
            st.sampled_from(["publish", "withdraw", "deliver", "disable", "enable", "replay", "replay all", "forget"]),
            min_size=1,
            max_size=4,
        ),
    )
    def a_worker_will_stall_in_mid_send(self, stalls: str, seconds: float, name: str, happens: list[str]) -> None:
        """Meanwhile articles change, operators decide, and others work."""

        def meanwhile() -> None:
            self.bench.clock.pass_(seconds)
            for one in happens:
                self._happens(one, name, stalls)

        self.receivers[stalls].stall = meanwhile

    def _happens(self, what: str, name: str, channel: str) -> None:
        match what:
            case "publish":
                self.publish(name, [])
                drain(self.bench.context, render)
            case "withdraw":
                self.withdraw(name)
            case "deliver":
                deliver.drain(self.bench.context, channel)
            case "disable":
                self.a_channel_is_disabled(channel)
            case "enable":
                self.a_channel_is_enabled(channel)
            case "replay":
                self.an_article_is_replayed(name)
            case "replay all":
                self.a_channel_is_replayed(channel, seconds=60)
            case "forget":
                self.a_channel_is_forgotten(channel)

    @rule(channel=CHANNELS)
    def a_channel_is_disabled(self, channel: str) -> None:
        """As by a 410 to a delivery of which nothing else is known."""
        now = self.bench.clock.now
        with self.ledger.write() as transaction:
            health = channels.health(transaction, channel, lock=True)
            channels.keep(transaction, channel, structs.replace(health, disabled=now, reason="410"))

    @rule(channel=CHANNELS)
    def a_channel_is_enabled(self, channel: str) -> None:
        with self.ledger.write() as transaction:
            channels.enable(transaction, channel)

    @rule(name=ARTICLES)
    def an_article_is_replayed(self, name: str) -> None:
        with self.ledger.write() as transaction:
            deliveries.replay(transaction, now=self.bench.clock.now, article_id=name)

    @rule(channel=CHANNELS, seconds=st.sampled_from([None, 60, 3600]))
    def a_channel_is_replayed(self, channel: str, seconds: int | None) -> None:
        now = self.bench.clock.now
        since = None if seconds is None else now - dt.timedelta(seconds=seconds)
        with self.ledger.write() as transaction:
            channels.enable(transaction, channel)
            deliveries.replay(transaction, now=now, channel=channel, since=since)

    @rule(channel=CHANNELS)
    def a_channel_is_forgotten(self, channel: str) -> None:
        with self.ledger.write() as transaction:
            deliveries.forget(transaction, channel, now=self.bench.clock.now)
            channels.forget(transaction, channel)

    @rule(keeps=st.booleans())
    def a_channel_keeps_what_was_withdrawn(self, keeps: bool) -> None:
        self.readable.keeps = keeps

    @rule(channel=CHANNELS, mood=st.sampled_from(["well", "down", "refuses", "gone", "broken"]))
    def a_channel_changes(self, channel: str, mood: str) -> None:
        self.bench.receivers[channel].mood = mood  # type: ignore[assignment]

    @rule(down=st.booleans())
    def pubmed_changes(self, down: bool) -> None:
        self.bench.pubmed.down = down

    @rule(seconds=st.sampled_from([1, 10, 60, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.bench.clock.pass_(seconds)

    @invariant()
    def no_channel_ever_goes_back(self) -> None:
        for receiver in self.bench.receivers.values():
            revisions = defaultdict(list)
            for parcel in receiver.got:
                revisions[parcel.article_id].append(parcel.revision)
            assert all(seen == sorted(seen) for seen in revisions.values())

    @invariant()
    def one_revision_has_one_id_and_one_body(self) -> None:
        for receiver in self.bench.receivers.values():
            seen = defaultdict(set)
            for parcel in receiver.tried:
                seen[parcel.article_id, parcel.revision].add((parcel.message_id, parcel.rendition.body))
            assert all(len(bodies) == 1 for bodies in seen.values())

    def in_the_end_every_channel_holds_the_truth(self) -> None:
        self.bench.pubmed.down = False
        for receiver in self.receivers.values():
            receiver.mood, receiver.stall = "well", None
        self.readable.keeps = False
        self.bench.work_for(200, step=20)
        self._replay()
        self.bench.work_for(200, step=20)
        self.bench.work_for(26 * 3600, step=3600)
        for name, text in self.text.items():
            for receiver in self.bench.receivers.values():
                tried = [parcel for parcel in receiver.tried if parcel.article_id == name]
                got = [parcel for parcel in receiver.got if parcel.article_id == name]
                if text is None:
                    assert not tried or got[-1].event == "withdrawn"
                else:
                    assert got[-1].event != "withdrawn"
                    assert f"|{text}|".encode() in got[-1].rendition.body

        self._nothing_is_left_undone()
        self._every_withdrawal_is_proved()

    def _nothing_is_left_undone(self) -> None:
        with self.ledger.read() as transaction:
            assert repair.count(transaction) == 0
            assert set(deliveries.counts(transaction)) <= {"delivered"}

    def _every_withdrawal_is_proved(self) -> None:
        with self.ledger.read() as transaction:
            assert proofs.outstanding(transaction, limit=10) == []
            for name, text in self.text.items():
                took = [one for one in self.readable.got if one.article_id == name]
                if text is None and took:
                    (proof,) = proofs.of_article(transaction, name)
                    assert proof.channel == "two"
                    assert proof.revision == took[-1].revision
                    assert proof.proved is not None

    def _replay(self) -> None:
        """What was refused or given up is the operator's to send again."""
        for channel in NAMES:
            self.a_channel_is_replayed(channel, seconds=None)


TestAnyInterleaving = Syndication.TestCase
TestAnyInterleaving.settings = settings(
    max_examples=8, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
