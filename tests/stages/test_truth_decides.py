"""Whatever the order of answers, silence, lies, kills, edits and settings: an article ends as truth and policy say.

After any history, once the sources answer again, readers and partners have what the truth and the settings in force
require, which `Expected` computes without regard to the history. At every moment before that, what a source is shown to
say, as of a time, is what it truly said then or later.

CITEWIRE_HISTORIES=2000 runs as many histories, on each database.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import article
from empty_ledger import emptied_ledger, empty_ledger
from four_sources import DAY, FAULTS, IN_PUBMED, NAMES, PAPERS, SAYS, Mortal, Site, SourceName, World
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from pipeline.ledger.articles import accepted
from pipeline.model.article import Article
from pipeline.model.policy import EvidencePolicy, Gate
from pipeline.model.reference import EditorialState
from pipeline.stages.enrich import watch

HISTORIES = int(os.environ.get("CITEWIRE_HISTORIES", "12"))
NO_GATE, CLEAN = Gate(), Gate(refuse=("retracted",))
ANSWERED = Gate(refuse=("retracted",), refuse_pending=True)
policies = st.sampled_from(("annotate", "hold", "notify"))
gates = st.sampled_from((NO_GATE, CLEAN, ANSWERED))
papers = st.sampled_from(tuple(PAPERS))
names = st.sampled_from(NAMES)
asked_by_paper = st.sampled_from(("pubmed", "crossref", "europe_pmc"))
truths = st.sampled_from([(name, state) for name in NAMES for state in (None, None, *SAYS[name])])
faults = st.sampled_from([(name, fault) for name in NAMES for fault in FAULTS[name]])
cited = st.sampled_from((("1",), ("2",), ("3",), ("1", "3"), ("1", "2", "3")))
commits = st.integers(0, 12)


@dataclass(frozen=True)
class Expected:
    """What truth and settings give."""

    article: Article
    marks: dict[str, tuple[EditorialState, ...]]  # by work
    policy: EvidencePolicy
    gate: Gate
    released: frozenset[tuple[str, EditorialState]]  # what an operator accepted: works and their states

    @property
    def held(self) -> bool:
        """Return whether the site holds the article back from everyone."""
        meant = {f"pmid:{pmid}" for pmid in self.article.cites_retracted}
        retracted = [work for work, marks in self.marks.items() if "retracted" in marks and work not in meant]
        return self.policy == "hold" and any((work, "retracted") not in self.released for work in retracted)

    @property
    def refused(self) -> bool:
        """Return whether the channel with the gate must not have the article."""
        return bool(self.gate.refuse) and any("retracted" in marks for marks in self.marks.values())


class Histories(RuleBasedStateMachine):
    """One article's history at a site. `open_ledger` is set by the test."""

    open_ledger: Any

    @initialize(policy=policies, gate=gates)
    def an_article_is_published(self, policy: EvidencePolicy, gate: Gate) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = self.open_ledger(Path(self.folder.name))
        self.world = World()
        self.site = Site(self.ledger, self.world, policy, gate)
        self.policy, self.gate, self.number, self.withdrawn = policy, gate, 0, False
        self.last: dict[tuple[str, str], dt.datetime] = {}
        self.site.work()
        self._publish(("1",), (), None)
        self.site.work()

    def _publish(self, numbers: tuple[str, ...], meant: tuple[str, ...], embargo: dt.datetime | None) -> None:
        self.number += 1
        works = tuple(PAPERS[number] for number in numbers)
        written = article(text=f"Text {self.number}.", cites_retracted=meant, embargo=embargo)
        self.newest = structs.replace(written, references=works)
        self.site.clock.pass_(1)
        self.site.publish(self.newest)
        self.withdrawn = False

    # --- what may happen ---

    @rule(truth=truths, paper=papers)
    def a_source_says_something_else(self, truth: tuple[SourceName, EditorialState | None], paper: str) -> None:
        source, state = truth
        if source != "pubmed" or paper in IN_PUBMED:
            self.world.truth.turn(source, paper, state, self.site.clock.now)
            self.world.show()

    @rule(fault=faults)
    def a_source_misbehaves(self, fault: tuple[SourceName, str]) -> None:
        self.world.misbehave(*fault)

    @rule(source=names)
    def a_source_behaves_again(self, source: SourceName) -> None:
        self.world.misbehave(source)
        self.world.deny(source, False)

    @rule(source=asked_by_paper)
    def a_source_denies_that_it_has_the_papers(self, source: SourceName) -> None:
        self.world.deny(source, True)

    @rule(numbers=cited, meant=st.sampled_from(((), ("1",))), hours=st.sampled_from((None, None, 1, 20)))
    def the_article_is_edited(self, numbers: tuple[str, ...], meant: tuple[str, ...], hours: int | None) -> None:
        self._publish(numbers, meant, hours and self.site.clock.now + dt.timedelta(hours=hours))

    @rule()
    def a_person_withdraws_it(self) -> None:
        self.site.clock.pass_(1)
        self.site.withdraw()
        self.withdrawn = True

    @rule(policy=policies, gate=gates)
    def settings_change(self, policy: EvidencePolicy, gate: Gate) -> None:
        self.policy, self.gate = policy, gate
        self.site.obey(policy, gate)

    @precondition(lambda self: not self.withdrawn and self._is_held())
    @rule()
    def an_operator_releases_it(self) -> None:
        self.site.release()

    @rule(mood=st.sampled_from(("well", "down")), channel=st.sampled_from(("partner", "strict")))
    def a_partner_changes(self, mood: Any, channel: str) -> None:
        self.site.receivers[channel].mood = mood

    @rule()
    def workers_work(self) -> None:
        self.site.work()

    @rule(commits=commits)
    def a_worker_is_killed(self, commits: int) -> None:
        self.site.killed_after(commits, self.site.work)

    @rule(seconds=st.sampled_from((1, 30, 4_000, 90_000)))
    def time_passes(self, seconds: int) -> None:
        self.site.clock.pass_(seconds)
        self.site.work()

    # --- what must hold ---

    @invariant()
    def what_a_source_is_shown_to_say_is_what_it_said(self) -> None:
        for paper, shown in self.site.said():
            if shown.asked is None:
                assert shown.says == ()
            else:
                true = self.world.truth.since(shown.source, paper, shown.asked)  # type: ignore[arg-type]
                assert shown.says in {(state,) if state else () for state in true}, (paper, shown)

    @invariant()
    def what_a_source_said_is_not_forgotten(self) -> None:
        for paper, shown in self.site.said():
            last = self.last.get((paper, shown.source))
            if last is not None:
                assert shown.asked is not None, (paper, shown)
                assert shown.asked >= last, (paper, shown)
            if shown.asked is not None:
                self.last[paper, shown.source] = shown.asked

    def teardown(self) -> None:
        if not hasattr(self, "site"):
            return
        try:
            self._settle()
            self._compare()
        finally:
            self.ledger.close()
            self.folder.cleanup()

    def _settle(self) -> None:
        """Have every source and partner answer, and let one recheck happen."""
        for name in NAMES:
            self.a_source_behaves_again(name)
        for receiver in self.site.receivers.values():
            receiver.mood = "well"
        self.site.clock.pass_(DAY + 1)
        watch.recheck(self.ledger, now=self.site.clock.now)
        for seconds in (1, 1, 1, 1, 1, 601, 30):
            self.site.work()
            self.site.clock.pass_(seconds)
        self.site.work()

    def _compare(self) -> None:
        expected, status = self._expected(), self.site.status()
        assert status["state"] == ("withdrawn" if self.withdrawn or expected.held else "live"), (expected, status)
        if self.withdrawn or expected.held:
            assert self._has("partner") is self._has("strict") is None
            return
        assert {one["id"]: tuple(one["editorial"]) for one in status["references"]} == expected.marks, (
            expected,
            status,
        )
        shown = self._shown(expected)
        for channel in ("partner", "strict"):
            refused = channel == "strict" and expected.refused
            held = self._has(channel)
            if refused or self.policy != "notify" or held is None:
                assert held == (None if refused else shown), (channel, expected)
            else:
                assert held[0] == shown[0], (channel, expected)  # "notify" leaves marks as they were

    def _expected(self) -> Expected:
        by_work = {work: number for number, work in PAPERS.items()}
        truth = self.world.truth
        marks = {f"{work.scheme}:{work.value}": truth.states(by_work[work]) for work in self.newest.references}
        with self.ledger.read() as transaction:
            released = {(one.reference, one.state) for one in accepted.of_article(transaction, "spasms")}
        return Expected(self.newest, marks, self.policy, self.gate, frozenset(released))

    def _shown(self, expected: Expected) -> tuple[str, str]:
        works = [f"{work.split(':', 1)[1]}:resolved:{','.join(marks)}" for work, marks in expected.marks.items()]
        return self.newest.answer, " ".join(works)

    def _has(self, channel: str) -> tuple[str, str] | None:
        """Return the text and the marks that the channel has, or None if it has nothing of the article."""
        got = self.site.receivers[channel].got
        if not got or got[-1].event == "withdrawn":
            return None
        _, _, answer, shown = got[-1].rendition.body.decode().split("|")
        return answer, " ".join(one.rpartition(":")[0] for one in shown.split())

    def _is_held(self) -> bool:
        return any(one["cause"] == "hold" for one in self.site.status()["withheld"])


def on_sqlite(folder: Path) -> Mortal:
    ledger = empty_ledger(folder)
    ledger.close()
    return Mortal(ledger.url.render_as_string(hide_password=False))


def on_postgresql(url: str) -> Mortal:
    emptied_ledger(url).close()
    return Mortal(url)


def run(open_ledger: Any, histories: int) -> None:
    machine = type("Run", (Histories,), {"open_ledger": staticmethod(open_ledger)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_any_history_ends_in_the_state_that_truth_and_policy_give() -> None:
    run(on_sqlite, HISTORIES)


def test_any_history_ends_the_same_on_postgresql(postgresql: str) -> None:
    run(lambda _folder: on_postgresql(postgresql), max(HISTORIES // 4, 1))
