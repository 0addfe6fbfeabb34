from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from bench import Bench, article, topic
from every_stage import render

from pipeline.ledger import Ledger, feeds
from pipeline.ledger.articles import renditions, revisions
from pipeline.model.revision import Revision, Withdrawal
from pipeline.stages.stage import drain


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    return Bench(ledger)


def test_ten_quick_edits_are_rendered_and_delivered_once(bench: Bench) -> None:
    for number in range(10):
        bench.publish(article(text=f"edit {number}"))
    bench.work()
    assert [one.rendition.body for one in bench.partner.got] == [b"10|edit 9|"]


def test_a_revision_that_arrives_while_an_older_one_is_rendered_is_not_lost(bench: Bench) -> None:
    bench.publish(article(text="old"))
    (claim,) = render.claim(bench.context, "")
    bench.publish(article(text="new"))
    render.do(bench.context, claim)
    bench.work()
    assert [one.rendition.body for one in bench.partner.got] == [b"2|new|"]


def test_an_article_whose_renderer_was_killed_is_rendered_again(bench: Bench) -> None:
    bench.publish(article())
    bench.die(render)
    bench.work_for(70, step=5)
    assert len(bench.partner.got) == 1


def test_renditions_are_kept_with_their_digests(bench: Bench) -> None:
    bench.publish(article())
    bench.work()
    with bench.ledger.read() as transaction:
        (stored,) = renditions.of_revision(transaction, "spasms", 1)
    body = bench.store.get(stored.digest)
    assert body == b"1|Rest.|"
    assert (stored.format, stored.bytes) == ("plain", len(body))


def test_a_channel_gets_only_what_passes_its_filter(ledger: Ledger) -> None:
    bench = Bench(ledger, topics=frozenset({"spasticity"}))
    bench.publish(article("a", topics=(topic("spasticity"),)))
    bench.publish(article("b", topics=(topic("migraine"),)))
    bench.work()
    assert [one.article_id for one in bench.partner.got] == ["a"]


def test_a_channel_that_holds_an_article_is_kept_up_to_date_when_its_filter_no_longer_matches(ledger: Ledger) -> None:
    bench = Bench(ledger, topics=frozenset({"spasticity"}))
    bench.publish(article(topics=(topic("spasticity"),)))
    bench.work()
    bench.publish(article(text="Corrected.", topics=(topic("migraine"),)))
    bench.work()
    assert bench.partner.last("spasms").revision == 2


def test_a_renderer_with_a_fault_holds_up_no_other_article(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = bench.context.formats["plain"]

    def faulty(revision, site):  # type: ignore[no-untyped-def]
        if revision.article.id == "bad":
            raise ZeroDivisionError("a fault")
        return plain.render(revision, site)

    formats = {"plain": type(plain)("plain", "text/plain", "plain", faulty, plain.tombstone, plain.document)}
    object.__setattr__(bench.context, "formats", formats)
    bench.publish(article("bad"))
    bench.publish(article("good"))
    bench.work()
    assert [one.article_id for one in bench.partner.got] == ["good"]
    assert bench.article("bad").error == "ZeroDivisionError: a fault"
    assert bench.article("bad").due is not None


def test_the_feed_is_built_once_for_a_burst_and_holds_all_of_it(bench: Bench) -> None:
    for number in range(20):
        bench.publish(article(f"article-{number:02}"))
    drain(bench.context, render)
    assert "feeds" in bench.due()
    bench.work()
    assert "feeds" not in bench.due()
    newest, _ = bench.store.files["public/feeds/latest.plain"]
    assert newest.decode().split("\n") == [f"article-{number:02}" for number in range(20)]


def test_a_withdrawn_article_leaves_the_feed(bench: Bench) -> None:
    bench.publish(article("a"))
    bench.publish(article("b"))
    bench.work()
    bench.withdraw("a")
    bench.work_for(5)
    with bench.ledger.read() as transaction:
        document = feeds.document(transaction, "latest", "plain")
    assert document is not None
    assert bench.store.get(document.digest) == b"b"


def test_a_feed_tells_of_what_was_taken_back_and_never_of_what_was_never_shown(bench: Bench) -> None:
    seen: list[list[str]] = []

    def document(feed: object, entries: Sequence[Revision | Withdrawal], site: object) -> bytes:
        seen.append([type(one).__name__ for one in entries])
        return b""

    plain = bench.context.formats["plain"]
    object.__setattr__(bench.context, "formats", {"plain": replace(plain, document=document)})
    bench.publish(article("a"))
    bench.work()
    bench.publish(article("never-shown"))
    bench.withdraw("never-shown")
    bench.withdraw("a")
    bench.work_for(5)
    assert seen[-1] == ["Withdrawal"]


def test_a_tombstone_knows_the_articles_canonical_address(bench: Bench) -> None:
    bench.publish(article(canonical="https://elsewhere.example.org/a"))
    bench.work()
    bench.withdraw()
    with bench.ledger.read() as transaction:
        withdrawal = revisions.withdrawal(transaction, "spasms", 2)
    assert withdrawal.canonical == "https://elsewhere.example.org/a"
