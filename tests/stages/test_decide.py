"""What becomes of an article when it is rendered: decided without a ledger, a clock or a renderer."""

from __future__ import annotations

import datetime as dt

from bench import START, article, paper
from msgspec import structs

from pipeline.channels import Channel
from pipeline.ledger.articles import ArticleState
from pipeline.ledger.articles.withheld import EVERYWHERE, Withheld
from pipeline.model.article import CitedWork
from pipeline.model.policy import Gate
from pipeline.model.reference import CitedReference, EditorialState
from pipeline.model.revision import Revision
from pipeline.stages.context import ChannelPlan, Policy
from pipeline.stages.render.decide import (
    ChannelState,
    Comparison,
    Decision,
    Facts,
    candidate,
    decide,
    only_evidence_is_new,
)

LATER = START + dt.timedelta(days=1)
WORK = CitedWork("pmid", "1")
ANNOTATE = Policy()


def never() -> Channel:
    raise AssertionError("to decide opens no channel")


def plan(id: str = "partner", **more: object) -> ChannelPlan:
    return ChannelPlan(id=id, format="plain", open=never, **more)  # type: ignore[arg-type]


def cited(*states: EditorialState, known: bool = True) -> tuple[CitedReference, ...]:
    if not known:
        return (CitedReference(1, WORK, "pending"),)
    return (CitedReference(1, WORK, "resolved", structs.replace(paper("1"), editorial=states)),)


def revision(number: int = 1, references: tuple[CitedReference, ...] = (), **more: object) -> Revision:
    return Revision(
        article=article(pmids=["1"], **more),
        number=number,
        published=START,
        updated=START,
        references=references,
    )


def facts(newest: Revision, rendered: Revision | None, references: tuple[CitedReference, ...], **more: object) -> Facts:
    state = ArticleState(
        id="spasms",
        state="live",
        revision=newest.number,
        rendered=rendered and rendered.number,
        title="Spasms",
        language="en",
        published=START,
        updated=START,
        due=None,
        error=None,
    )
    known: dict[str, object] = {
        "stored": {},
        "withheld": {},
        "channels": {},
        "last_update": rendered and rendered.updated,
    }
    given = known | more
    return Facts(state=state, newest=newest, rendered=rendered, references=references, **given)  # type: ignore[arg-type]


def decided(known: Facts, *plans: ChannelPlan, policy: Policy = ANNOTATE, unchanged: tuple[str, ...] = ()) -> Decision:
    compared = Comparison(frozenset(unchanged), complete="plain" in unchanged)
    return decide(policy, plans or (plan(),), known, compared=compared, now=LATER)


def test_a_new_article_is_rendered_and_sent_to_the_channels_that_want_it() -> None:
    one, other = plan(), plan("other", topics=frozenset({"gout"}))
    decision = decided(facts(revision(), None, cited()), one, other)
    assert (decision.render, decision.scheduled, decision.withheld) == (True, ("partner",), ())
    assert decision.revision.references == cited()


def test_an_embargoed_revision_is_postponed_to_the_end_of_its_embargo() -> None:
    ends = LATER + dt.timedelta(hours=1)
    assert decided(facts(revision(embargo=ends), None, cited())).postponed == ends
    assert decided(facts(revision(embargo=LATER), None, cited())).render


def test_what_is_out_and_says_nothing_new_stays_as_it_is() -> None:
    out = revision(references=cited())
    assert decided(facts(out, out, cited())) == Decision(out)


def test_other_evidence_takes_the_next_number_only_if_a_reader_sees_it() -> None:
    out = revision(references=cited(known=False))
    known = facts(out, out, cited())
    assert decided(known).revision.number == 2
    assert decided(known).render
    assert not decided(known, unchanged=("plain",)).render


def test_a_changed_status_is_always_new_to_readers() -> None:
    out = revision(references=cited())
    known = facts(out, out, cited("retracted"))
    assert not only_evidence_is_new(known, candidate(known, LATER))


def test_a_retraction_withdraws_the_article_everywhere_where_the_site_holds_it() -> None:
    out = revision(references=cited())
    decision = decided(facts(out, out, cited("retracted")), policy=Policy(evidence="hold"))
    assert decision.site_hold is not None
    assert decision.site_hold.references == ("pmid:1",)
    assert (decision.render, decision.scheduled) == (False, ())


def test_a_retraction_is_withheld_from_the_channel_that_holds_it_and_sent_to_the_others() -> None:
    out = revision(references=cited())
    decision = decided(facts(out, out, cited("retracted")), plan(), plan("careful", evidence="hold"))
    assert [(one.channel, one.cause) for one in decision.withheld] == [("careful", "hold")]
    assert decision.scheduled == ("partner",)


def test_a_channel_that_has_the_same_bytes_is_not_sent_them() -> None:
    out = revision(references=cited(known=False))
    channels = {"partner": ChannelState("plain", out), "moved": ChannelState("fancy", out)}
    known = facts(out, out, cited(), channels=channels)
    decision = decide(Policy(), (plan(), plan("moved")), known, compared=Comparison(frozenset({"plain"})), now=LATER)
    assert decision.scheduled == ("moved",)


def test_a_channel_that_asked_only_to_be_notified_keeps_what_it_has() -> None:
    out = revision(references=cited())
    channels = {"partner": ChannelState("plain", out)}
    known = facts(out, out, cited("concern"), channels=channels)
    assert decided(known, plan(evidence="notify")).scheduled == ()
    assert decided(known, plan(evidence="annotate")).scheduled == ("partner",)
    behind = structs.replace(known, channels={"partner": ChannelState("plain", None)})
    assert decided(behind, plan(evidence="notify")).scheduled == ("partner",)


def test_a_channel_whose_topics_no_longer_match_is_still_sent_what_replaces_what_it_has() -> None:
    first, second = revision(), revision(2, text="Walk.")
    moved = plan(topics=frozenset({"gout"}))
    known = facts(second, first, (), channels={"partner": ChannelState("plain", first)})
    assert decided(known, moved).scheduled == ("partner",)


def why(channel: str, cause: str) -> Withheld:
    return Withheld(channel=channel, cause=cause, reason="x", references=(), revision=1, since=START)  # type: ignore[arg-type]


def test_what_was_withheld_is_released_when_its_cause_has_gone() -> None:
    strict = plan("strict", gate=Gate(min_resolved=2))
    withheld = {one.channel: one for one in (why("partner", "gate"), why("strict", "gate"), why("left", "gate"))}
    withheld |= {one.channel: one for one in (why("kept", "hold"), why(EVERYWHERE, "hold"))}
    decision = decided(facts(revision(2, text="Walk."), revision(), cited(), withheld=withheld), plan(), strict)
    assert set(decision.released) == {"partner", "left", EVERYWHERE}
    assert [one.channel for one in decision.withheld] == ["strict"]
