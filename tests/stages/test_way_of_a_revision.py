"""A revision as a line of time, and how it differs from the one before."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa
from bench import PLAIN, POLICY, SITE, START, Bench, WithoutFeeds, article, paper
from every_stage import deliver, enrich, feeds, render
from msgspec import structs

from pipeline.ledger import Ledger, evidence, tables
from pipeline.ledger.articles import revisions
from pipeline.ledger.deliveries import attempts, channels
from pipeline.model.revision import Revision
from pipeline.model.site import Site
from pipeline.stages.refresh import Refresh
from pipeline.stages.stage import drain
from pipeline.views.revision import WholeRevision, revision
from pipeline.views.steps import InFeed, PlaceSteps, Step

ENDS = START + dt.timedelta(hours=6)


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = Bench(ledger)
    bench.pubmed.papers |= {"1": paper("1"), "2": paper("2")}
    return bench


def look(bench: Bench, number: int = 1) -> WholeRevision:
    with bench.ledger.read() as transaction:
        found = revision(transaction, "spasms", number, now=bench.clock())
    assert found is not None
    return found


def steps(bench: Bench, number: int = 1) -> dict[str, Step]:
    return {one.what: one for one in look(bench, number).line.steps}


def place(bench: Bench, number: int = 1, channel: str = "partner") -> PlaceSteps:
    (found,) = [one for one in look(bench, number).line.places if one.channel == channel]
    return found


def retract(bench: Bench, pmid: str) -> None:
    bench.pubmed.papers[pmid] = structs.replace(paper(pmid), editorial=("retracted",))
    with bench.ledger.write() as transaction:
        evidence.rechecks.request_recheck(transaction, [pmid], due=bench.clock.now)
    bench.work_for(5)


def give(bench: Bench, **settings: object) -> None:
    """Give the system other settings."""
    for name, value in settings.items():
        object.__setattr__(bench.context, name, value)


def signed(one: Revision, site: Site) -> bytes:
    return f"{one.article.answer} {site.disclaimer}".encode()


# --- the line of time -----------------------------------------------------------------------------------------------


def test_each_step_has_its_time_and_how_long_it_took_since_the_one_before(bench: Bench) -> None:
    bench.publish(article(pmids=["1", "2"]))
    for seconds, stage in ((2, enrich), (3, render), (0.5, feeds)):
        bench.clock.pass_(seconds)
        drain(bench.context, stage)
    bench.clock.pass_(1)
    drain(bench.context, deliver, "partner")
    accepted, looked_up, rendered, listed = look(bench).line.steps
    assert (accepted.what, accepted.at, accepted.later, accepted.says) == (
        *("accepted", START, None),
        "an event of test",
    )
    assert (looked_up.what, looked_up.later, looked_up.says) == (
        *("references looked up", 2.0),
        "2 references, all answered",
    )
    assert (rendered.what, rendered.later, rendered.says) == ("rendered", 3.0, "in plain")
    assert (listed.what, listed.at, listed.later, listed.says) == (
        *("in the feeds", START + dt.timedelta(seconds=5.5), 0.5),
        "the sitemap, latest",
    )
    (sent,) = place(bench).steps
    assert (sent.what, sent.state, sent.later) == ("delivered at the first attempt", "done", 1.5)
    assert "delivered 200" in sent.says
    assert {one.state for one in (accepted, looked_up, rendered, listed)} == {"done"}


def test_what_has_not_happened_yet_is_said_with_what_it_waits_for(bench: Bench) -> None:
    bench.pubmed.down = True
    bench.publish(article(pmids=["1", "2"]))
    found = steps(bench)
    assert (found["references looked up"].state, found["references looked up"].says) == (
        *("waiting", "0 of 2 references answered so far"),
    )
    assert found["rendered"].says == "not yet: waits for its references, at the latest until then"
    assert found["rendered"].until == START + dt.timedelta(seconds=POLICY.evidence_wait)
    assert [found[one].state for one in ("rendered", "in the feeds", "sent")] == ["waiting"] * 3
    assert look(bench).line.places == ()
    bench.work_for(POLICY.evidence_wait + 2)
    found = steps(bench)
    assert found["references looked up"].says.startswith("0 of 2 references answered when it was rendered")
    assert found["rendered"].later == POLICY.evidence_wait
    assert "sent" not in found


def test_an_article_under_an_embargo_waits_for_its_time(bench: Bench) -> None:
    bench.publish(article(embargo=ENDS))
    bench.work_for(5)
    waiting = steps(bench)["rendered"]
    assert (waiting.state, waiting.says, waiting.until) == ("waiting", "not yet: waits for its time", ENDS)
    bench.work_for(6 * 3600 + 60, step=300)
    assert steps(bench)["rendered"].says == "in plain, when its time had come"


def test_a_record_that_changed_later_hides_when_it_came(bench: Bench) -> None:
    bench.publish(article(pmids=["1"]))
    bench.work_for(5)
    retract(bench, "1")
    first = steps(bench, 1)["references looked up"]
    assert (first.state, first.at, first.says) == ("done", None, "1 reference, answered before it was rendered")
    made, rendered, _ = look(bench, 2).line.steps
    assert (made.what, rendered.what, rendered.later) == ("made", "rendered", 0.0)


def test_a_record_that_was_known_before_was_not_waited_for(bench: Bench) -> None:
    bench.publish(article("other", pmids=["1"]))
    bench.work_for(5)
    bench.clock.pass_(60)
    bench.publish(article(pmids=["1"]))
    bench.work()
    found = steps(bench)["references looked up"]
    assert (found.at, found.says) == (None, "1 reference, known before")


def test_what_cannot_be_rendered_says_why(bench: Bench) -> None:
    def broken(*_: object) -> bytes:
        raise ValueError("a template with a fault in it")

    give(bench, formats={"plain": replace(PLAIN, render=broken)})
    bench.publish(article())
    bench.work()
    found = steps(bench)["rendered"]
    assert (found.state, found.until is not None) == ("failed", True)
    assert "a template with a fault in it" in found.says


def test_a_feed_that_was_not_built_yet_is_waited_for_and_one_that_cannot_be_says_why(bench: Bench) -> None:
    bench.publish(article())
    drain(bench.context, render)
    assert steps(bench)["in the feeds"].says == "not yet: the sitemap, latest waits to be built"

    for claim in feeds.claim(bench.context):
        feeds.failed(bench.context, claim, OSError("no space left on device"))
    found = steps(bench)["in the feeds"]
    assert found.state == "failed" and "could not be built: OSError: no space left on device" in found.says
    assert found.until is not None and found.until > bench.clock()


def test_a_feed_that_shows_the_revision_before_does_not_have_this_one(bench: Bench) -> None:
    bench.publish(article(text="Rest."))
    bench.work()
    bench.publish(article(text="Stretch."))
    drain(bench.context, render)  # at the moment at which the feeds were built
    assert steps(bench, 2)["in the feeds"].says == "not yet: the sitemap, latest waits to be built"
    drain(bench.context, feeds)
    bench.clock.pass_(60)
    drain(bench.context, feeds)
    assert steps(bench, 2)["in the feeds"].state == "done"


def test_since_when_each_feed_shows_it_stays_known_when_the_feed_is_built_again(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    bench.clock.pass_(2 * 3600)
    bench.publish(article("other"))
    bench.work()
    found = steps(bench)["in the feeds"]
    assert (found.state, found.at) == ("done", START)
    assert look(bench).line.feeds == (InFeed(":sitemap", START), InFeed("latest", START))


def test_of_what_a_former_release_placed_it_is_not_known(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    with bench.ledger.write() as transaction:
        mine = sa.update(tables.feed_entries).where(tables.feed_entries.c.feed == "latest")
        transaction.execute(mine.values(shown_since=None))
    found = steps(bench)["in the feeds"]
    assert (found.state, found.at, found.later) == ("done", None, None)
    assert found.says == "the sitemap, latest; since when is not known of latest"
    assert look(bench).line.feeds == (InFeed(":sitemap", START), InFeed("latest", None))


def test_another_revision_has_a_time_of_its_own(bench: Bench) -> None:
    bench.publish(article(text="Rest."))
    bench.work()
    bench.clock.pass_(3600)
    bench.publish(article(text="Stretch."))
    drain(bench.context, render)
    assert look(bench, 2).line.feeds == ()
    bench.clock.pass_(5)
    drain(bench.context, feeds)
    since = START + dt.timedelta(seconds=3605)
    assert [one.since for one in look(bench, 2).line.feeds] == [since, since]
    assert look(bench, 1).line.feeds == ()


def test_a_build_that_ends_before_its_documents_are_written_shows_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.publish(article())
    drain(bench.context, render)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(bench.context.store, "put_file", full)
        drain(bench.context, feeds)
    assert steps(bench)["in the feeds"].state in ("failed", "waiting")
    assert look(bench).line.feeds == ()
    bench.clock.pass_(3600)
    drain(bench.context, feeds)
    assert {one.since for one in look(bench).line.feeds} == {START + dt.timedelta(seconds=3600)}


def test_failed_attempts_are_told_apart_and_counted(bench: Bench) -> None:
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work()
    (first, following) = place(bench).steps
    assert (first.what, first.state, "transient 503" in first.says) == ("first attempt", "failed", True)
    assert (following.what, following.state) == ("next attempt", "waiting")
    bench.work_for(3600, step=10)
    bench.partner.mood = "well"
    bench.work_for(3 * 3600, step=60)
    first, between, last = place(bench).steps
    assert between.what.endswith(" more attempts") and between.at is None
    assert (last.what, last.state) == ("delivered", "done")
    assert last.later is not None and last.later > 3600
    assert place(bench).state == "done"


def test_attempts_that_are_no_longer_kept_are_not_made_up(bench: Bench) -> None:
    bench.partner.mood = "down"
    bench.publish(article())
    bench.work_for(3600, step=10)
    bench.partner.mood = "well"
    bench.work_for(3 * 3600, step=60)
    with bench.ledger.write() as transaction:
        attempts.forget(transaction, before=bench.clock() + dt.timedelta(days=1), after=0, limit=1000)
    (only,) = place(bench).steps
    assert (only.what, only.state) == ("delivered at the first attempt that is kept", "done")


def test_what_was_given_up_says_why(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, policy=replace(POLICY, refused_retries=()))
    bench.partner.mood = "refuses"
    bench.publish(article())
    bench.work()
    first, end = place(bench).steps
    assert (first.state, end.what, end.state) == ("failed", "given up", "failed")
    assert "400" in end.says


def test_a_channel_that_rests_says_why_it_is_sent_nothing(bench: Bench) -> None:
    with bench.ledger.write() as transaction:
        channels.pause(transaction, "partner", reason="its owner moves", now=bench.clock())
    bench.publish(article())
    bench.work()
    (waits,) = place(bench).steps
    assert (waits.what, waits.state) == ("next attempt", "waiting")
    assert waits.says == "not yet: the channel is paused: its owner moves"


def test_a_withdrawal_needs_no_rendering_and_says_who_was_told(bench: Bench) -> None:
    bench.publish(article(pmids=["1"]))
    bench.work_for(5)
    bench.withdraw(reason="A dose was wrong.")
    assert look(bench, 2).line.steps[0].says == "a withdrawal, by an event of test: A dose was wrong."
    assert place(bench, 2).state == "waiting"
    bench.clock.pass_(5)
    bench.work()
    assert [one.what for one in look(bench, 2).line.steps] == ["accepted", "in the feeds"]
    assert steps(bench, 2)["in the feeds"].state == "done"
    (sent,) = place(bench, 2).steps
    assert (sent.what, sent.state) == ("removed at the first attempt", "done")


def test_an_older_revision_says_what_took_its_place(bench: Bench) -> None:
    bench.publish(article(text="Rest."))
    bench.work()
    bench.publish(article(text="Stretch."))
    bench.publish(article(text="Rest, and stretch."))
    bench.work()
    assert place(bench, 1).state == "done"
    skipped = steps(bench, 2)
    assert skipped["rendered"].says == "a later revision took its place first"
    assert look(bench, 2).line.places == ()
    assert steps(bench, 1)["in the feeds"].state == "left-out"
    assert place(bench, 3).state == "done"


def test_an_article_that_no_channel_wants_is_sent_to_no_place(ledger: Ledger) -> None:
    bench = WithoutFeeds(ledger, topics=frozenset({"sleep"}))
    bench.publish(article())
    bench.work()
    sent = steps(bench)["sent"]
    assert (sent.state, sent.says) == ("left-out", "to no place")


# --- what differs ---------------------------------------------------------------------------------------------------


def test_the_first_revision_differs_from_nothing(bench: Bench) -> None:
    bench.publish(article())
    found = look(bench)
    assert (found.before, found.differs, found.changes, found.summary) == (None, (), (), "It is the first.")


def test_another_text_is_shown_word_by_word(bench: Bench) -> None:
    bench.publish(article(text="Rest for 50 mg a day."))
    bench.work()
    bench.publish(article(text="Rest for 5 mg a day."))
    found = look(bench, 2)
    assert (found.before, found.differs, found.summary) == (1, ("text",), "Its text differs from revision 1.")
    assert "answer: Rest for [-50-] {+5+} mg a day." in [str(one) for one in found.changes]


def test_evidence_alone_is_said_to_be_all_that_differs(bench: Bench) -> None:
    bench.publish(article(pmids=["1", "2"]))
    bench.work_for(5)
    retract(bench, "1")
    found = look(bench, 2)
    assert (found.differs, found.changes) == (("evidence",), ())
    assert found.summary == "Only what is known of its references differs from revision 1: its text is the same."
    (reference,) = found.references
    assert (reference.id, reference.before.editorial, reference.after.editorial) == ("pmid:1", (), ("retracted",))


def test_other_settings_of_the_site_are_said_to_be_all_that_differs(bench: Bench) -> None:
    give(bench, formats={"plain": replace(PLAIN, render=signed)})
    bench.publish(article())
    bench.work()
    give(bench, site=structs.replace(SITE, disclaimer="Ask a pharmacist."))
    for _ in range(3):
        drain(bench.context, Refresh())
        bench.work()
        bench.clock.pass_(1)
    found = look(bench, 2)
    assert (found.differs, found.changes) == (("rendering",), ())
    assert "the site's settings" in found.summary and "its text is the same" in found.summary
    assert steps(bench, 2)["in the feeds"].state == "left-out"


def test_a_withdrawal_and_the_return_after_it_are_told_apart(bench: Bench) -> None:
    bench.publish(article(text="Rest."))
    bench.work()
    bench.withdraw()
    bench.work()
    bench.publish(article(text="Stretch."))
    assert look(bench, 2).summary == "The article was withdrawn."
    assert look(bench, 2).before == 1
    found = look(bench, 3)
    assert (found.before, found.summary) == (1, "Its text differs from revision 1, before the withdrawal.")


def test_what_overtakes_an_embargo_is_compared_with_what_readers_saw(bench: Bench) -> None:
    bench.publish(article(text="Rest.", pmids=["1"]))
    bench.work_for(5)
    bench.publish(article(text="Secret.", pmids=["1"], embargo=ENDS))
    bench.work_for(5)
    retract(bench, "1")
    overtaking, waiting = look(bench, 3), look(bench, 4)
    assert (overtaking.before, overtaking.differs) == (1, ("evidence",))
    assert (waiting.before, "text" in waiting.differs) == (3, True)


def test_looking_at_a_revision_costs_the_same_with_any_number_before_it(bench: Bench) -> None:
    for number in range(12):
        bench.publish(article(text=f"Rest for {number} days."))
        bench.work()
    read: list[int] = []
    for number in (2, 12):
        statements: list[str] = []

        def note(_c: object, _u: object, statement: str, *_: object, into: list[str] = statements) -> None:
            into.append(statement)

        sa.event.listen(sa.Engine, "before_cursor_execute", note)
        try:
            found = look(bench, number)
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", note)
        assert found.before == number - 1
        read.append(sum("contents" in one for one in statements))
    assert read[0] == read[1] == 2


def test_there_is_no_such_revision(bench: Bench) -> None:
    bench.publish(article())
    with bench.ledger.read() as transaction:
        assert revision(transaction, "spasms", 2, now=bench.clock()) is None
        assert revision(transaction, "other", 1, now=bench.clock()) is None
        assert revisions.is_known(transaction, "spasms", 1)
