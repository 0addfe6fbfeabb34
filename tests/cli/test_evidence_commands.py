"""`references`, `status --at` and `release` at a terminal: their output and their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench import paper
from command import Result, citewire
from empty_ledger import empty_ledger
from watched import Watched, publish

from workers.cli import references

SITE = """
[[channels]]
id = "careful"
type = "directory"
format = "ninjs"
path = "out"
"""


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "site.toml").write_text(SITE)
    for name in ("CITEWIRE_DATA", "CITEWIRE_DATABASE_URL", "CITEWIRE_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CITEWIRE_CONFIG", str(tmp_path / "site.toml"))

    def call(*words: str) -> Result:
        return citewire(capsys, *words, "--data", tmp_path)

    return call


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Watched]:
    ledger = empty_ledger(tmp_path)
    bench = Watched(ledger, "partner", "careful", plans={"careful": {"evidence": "hold"}})
    bench.know(*(paper(str(number)) for number in range(1, 8)))
    publish(bench, *map(str, range(1, 8)))
    yield bench
    ledger.close()


def test_every_reference_is_printed_a_few_at_a_time(bench: Watched, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_AT_ONCE", 3)
    found = run("references", "--json").json["references"]
    assert [one["pmid"] for one in found] == list("1234567")
    assert found[0]["articles"] == ["spasms"]
    answered = run("references", "7", "99", "--json")  # one document, whatever is to be said besides it
    assert answered.json["references"][1]["articles"] == []
    assert (answered.status, "99 [unknown-reference]" in answered.err) == (4, True)


def test_papers_of_one_standing_are_listed_alone(bench: Watched, run: Run) -> None:
    bench.turn("3", "retracted")
    bench.recheck()
    assert [one["pmid"] for one in run("references", "--standing", "retracted", "--json").json["references"]] == ["3"]
    assert run("references", "--standing", "pending", "--json").json == {"references": []}
    refused = run("references", "7", "--standing", "retracted")
    assert refused.status != 0 and "leave one of them out" in refused.err


def test_a_ledger_without_references_prints_an_empty_list(run: Run) -> None:
    run("migrate")
    assert run("references", "--json").json == {"references": []}
    run("migrate")
    assert run("references", "--changes", "--json").json["changes"] == []


@pytest.mark.parametrize("word", ["PMC1", "1;2", "../1", "١"])
def test_what_is_no_pmid_is_refused(run: Run, word: str) -> None:
    result = run("references", word)
    assert (result.status, "[invalid-pmid]" in result.err) == (2, True)


def test_a_recheck_orders_what_is_named_or_everything(bench: Watched, run: Run) -> None:
    bench.pubmed.asked.clear()
    run("references", "3", "--recheck")
    bench.clock.pass_(10**9)  # the command's clock is the real one
    bench.work()
    assert "3" in bench.pubmed.asked[0]
    run("references", "--recheck", "--json")
    bench.clock.pass_(10)
    bench.work()
    assert sorted(bench.pubmed.asked[-1]) == list("1234567")


def test_a_wait_ends_when_pubmed_has_answered_or_the_time_is_over(bench: Watched, run: Run) -> None:
    assert run("references", "3", "--wait").status == 0  # it was answered long ago
    asked = run("references", "3", "--recheck", "--wait", "--timeout", "0", "--json")
    assert (asked.status, asked.json["references"][0]["pmid"]) == (3, "3")
    assert run("references", "--recheck", "--wait", "--timeout", "0", "--json").status == 3
    bench.clock.pass_(10**9)  # the command's clock is the real one
    bench.work()
    assert run("references", "--wait", "--timeout", "0").status == 0


def test_what_was_shown_is_asked_for_by_channel_and_time(bench: Watched, run: Run) -> None:
    then = bench.clock.now.isoformat()
    bench.turn("1", "retracted")
    bench.recheck()
    now = run("status", "spasms", "--channel", "careful", "--json").json
    assert (now["revision"], now["event"]) == (2, "withdrawn")
    earlier = run("status", "spasms", "--channel", "careful", "--at", then, "--json").json
    assert (earlier["revision"], len(earlier["references"])) == (1, 7)
    own = run("status", "spasms", "--at", "2026-12-31T00:00+01:00", "--json").json
    assert (own["channel"], own["revision"]) == (None, 2)
    assert "careful held revision 2, withdrawn" in run("status", "spasms", "--channel", "careful").out
    assert "the site itself had nothing of it" in run("status", "spasms", "--at", "2020-01-01T00:00Z").out


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("status", "spasms", "--at", "yesterday"), 2, "[invalid-time]"),
        (("status", "spasms", "--at", "2026-03-01T12:00"), 2, "has no zone"),
        (("status", "--channel", "careful"), 2, "[nothing-named]"),
        (("status", "spasms", "--channel", "nobody"), 4, "no channel 'nobody' is known"),
        (("status", "other", "--at", "2026-03-01T12:00Z"), 4, "no article 'other' is known"),
        (("release", "other"), 4, "no article of this id"),
        (("release", "spasms"), 2, "[nothing-to-release]"),
    ],
)
def test_mistakes_have_a_word_and_a_status(
    bench: Watched, run: Run, words: tuple[str, ...], status: int, message: str
) -> None:
    result = run(*words)
    assert result.status == status
    assert message in result.err


def test_a_hold_is_seen_and_released(bench: Watched, run: Run) -> None:
    bench.turn("1", "retracted")
    bench.recheck()
    (kept,) = run("status", "spasms", "--json").json["withheld"]
    assert (kept["channel"], kept["references"]) == ("careful", ["pmid:1"])
    assert "careful" in run("status", "spasms").out
    (change,) = run("references", "--changes", "--json").json["changes"]
    assert (change["pmid"], change["gained"]) == ("1", ["retracted"])
    assert run("references", "2", "--changes", "--json").json["changes"] == []
    assert "retracted" in run("references", "--changes").out
    assert "released to careful" in run("release", "spasms", "--channel", "careful").out
    assert run("status", "spasms", "--json").json["withheld"] == []
