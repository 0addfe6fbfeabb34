"""Articles as people look for them: found by identifiers and words, page after page, never by reading them all."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from bench import Bench, article, paper
from msgspec import structs

from pipeline.ledger import Ledger, deliveries
from pipeline.ledger.articles import searching
from pipeline.ledger.articles.searching import Cursor, Wanted, search
from pipeline.model.article import CitedWork

TITLED = {"sleep": "About sleep", "pain": "Pain, and 100% of it", "statins": "Do STATINS hurt?"}
CITED = {"sleep": ("11",), "pain": ("12",), "statins": ("11", "12")}


@pytest.fixture
def bench(ledger: Ledger) -> Bench:
    """Three articles, a minute apart: sleep, pain, statins."""
    bench = Bench(ledger, "partner", "other")
    bench.pubmed.papers = {"11": paper("11"), "12": structs.replace(paper("12"), doi="10.1000/abc(1)")}
    for name, title in TITLED.items():
        works = tuple(CitedWork("pmid", pmid) for pmid in CITED[name])
        bench.publish(structs.replace(article(name), title=title, references=works))
        bench.work()
        bench.clock.pass_(60)
    return bench


def ids(bench: Bench, after: Cursor | None = None, limit: int = 50, **wanted: object) -> list[str]:
    with bench.ledger.read() as transaction:
        found = search(transaction, Wanted(**wanted), after=after, limit=limit)  # type: ignore[arg-type]
    return list(found.ids)


def test_articles_come_by_their_last_change_the_newest_first(bench: Bench) -> None:
    assert ids(bench) == ["statins", "pain", "sleep"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sleep", ["sleep"]), ("ABOUT", ["sleep"]), ("statins hurt", ["statins"]), ("hurt do", ["statins"]),
        ("100%", ["pain"]), ("%", ["pain"]), ("_", []), ("pmid:11", ["statins", "sleep"]), ("12", ["statins", "pain"]),
        ("PMID 12", ["statins", "pain"]), ("10.1000/ABC(1)", ["statins", "pain"]),
        ("https://doi.org/10.1000/abc(1)", ["statins", "pain"]), ("10.1000/none", []), ("99", []),
        ("PMC123", []), ("dlv_none", []), ("evt_none", []), ("' OR 1=1 --", []), ("\\", []), ("\U0001f9ec", []),
    ],
)  # fmt: skip
def test_an_article_is_found_by_what_people_know_of_it(bench: Bench, words: str, found: list[str]) -> None:
    assert ids(bench, words=words) == found


def test_an_article_is_found_by_its_deliveries_and_events(bench: Bench) -> None:
    with bench.ledger.read() as transaction:
        (delivery, *_) = deliveries.of_article(transaction, "pain")
    assert ids(bench, words=delivery.id) == ["pain"]
    event = bench.publish(article("late"))
    assert ids(bench, words=event.event) == ["late"]


def test_filters_narrow_the_list(bench: Bench) -> None:
    assert ids(bench, state="withdrawn") == []
    bench.withdraw("pain")
    assert ids(bench, state="withdrawn") == ["pain"]
    assert ids(bench, state="live") == ["statins", "sleep"]
    assert ids(bench, channel="partner", state="live") == ["statins", "sleep"]
    assert ids(bench, channel="nobody") == []
    assert ids(bench, trouble=True) == []
    assert ids(bench, state="live", words="12") == ["statins"]


def test_articles_are_found_by_what_became_of_the_papers_they_cite(bench: Bench) -> None:
    from pipeline.ledger.tables import references

    assert ids(bench, evidence="any") == []
    with bench.ledger.write() as transaction:
        marked = sa.update(references).where(references.c.pmid == "11").values(editorial="concern retracted")
        transaction.execute(marked)
    assert ids(bench, evidence="any") == ["statins", "sleep"]
    assert ids(bench, evidence="concern") == ids(bench, evidence="retracted") == ["statins", "sleep"]
    assert ids(bench, evidence="erratum") == ids(bench, evidence="retract") == ids(bench, evidence="%") == []


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(words="a"), Wanted(state="live"), Wanted(words="pmid:11")])
def test_pages_follow_each_other_without_a_gap_or_a_repetition(bench: Bench, wanted: Wanted) -> None:
    seen: list[str] = []
    after = None
    for _ in range(10):
        with bench.ledger.read() as transaction:
            page = search(transaction, wanted, after=after, limit=1)
        seen += page.ids
        if (after := page.next) is None:
            break
    assert len(seen) == len(set(seen))
    with bench.ledger.read() as transaction:
        assert seen == list(search(transaction, wanted, after=None, limit=50).ids)


def test_articles_of_the_same_moment_are_not_lost_between_pages(ledger: Ledger) -> None:
    bench = Bench(ledger)
    for number in range(5):
        bench.publish(article(f"a{number}"))
    seen: list[str] = []
    after = None
    while True:
        with ledger.read() as transaction:
            page = search(transaction, Wanted(), after=after, limit=2)
        seen += page.ids
        if (after := page.next) is None:
            break
    assert seen == ["a4", "a3", "a2", "a1", "a0"]


def test_a_page_looks_at_so_many_articles_and_says_where_to_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "WINDOW", 2)
    monkeypatch.setattr(searching, "_PORTION", 1)
    with bench.ledger.read() as transaction:
        first = search(transaction, Wanted(words="sleep"), after=None, limit=50)
        assert list(first.ids) == []
        assert first.next is not None
        assert list(search(transaction, Wanted(words="sleep"), after=first.next, limit=50).ids) == ["sleep"]


WHOLE = {"sqlite": "SCAN articles", "postgresql": "Seq Scan on articles"}


@pytest.mark.parametrize(
    "wanted",
    [Wanted(), Wanted(state="live"), Wanted(words="a"), Wanted(words="pmid:11"), Wanted(channel="partner"),
     Wanted(evidence="any"), Wanted(trouble=True)],
    ids=str,
)  # fmt: skip
def test_no_page_reads_the_whole_table(bench: Bench, wanted: Wanted) -> None:
    plans: list[str] = []
    with bench.ledger.read() as transaction:
        is_sqlite = transaction.dialect.name == "sqlite"
        if not is_sqlite:
            transaction.exec_driver_sql("SET LOCAL enable_seqscan = off")
        search(transaction, wanted, after=None, limit=2)

        def explain(connection: sa.Connection, cursor: object, statement: str, parameters: object, *_: object) -> None:
            if "EXPLAIN" not in statement and "articles" in statement:
                seen.append((statement, parameters))

        seen: list[tuple[str, object]] = []
        sa.event.listen(transaction.engine, "before_cursor_execute", explain)
        search(transaction, wanted, after=None, limit=2)
        sa.event.remove(transaction.engine, "before_cursor_execute", explain)
        for statement, parameters in seen:
            words = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
            rows = transaction.exec_driver_sql(words + statement, parameters).all()  # type: ignore[call-overload]
            plans += [str(row[-1]) for row in rows]
    assert plans
    assert not [line for line in plans if WHOLE[transaction.dialect.name] in line and "USING" not in line], plans
