"""What grows without end is deleted by age; what proves what was shown where is not."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from bench import Bench, article, paper
from msgspec import structs
from watched import Watched

from pipeline.ledger import Ledger, operations, tokens
from pipeline.ledger.articles import renditions, revisions
from pipeline.ledger.deliveries import channel_contents
from pipeline.ledger.evidence import checks, verdicts
from pipeline.ledger.operations import Operation, Part
from pipeline.ledger.partners import changes
from pipeline.ledger.tables import identifiers, references, source_checks
from pipeline.model.article import CitedWork
from pipeline.model.reference import SourceVerdict
from pipeline.model.rendition import digest_of
from pipeline.stages.prune import drop_strays, prune, prune_others
from pipeline.store import RenditionStore

YEAR = 366 * 86_400.0


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    bench = Bench(ledger)
    for text in ("one", "two", "three"):
        bench.publish(article(text=text))
        bench.publish(article("other", text=text))
        bench.work_for(2)
    with bench.ledger.write() as transaction:
        changes.assign_sequence(transaction, "partner")
    return bench


def after(bench: Bench, cursor: str) -> list[changes.Change] | None:
    with bench.ledger.read() as transaction:
        seq = changes.sequence_of(transaction, "partner", cursor)
        return None if seq is None else changes.after(transaction, "partner", seq, limit=100)


def forgotten(bench: Bench, cursor: str) -> bool:
    with bench.ledger.read() as transaction:
        return changes.is_forgotten(transaction, "partner", cursor)


def test_old_changes_go_and_the_newest_of_each_article_stays(bench: Bench) -> None:
    every = after(bench, changes.BEGINNING)
    assert every is not None
    bench.clock.pass_(YEAR)
    prune_others(bench.context, batch=2)
    left = after(bench, changes.BEGINNING)
    assert left is not None
    assert sorted((one.article, one.revision) for one in left) == [("other", 3), ("spasms", 3)]
    assert [after(bench, one.cursor) is None for one in every] == [True] * 4 + [False] * 2


def test_an_hour_looks_at_a_share_of_the_attempts_and_in_time_all_old_ones_go(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three attempts at each of two deliveries, of which the last ones stay."""
    monkeypatch.setattr("pipeline.stages.prune._SHARE", 2)
    bench.clock.pass_(YEAR)
    deleted = []
    for _ in range(3):
        deleted.append(prune(bench.context, older_than=dt.timedelta(days=1), batch=1))
        bench.clock.pass_(3600)
    assert sum(deleted) == 4
    assert max(deleted) == 2


def test_a_cursor_that_is_too_old_is_known_as_such_and_any_other_is_not(bench: Bench) -> None:
    every = after(bench, changes.BEGINNING)
    assert every is not None
    assert not any(forgotten(bench, one.cursor) for one in every)
    bench.clock.pass_(YEAR)
    prune_others(bench.context)
    assert [forgotten(bench, one.cursor) for one in every] == [True] * 4 + [False] * 2
    assert not any(forgotten(bench, cursor) for cursor in ("0", "99-abc", "x", "-1", "1" * 50))


def test_numbers_go_on_after_old_changes_were_deleted(bench: Bench) -> None:
    bench.clock.pass_(YEAR)
    prune_others(bench.context)
    last = after(bench, changes.BEGINNING)
    bench.publish(article(text="four"))
    bench.work()
    with bench.ledger.write() as transaction:
        changes.assign_sequence(transaction, "partner")
    assert last is not None
    newest = after(bench, last[-1].cursor)
    assert newest is not None
    assert [(one.seq, one.revision) for one in newest] == [(7, 4)]


def test_the_bytes_of_old_revisions_go_and_what_was_shown_is_still_known(bench: Bench) -> None:
    with bench.ledger.read() as transaction:
        digests = [renditions.of_revision(transaction, "spasms", number)[0].digest for number in (1, 2, 3)]
    bench.clock.pass_(YEAR)
    prune_others(bench.context)
    assert [digest in bench.store.held for digest in digests] == [False, False, True]
    with bench.ledger.read() as transaction:
        assert renditions.of_revision(transaction, "spasms", 1) == []
        assert revisions.get(transaction, "spasms", 1).article.answer == "one"
        shown = channel_contents.at(transaction, "spasms", "partner", bench.clock.now)
        assert shown is not None
        assert shown.digest == digests[2]


def test_what_a_channel_still_has_is_kept(bench: Bench) -> None:
    bench.partner.mood = "down"
    bench.publish(article(text="four"))
    bench.work()
    bench.clock.pass_(YEAR)
    prune_others(bench.context)
    with bench.ledger.read() as transaction:
        kept = [bool(renditions.of_revision(transaction, "spasms", number)) for number in (1, 2, 3, 4)]
    assert kept == [False, False, True, True]


def test_nothing_young_is_touched(bench: Bench) -> None:
    def count() -> list[int]:
        with bench.ledger.read() as transaction:
            return [transaction.scalar(sa.text(f"SELECT count(*) FROM {name}")) or 0 for name in names]  # noqa: S608

    names = ("changes", "renditions", "revisions", "holdings", "pulls")
    before = count()
    prune_others(bench.context)
    assert count() == before


def test_tokens_that_ended_long_ago_go(bench: Bench) -> None:
    def names() -> list[str]:
        with bench.ledger.read() as transaction:
            return [one.name for one in tokens.every(transaction)]

    with bench.ledger.write() as transaction:
        for name in ("revoked", "valid"):
            tokens.add(transaction, f"token of {name}", name=name, scope="publish", now=bench.clock.now)
        tokens.revoke(transaction, "revoked", now=bench.clock.now)
    prune_others(bench.context)
    assert names() == ["revoked", "valid"]
    bench.clock.pass_(91 * 86_400)
    prune_others(bench.context)
    assert names() == ["valid"]


