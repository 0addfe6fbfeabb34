"""What is kept from whom for the sake of its evidence: holds, notify, gates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from bench import article, paper, topic
from empty_ledger import empty_ledger
from every_stage import enrich, render
from msgspec import structs
from structlog.testing import capture_logs
from watched import Watched, publish, withdrawn_by_a_hold

from pipeline.errors import InvalidEvent
from pipeline.ledger import Ledger, feeds
from pipeline.model.policy import Gate
from pipeline.model.reference import PartialDate
from pipeline.stages.accept.undo import undo
from pipeline.stages.context import Policy
from pipeline.stages.enrich import watch
from pipeline.stages.stage import drain
from pipeline.views import operations as operations_views


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """On one database: what differs between the two is tested in tests/ledger/test_evidence_watch.py."""
    opened = empty_ledger(tmp_path)
    yield opened
    opened.close()


# --- hold ---------------------------------------------------------------------------------------------------------


def holding_partner(ledger: Ledger, **policy: object) -> Watched:
    plans = {"partner": {"evidence": "hold"}}
    bench = Watched(ledger, "partner", "other", policy=Policy(**policy), plans=plans)  # type: ignore[arg-type]
    bench.know(paper("1"), paper("2"))
    publish(bench, "1", "2")
    return bench


def test_a_channel_under_hold_gets_a_withdrawal_that_names_the_paper_the_others_the_mark(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.got() == [(1, "published"), (2, "withdrawn")]
    assert b"PMID 1 (retracted)" in bench.partner.last("spasms").rendition.body
    assert bench.got("other") == [(1, "published"), (2, "updated")]
    assert bench.article().state == "live"
    (kept,) = bench.status()["withheld"]
    assert (kept["channel"], kept["cause"], kept["references"]) == ("partner", "hold", ["pmid:1"])


def test_a_hold_lasts_through_edits_until_it_is_released(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.turn("1", "retracted")
    bench.recheck()
    publish(bench, "1", "2", text="Edited.")
    assert bench.got() == [(1, "published"), (2, "withdrawn")]
    done = bench.release()
    assert (done.revision, done.channels) == (4, ("partner",))
    with ledger.read() as transaction:
        operation = operations_views.operation(transaction, done.operation, now=bench.clock())
    assert operation is not None
    assert [(one.outcome, one.channel, one.before, one.revision) for one in operation.parts] == [
        ("released", "partner", 3, 4)
    ]
    with pytest.raises(InvalidEvent) as refused:
        undo(bench._intake(), done.operation, by="somebody")
    assert refused.value.code == "cannot-be-undone"
    assert bench.got()[2:] == [(4, "published")]
    assert b"1:resolved:retracted" in bench.partner.last("spasms").rendition.body
    assert bench.got("other") == [(1, "published"), (2, "updated"), (3, "updated")]  # to whom it would say nothing new
    assert bench.status()["withheld"] == []
    bench.recheck()
    publish(bench, "1", "2", text="Edited again.")
    assert bench.got()[3:] == [(5, "updated")]


def test_a_hold_ends_when_the_article_cites_the_paper_no_more(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.turn("1", "retracted")
    bench.recheck()
    publish(bench, "2", text="Without it.")
    assert bench.got() == [(1, "published"), (2, "withdrawn"), (3, "published")]
    assert bench.status()["withheld"] == []


def test_only_the_states_of_hold_on_hold(ledger: Ledger) -> None:
    bench = holding_partner(ledger, hold_on=("retracted", "concern"))
    bench.turn("1", "erratum")
    bench.recheck()
    assert bench.got() == [(1, "published"), (2, "updated")]
    bench.turn("1", "erratum", "concern")
    bench.recheck()
    assert bench.got()[2:] == [(3, "withdrawn")]


def test_an_author_may_cite_a_retracted_paper_under_hold(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.know(paper("3"))
    bench.turn("3", "retracted")
    publish(bench, "1", "2", "3", text="Of the retracted trial.", cites_retracted=("3",))
    assert bench.got() == [(1, "published"), (2, "updated")]


@pytest.mark.parametrize("prompt", [True, False])
def test_a_new_article_that_cites_a_retracted_paper_is_held_however_late_that_is_learnt(
    ledger: Ledger, prompt: bool
) -> None:
    bench = Watched(ledger, policy=Policy(evidence="hold"))
    bench.know(paper("1"))
    bench.turn("1", "retracted")
    bench.pubmed.down = not prompt
    publish(bench, "1")
    bench.work_for(30, step=5)
    bench.pubmed.down = False
    bench.work_for(30, step=5)
    assert bench.article().state == "withdrawn"
    assert [event for _, event in bench.got()] == ([] if prompt else ["published", "withdrawn"])
    (kept,) = bench.status()["withheld"]
    assert kept["references"] == ["pmid:1"]
    bench.release()
    bench.work_for(5)
    assert bench.article().state == "live"
    bench.recheck()
    publish(bench, "1", text="Edited.")
    assert bench.got()[-1][1] == "updated"


def test_a_hold_of_the_site_ends_when_the_paper_is_in_good_standing_again(ledger: Ledger) -> None:
    bench = withdrawn_by_a_hold(ledger)
    bench.turn("1")
    bench.recheck()
    assert (bench.article().state, bench.status()["withheld"]) == ("live", [])
    assert [event for _, event in bench.got()] == ["published", "withdrawn", "published"]


def test_what_a_person_withdrew_stays_withdrawn_whatever_becomes_of_its_papers(ledger: Ledger) -> None:
    bench = Watched(ledger, policy=Policy(evidence="hold"))
    bench.know(paper("1"))
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    bench.withdraw()
    bench.work()
    bench.turn("1")
    bench.recheck()
    assert bench.article().state == "withdrawn"


def test_a_channel_that_never_had_the_article_is_owed_nothing_by_a_hold(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.publish(article("cramps", pmids=["1"]))
    drain(bench.context, render)  # and nobody delivers
    bench.turn("1", "retracted")
    bench.clock.pass_(2)
    watch.recheck(ledger, now=bench.clock.now)
    drain(bench.context, enrich)
    drain(bench.context, render)
    assert [one["channel"] for one in bench.status("cramps")["deliveries"]] == ["other"]
    assert [one["channel"] for one in bench.status("cramps")["withheld"]] == ["partner"]
    bench.work()
    assert [one.article_id for one in bench.partner.got] == ["spasms", "spasms"]


def test_a_release_goes_before_a_withdrawal_that_did_not_arrive(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.partner.mood = "down"
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.status()["deliveries"][1]["event"] == "withdrawn"
    bench.release()
    bench.partner.mood = "well"
    bench.work_for(120, step=10)
    assert bench.got() == [(1, "published"), (3, "updated")]


def test_a_withdrawal_of_what_is_held_is_for_good(ledger: Ledger) -> None:
    bench = holding_partner(ledger)
    bench.turn("1", "retracted")
    bench.recheck()
    bench.withdraw(reason="It was wrong.")
    bench.work()
    assert bench.partner.last("spasms").rendition.body.endswith(b"|It was wrong.")
    with pytest.raises(InvalidEvent) as refused:
        bench.release()
    assert refused.value.code == "nothing-to-release"


def test_a_hold_of_the_whole_site_takes_the_article_back_until_it_is_released(ledger: Ledger) -> None:
    bench = Watched(ledger, "partner", "other", policy=Policy(evidence="hold"), plans={"other": {"evidence": "notify"}})
    bench.know(paper("1"))
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    for channel in ("partner", "other"):
        assert bench.got(channel) == [(1, "published"), (2, "withdrawn")]
    assert bench.article().state == "withdrawn"
    assert _feed(bench) == b""
    (kept,) = bench.status()["withheld"]
    assert (kept["channel"], kept["cause"], kept["references"]) == (None, "hold", ["pmid:1"])
    publish(bench, "1")  # a system that sends all it has again decides nothing
    assert bench.article().state == "withdrawn"
    done = bench.release()
    bench.work_for(5)
    assert done.channels == ()
    assert bench.got()[-1] == (done.revision, "published")
    assert b"retracted" in bench.partner.last("spasms").rendition.body
    assert (bench.article().state, bench.status()["withheld"]) == ("live", [])
    assert _feed(bench) == b"spasms"


def _feed(bench: Watched) -> bytes | None:
    bench.work_for(5)
    with bench.ledger.read() as transaction:
        document = feeds.document(transaction, "latest", "plain")
    return bench.store.get(document.digest) if document else None


def test_releasing_what_nobody_holds_is_refused_with_the_reason(ledger: Ledger) -> None:
    bench = Watched(ledger, plans={"partner": {"gate": Gate(refuse=("retracted",))}})
    bench.know(paper("1"))
    bench.turn("1", "retracted")
    publish(bench, "1")
    for named, message in ((None, "gate"), ("partner", "gate"), ("other", "nothing of it is held")):
        with pytest.raises(InvalidEvent, match=message) as refused:
            bench.release(channel=named)
        assert refused.value.code == "nothing-to-release"
    with pytest.raises(InvalidEvent) as unknown:
        bench.release("never-published")
    assert unknown.value.code == "unknown-article"


# --- notify -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("site", [True, False])
def test_under_notify_a_channel_keeps_what_it_has_until_the_article_changes(ledger: Ledger, site: bool) -> None:
    plans: dict[str, Mapping[str, object]] = {"other": {"evidence": "annotate"}}
    if not site:
        plans["partner"] = {"evidence": "notify"}
    policy = Policy(evidence="notify" if site else "annotate")
    bench = Watched(ledger, "partner", "other", policy=policy, plans=plans)
    bench.know(paper("1"))
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.got() == [(1, "published")]
    assert bench.got("other") == [(1, "published"), (2, "updated")]
    assert len(bench.noted()) == 1
    publish(bench, "1", text="Edited.")
    assert bench.got() == [(1, "published"), (3, "updated")]
    assert b"retracted" in bench.partner.last("spasms").rendition.body


def test_under_notify_citations_still_follow(ledger: Ledger) -> None:
    bench = Watched(ledger, policy=Policy(evidence="notify"))
    bench.know(paper("1"))
    bench.turn("1", "retracted")
    bench.pubmed.down = True
    publish(bench, "1")
    bench.work_for(30, step=5)
    bench.pubmed.down = False
    bench.work_for(30, step=5)
    assert bench.got() == [(1, "published"), (2, "updated")]


# --- gates --------------------------------------------------------------------------------------------------------


def gated(ledger: Ledger, gate: Gate) -> Watched:
    bench = Watched(ledger, "partner", "other", plans={"partner": {"gate": gate}})
    bench.know(paper("1"), paper("2"))
    return bench


def test_a_gate_keeps_the_article_from_its_channel_alone_and_status_says_why(ledger: Ledger) -> None:
    bench = gated(ledger, Gate(refuse=("retracted",)))
    bench.turn("1", "retracted")
    with capture_logs() as logs:
        publish(bench, "1")
    assert bench.got() == []
    assert bench.got("other") == [(1, "published")]
    (kept,) = bench.status()["withheld"]
    assert (kept["channel"], kept["cause"], kept["references"]) == ("partner", "gate", ["pmid:1"])
    assert kept["reason"] == "Not for this channel: it cites PMID 1 (retracted)."
    assert [line["channel"] for line in logs if line["event"] == "withheld"] == ["partner"]


def test_a_channel_does_not_keep_what_its_gate_would_refuse_now(ledger: Ledger) -> None:
    bench = gated(ledger, Gate(refuse=("retracted",)))
    publish(bench, "1")
    bench.turn("1", "retracted")
    bench.recheck()
    assert bench.got() == [(1, "published"), (2, "withdrawn")]
    publish(bench, "1", text="Edited.")
    assert len(bench.got()) == 2
    bench.turn("1")
    bench.recheck()
    assert bench.got()[2:] == [(4, "published")]
    assert bench.status()["withheld"] == []


def test_an_article_that_waits_for_references_is_refused_until_they_come(ledger: Ledger) -> None:
    bench = gated(ledger, Gate(min_resolved=2))
    bench.pubmed.down = True
    publish(bench, "1", "2")
    bench.work_for(30, step=5)
    assert (bench.got(), bench.got("other")) == ([], [(1, "published")])
    assert bench.status()["withheld"][0]["references"] == ["pmid:1", "pmid:2"]
    bench.pubmed.down = False
    bench.work_for(30, step=5)
    assert bench.got() == [(2, "published")]
    assert bench.status()["withheld"] == []


def test_a_gate_that_nothing_comes_to_any_more_keeps_nothing_back(ledger: Ledger) -> None:
    bench = gated(ledger, Gate(min_resolved=5))
    plans = bench.context.channels
    picky = replace(plans["partner"], topics=frozenset({"rest"}))
    bench.context = replace(bench.context, channels={**plans, "partner": picky})
    publish(bench, "1", topics=(topic("rest"),))
    assert len(bench.status()["withheld"]) == 1
    publish(bench, "1", topics=(topic("sport"),))
    assert bench.status()["withheld"] == []


def test_a_gate_may_ask_for_new_evidence(ledger: Ledger) -> None:
    bench = gated(ledger, Gate(newest_within_years=5))
    bench.know(structs.replace(paper("1"), date=PartialDate(year=2011)))
    publish(bench, "1")
    assert bench.got() == []
    bench.know(structs.replace(paper("2"), date=PartialDate(year=2025)))
    publish(bench, "1", "2")
    assert bench.got() == [(2, "published")]
