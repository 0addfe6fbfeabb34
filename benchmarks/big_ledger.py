"""A ledger as it is after years: filled with SQL, so that a million rows take seconds, on SQLite or PostgreSQL.

Nothing is rendered, so the store has no files, and what a page shows of an article's content is one sentence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from pipeline.ledger import Ledger
from pipeline.model.article import Article, CitedWork, Paragraph, Section, Text
from pipeline.model.reference import Reference

ONE_IN = {"withdrawn": 50, "scheduled": 100, "held": 200, "cites a DOI": 10, "mismatched": 1_000}  # articles
ABANDONED, RETRIED, BACKLOG = 100, 500, 200  # one in so many deliveries
MONTHS = 36  # over which the articles were published
CAUSES = 20  # for which deliveries fail, each with another id in every message


class Size(Struct, frozen=True):
    """How many articles there are, each with a delivery to each of the channels."""

    articles: int
    channels: tuple[str, ...]

    @property
    def deliveries(self) -> int:
        return self.articles * len(self.channels)


def article_id(number: int) -> str:
    return f"article-{number:07}"


def delivery_id(number: int, channel: int) -> str:
    """Return the id of the delivery of an article to the channel with this number, from zero."""
    return f"dlv_{10_000_000 + number}{channel:03}"


def fill(ledger: Ledger, size: Size, *, now: dt.datetime) -> None:
    """Fill an empty ledger, and have PostgreSQL gather its statistics, as it does by itself in time."""
    with ledger.write() as transaction:
        for statement in _statements(ledger.is_sqlite, size, now):
            transaction.exec_driver_sql(statement if ledger.is_sqlite else statement.replace("%", "%%"))
    with ledger.write() as transaction:
        if not ledger.is_sqlite:  # which nobody analyses: its plans are those of an empty ledger
            transaction.exec_driver_sql("ANALYZE")


def _statements(is_sqlite: bool, size: Size, now: dt.datetime) -> Iterator[str]:  # noqa: PLR0915 (one for each table)
    """Yield the statements, in which `i` is an article's number, from one, and `j` a channel's, from zero."""
    micros = int(now.timestamp() * 1e6)
    step = MONTHS * 30 * 86_400_000_000 // size.articles  # between two articles
    at = f"({micros} - CAST({size.articles} - i + 1 AS BIGINT) * {step})"
    number, article = "substr(CAST(10000000 + i AS TEXT), 2)", "'article-' || substr(CAST(10000000 + i AS TEXT), 2)"
    pmid = f"CAST(1 + i % {max(size.articles // 3, 1)} AS TEXT)"

    def blob(text: str) -> str:
        return f"CAST({text} AS BLOB)" if is_sqlite else f"convert_to({text}, 'UTF8')"

    def is_one_in(name: str) -> str:
        return f"i % {ONE_IN[name]} = 1"

    def insert(table: str, rows: str = "n", only: str = "true", /, **values: str) -> str:
        columns = ", ".join(f'"{name}"' for name in values)
        source = f" FROM {rows} WHERE {only}" if rows != "one" else ""
        return f'INSERT INTO "{table}" ({columns}) SELECT {", ".join(values.values())}{source}'

    yield "CREATE TEMPORARY TABLE n (i INTEGER PRIMARY KEY)"
    up_to = size.articles
    yield f"""INSERT INTO n WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {up_to})
        SELECT i FROM c"""  # noqa: S608 (constants)
    yield "CREATE TEMPORARY TABLE k (j INTEGER PRIMARY KEY, channel TEXT)"
    for place, channel in enumerate(size.channels):
        yield insert("k", "one", j=str(place), channel=f"'{channel}'")
        yield insert("channels", "one", id=f"'{channel}'", failures="0")

    # --- articles, each with an event, a revision, a topic and a reference
    content = _content().replace("'", "''")
    content = f"replace(replace('{content}', '0000000', {number}), '7654321', {pmid})"
    yield insert(
        "contents", digest=f"'sha256:' || {number}", article=blob(content),
        title=f"'About ' || {number} || ' and pain'", language="'en'",
    )  # fmt: skip
    withdrawn, scheduled = is_one_in("withdrawn"), f"i % {ONE_IN['scheduled']} = 2"
    state = f"CASE WHEN {withdrawn} THEN 'withdrawn' WHEN {scheduled} THEN 'scheduled' ELSE 'live' END"
    soon = f"CASE WHEN {scheduled} THEN {micros} + CAST(i AS BIGINT) * 60000000 END"
    review = f"CASE WHEN i % 3 = 0 THEN {_day(is_sqlite, now, 'i % 700 - 30')} END"
    yield insert(
        "articles", id=article, state=state, revision="1", rendered="1", title=f"'About ' || {number} || ' and pain'",
        language="'en'", published=at, updated=at, due=soon, attempts="0", fingerprint="'f'", next_review=review,
    )  # fmt: skip
    yield insert(
        "events", id=f"'evt_' || {number}", source="'urn:cms'", source_id=number, type="'published'", article=article,
        revision="1", changed="true", outcome="CASE WHEN i % 500 = 3 THEN 'overtaken' ELSE 'accepted' END",
        digest="'sha256:' || i", accepted=at,
    )  # fmt: skip
    yield insert(
        "revisions", article=article, number="1", event=f"CASE WHEN {withdrawn} THEN 'withdrawn' ELSE 'published' END",
        event_id=f"'evt_' || {number}", content=f"CASE WHEN NOT ({withdrawn}) THEN 'sha256:' || {number} END",
        reason=f"CASE WHEN {withdrawn} THEN 'A dose was wrong.' END", at=at, updated=at, evidence=blob("'[]'"),
        rendered_at=at,
    )  # fmt: skip
    yield insert("article_topics", article=article, topic="'topic-' || (i % 50)")
    for format in ("html", "amp"):
        yield insert(
            "renditions", article=article, revision="1", format=f"'{format}'", media_type="'text/html'", bytes="20000",
            digest="'sha256:' || i", fingerprint="'f'",
        )  # fmt: skip
    yield insert("citations", article=article, pmid=pmid)
    papers = f"i <= {max(size.articles // 3, 1)}"
    record = msgspec.json.encode(Reference(pmid="7654321", title="A trial")).decode().replace("'", "''")
    yield insert(
        "reference_records", "n", papers, pmid="CAST(i AS TEXT)",
        state="CASE WHEN i % 2000 = 7 THEN 'gone' ELSE 'resolved' END",
        record=blob(f"replace('{record}', '7654321', CAST(i AS TEXT))"), digest="'sha256:' || i", fetched=at,
        changed=at,
        due=f"{micros} + CAST(i AS BIGINT) * 1000000", attempts="0",
        editorial="CASE WHEN i % 100 = 5 THEN 'retracted' ELSE '' END", doi="'10.1000/' || i",
    )  # fmt: skip
    yield insert(
        "evidence_changes", "n", f"{papers} AND i % 100 = 5", pmid="CAST(i AS TEXT)", at=at, gained="'retracted'",
        lost="''", record=blob(f"replace('{record}', '7654321', CAST(i AS TEXT))"), articles="'[]'",
    )  # fmt: skip
    yield insert(
        "source_checks", "n", papers, key="'crossref pmid:' || i", source="'crossref'", work="'pmid:' || i", asked=at,
        due=f"{micros} + CAST(i AS BIGINT) * 1000000",
    )  # fmt: skip
    by_doi = is_one_in("cites a DOI")
    yield insert("identifier_citations", "n", by_doi, article=article, work="'doi:10.2000/' || i")
    yield insert(
        "identifiers", "n", by_doi, work="'doi:10.2000/' || i", state="'unknown'", asked=at, attempts="0",
        due=f"{micros} + CAST(i AS BIGINT) * 1000000",
    )  # fmt: skip
    yield insert(
        "mismatches", "n", is_one_in("mismatched"), id=f"{article} || ' 1 pmid:' || {pmid}", article=article,
        number="1", work=f"'pmid:' || {pmid}", words="'Other words'", differs="'title'", since=at,
    )  # fmt: skip
    yield insert(
        "withheld", "n", is_one_in("held"), article=article, channel=f"'{size.channels[0]}'", cause="'gate'",
        reason=f"'PMID ' || {pmid} || ' has been retracted'", pmids="'[]'", revision="1", since=at,
    )  # fmt: skip

    # --- what every channel has, or should have, of them
    one = f"(i * {len(size.channels)} + j)"
    gone, again, late = f"{one} % {ABANDONED} = 1", f"{one} % {RETRIED} = 2", f"{one} % {BACKLOG} = 3"
    cause = f"'cause ' || ({one} / {ABANDONED} % {CAUSES}) || ': no category for ''' || {number} || ''''"
    lacks = f"({again} OR {late})"
    given = {"id": "'dlv_' || (10000000 + i) || substr(CAST(1000 + j AS TEXT), 2)", "article": article}
    yield insert(
        "deliveries", "n CROSS JOIN k", **given, channel="channel", format="'ninjs'", wanted="1",
        wanted_digest=f"CASE WHEN NOT ({withdrawn}) THEN 'sha256:' || i END",
        urgency=f"CASE WHEN {withdrawn} THEN 0 ELSE 1 END",
        held=f"CASE WHEN {gone} OR {lacks} THEN NULL ELSE 1 END", attempts=f"CASE WHEN {late} THEN 0 ELSE 1 END",
        state=f"CASE WHEN {gone} THEN 'abandoned' WHEN {lacks} THEN 'pending' ELSE 'delivered' END",
        refusals=f"CASE WHEN {again} THEN 1 ELSE 0 END", attempted=f"NOT ({late})",
        error=f"CASE WHEN {gone} OR {again} THEN 'refused: ' || {cause} END",
        changed=at, due=f"CASE WHEN {lacks} THEN {at} END",
    )  # fmt: skip
    hardly = f"({micros} - CAST({size.deliveries} - {one} AS BIGINT) * 400000)"  # the last days' at any rate
    yield insert(
        "attempts", "n CROSS JOIN k", f"NOT ({late})", delivery=given["id"], revision="1", at=hardly,
        outcome=f"CASE WHEN {gone} OR {again} THEN 'refused' ELSE 'delivered' END",
        status=f"CASE WHEN {gone} OR {again} THEN 422 ELSE 200 END", milliseconds="20", detail="''",
    )  # fmt: skip
    yield insert(
        "holdings", "n CROSS JOIN k", f"NOT ({gone} OR {lacks})", article=article, channel="channel", revision="1",
        event="'published'", digest="'sha256:' || i", at=at,
    )  # fmt: skip
    yield insert(
        "changes", seq="i", channel=f"'{size.channels[-1]}'", article=article, revision="1", event="'published'",
        format="'ninjs'", digest="'sha256:' || i", at=at,
    )  # fmt: skip
    yield insert(
        "proofs", "n", withdrawn, delivery="'dlv_' || (10000000 + i) || '000'", article=article,
        channel=f"'{size.channels[0]}'", revision="1", withdrawn=at, checked=at,
        proved=f"CASE WHEN i % 100 = 1 THEN {at} END",
        shown="CASE WHEN i % 100 <> 1 THEN 'https://partner.example.org/' || i END",
        due=f"CASE WHEN i % 100 <> 1 THEN {micros} + 60000000 END", attempts="1",
    )  # fmt: skip

    # --- who did what, and the feeds
    yield insert("operations", id=f"'op_' || {number}", kind="'publish'", by="'cms'", at=at, planned="1", ended=at)
    yield insert(
        "operation_parts", operation=f"'op_' || {number}", number="1", article=article, revision="1",
        outcome="'published'",
    )  # fmt: skip
    yield insert(  # and one operation on everything
        "operation_parts",
        operation="'op_0000001'",
        number="i + 1",
        article=article,
        revision="1",
        outcome="'published'",
    )
    first = str(micros - size.articles * step)
    yield insert("operations", "one", id="'op_again'", kind="'replay'", by="'desk'", at=first, ended=first)
    yield insert(  # a replay of everything that was given up, which was given up again
        "operation_parts",
        "deliveries",
        "state = 'abandoned'",
        operation="'op_again'",
        number="row_number() OVER (ORDER BY id)",
        article="article",
        revision="wanted",
        outcome="'replayed'",
        channel="channel",
    )
    for feed in ("latest", ":sitemap"):
        yield insert("feeds", "one", id=f"'{feed}'", generation=str(size.articles), attempts="0")
        yield insert(
            "feed_entries", "n", f"NOT ({withdrawn})", feed=f"'{feed}'", page="1 + i / 500", article=article,
            state="'live'", revision="1", published=at, updated=at,
        )  # fmt: skip
        yield insert("feed_pages", "n", "i % 500 = 0", feed=f"'{feed}'", number="1 + i / 500", sealed="true", stale="0")
    yield "DROP TABLE n"
    yield "DROP TABLE k"


def _day(is_sqlite: bool, now: dt.datetime, days: str) -> str:
    if is_sqlite:
        return f"date('{now.date()}', ({days}) || ' days')"
    return f"date '{now.date()}' + ({days})"


def _content() -> str:
    """Return an article as JSON, with 0000000 in place of its number and 7654321 in place of the PMID."""
    text = (Section("Rest", "rest", (Paragraph((Text("Rest, and ask your doctor."),)),)),)
    one = Article(
        id="article-0000000",
        title="About 0000000 and pain",
        answer="Rest.",
        sections=text,
        references=(CitedWork("pmid", "7654321"),),
    )
    return msgspec.json.encode(one).decode()