def test_old_operations_go_and_what_they_brought_out_stays(bench: Bench) -> None:
    now, later = bench.clock.now, bench.clock.now + dt.timedelta(days=700)
    with bench.ledger.write() as transaction:
        for number, at in enumerate((now, now, later)):
            done = Operation(f"op_{number}", "publish", "a test", at, ended=at)
            operations.record(transaction, done, [Part("spasms", None, 1, "published")])
        operations.begin(transaction, Operation("op_open", "publish", "a test", now))
    bench.clock.pass_(2.1 * YEAR)
    prune_others(bench.context, batch=1)
    with bench.ledger.read() as transaction:
        found = {one: operations.find(transaction, one) is not None for one in ("op_0", "op_1", "op_2", "op_open")}
        assert found == {"op_0": False, "op_1": False, "op_2": True, "op_open": True}
        assert operations.parts_of(transaction, "op_0") == [] != operations.parts_of(transaction, "op_2")
        assert channel_contents.at(transaction, "spasms", "partner", bench.clock.now) is not None


def cites(bench: Bench, *works: CitedWork) -> None:
    bench.publish(structs.replace(article(text=f"Cites {len(works)}."), references=works))
    bench.work_for(30)


def known(bench: Bench) -> dict[str, list[str]]:
    with bench.ledger.read() as transaction:
        columns = {"pmids": references.c.pmid, "dois": identifiers.c.work, "checks": source_checks.c.work}
        return {name: sorted(transaction.scalars(sa.select(column))) for name, column in columns.items()}


def test_what_nothing_cites_any_longer_goes_unless_it_was_ever_flagged(ledger: Ledger) -> None:
    bench = Watched(ledger)
    bench.know(*(paper(number) for number in "12345"))
    bench.turn("5", "retracted")
    bench.converter.pmids["10.1/four"] = "4"
    with bench.ledger.write() as transaction:
        verdicts.register(transaction, {"crossref": True})
    cited = tuple(CitedWork("pmid", number) for number in "1235")
    cites(bench, *cited, CitedWork("doi", "10.1/four"))
    with bench.ledger.write() as transaction:
        retracted = SourceVerdict(source="crossref", state="retracted")
        for pmid, said in (("1", ()), ("2", (retracted,))):
            checks.store(transaction, "crossref", {f"pmid:{pmid}": said}, now=bench.clock.now, due=None)
    before = known(bench)
    cites(bench, CitedWork("pmid", "3"))
    prune_others(bench.context)
    assert known(bench) == before
    bench.clock.pass_(YEAR)
    prune_others(bench.context, batch=1)
    assert known(bench) == {"pmids": ["2", "3", "5"], "dois": [], "checks": ["pmid:2", "pmid:3", "pmid:5"]}
    cites(bench, *cited)
    assert known(bench)["pmids"] == ["1", "2", "3", "5"], "what is cited again is asked about again"


def test_bytes_that_no_row_names_are_dropped_and_no_others(ledger: Ledger, tmp_path: Path) -> None:
    bench = Bench(ledger)
    store = RenditionStore.at(tmp_path)
    bench.context = dataclasses.replace(bench.context, store=store)
    bench.publish(article())
    bench.work()
    stray, fresh = digest_of(b"killed before it was recorded"), digest_of(b"not recorded yet")
    for digest, body in ((stray, b"killed before it was recorded"), (fresh, b"not recorded yet")):
        store.put(digest, body)
    for path in (tmp_path / "sha256").rglob("*"):
        if path.is_file() and path.stem not in fresh:
            os.utime(path, (0, 0))
    os.utime(tmp_path / "sha256" / fresh[7:9] / f"{fresh[9:]}.zst", (bench.clock.now.timestamp() + 86_400 * 20,) * 2)
    dropped = 0
    for _ in range(256):  # an hour each
        dropped += drop_strays(bench.context)
        bench.clock.pass_(3600)
    assert dropped == 1 and store.get(stray) is None and store.get(fresh) is not None
    with ledger.read() as transaction:
        shown = [one.digest for one in renditions.of_revision(transaction, "spasms", 1)]
    assert all(store.get(digest) is not None for digest in shown)


class StoredMeanwhile(RenditionStore):
    """Somebody stores bytes again after they were found to be without a row."""

    again: tuple[str, bytes] | None = None

    def digests(self, part: int, before: dt.datetime) -> list[str]:
        found = super().digests(part, before)
        if self.again is not None and self.again[0] in found:
            self.put(*self.again)
            self.again = None
        return found


def test_bytes_that_are_stored_again_while_strays_are_looked_for_stay(ledger: Ledger, tmp_path: Path) -> None:
    """An article may return to a text of which no row was left."""
    bench, body = Bench(ledger), b"stored again, and about to be recorded"
    digest = digest_of(body)
    store = StoredMeanwhile.at(tmp_path)
    assert isinstance(store, StoredMeanwhile)
    bench.context = dataclasses.replace(bench.context, store=store)
    store.put(digest, body)
    os.utime(tmp_path / "sha256" / digest[7:9] / f"{digest[9:]}.zst", (0, 0))
    store.again = (digest, body)
    bench.clock.now = dt.datetime.now(dt.UTC)
    bench.clock.now -= dt.timedelta(hours=(int(bench.clock.now.timestamp() // 3600) - int(digest[7:9], 16)) % 256)
    assert drop_strays(bench.context) == 0
    assert store.again is None, "it was found to be without a row"
    assert store.get(digest) == body
