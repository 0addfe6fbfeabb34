"""How DOIs and PMCIDs became PMIDs, and when references came up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identifiers",
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pmid", sa.String(length=16), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("lease", sa.String(length=64), nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("work", name=op.f("pk_identifiers")),
    )
    op.create_index("ix_identifiers_due", "identifiers", ["due"], unique=False)
    op.create_table(
        "identifier_citations",
        sa.Column("article", sa.String(length=128), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article", "work", name=op.f("pk_identifier_citations")),
    )
    op.create_index("ix_identifier_citations_work", "identifier_citations", ["work"], unique=False)
    op.add_column("reference_records", sa.Column("digest", sa.String(length=80), nullable=True))
    op.add_column("reference_records", sa.Column("changed", sa.BigInteger(), nullable=True))
    op.add_column("leases", sa.Column("allowed", sa.Integer(), nullable=True))
    _ask_for_what_is_cited()


_ROWS = 200  # articles in one go: their contents are in memory together
_LONGEST = 512  # characters of a work, as it was when this was written

_IDENTIFIERS = sa.table("identifiers", *(sa.column(name) for name in ("work", "state", "due", "attempts")))
_CITATIONS = sa.table("identifier_citations", sa.column("article"), sa.column("work"))
_ARTICLES = sa.table("articles", sa.column("id"), sa.column("state"))
_REVISIONS = sa.table("revisions", *(sa.column(name) for name in ("article", "number", "content")))
_CONTENTS = sa.table("contents", sa.column("digest"), sa.column("article", sa.LargeBinary()))


def _ask_for_what_is_cited() -> None:
    """The DOIs and PMCIDs of the articles that are here already are to be converted, as those of new ones are."""
    now = int(time.time() * 1_000_000)
    seen: set[str] = set()
    last = ""
    while rows := _newest_contents(last):
        pairs = [(row.id, work) for row in rows for work in _works(json.loads(row.article))]
        new = dict.fromkeys(work for _, work in pairs if work not in seen)
        seen.update(new)
        _insert(_IDENTIFIERS, ({"work": work, "state": "pending", "due": now, "attempts": 0} for work in new))
        _insert(_CITATIONS, ({"article": article, "work": work} for article, work in pairs))
        last = rows[-1].id


def _newest_contents(after: str) -> list[Any]:
    """What the next articles that are not withdrawn said last."""
    newest = (
        sa.select(sa.func.max(_REVISIONS.c.number))
        .where(_REVISIONS.c.article == _ARTICLES.c.id, _REVISIONS.c.content.is_not(None))
        .correlate(_ARTICLES)
        .scalar_subquery()
    )
    its = sa.and_(_REVISIONS.c.article == _ARTICLES.c.id, _REVISIONS.c.number == newest)
    query = (
        sa.select(_ARTICLES.c.id, _CONTENTS.c.article)
        .join(_REVISIONS, its)
        .join(_CONTENTS, _CONTENTS.c.digest == _REVISIONS.c.content)
        .where(_ARTICLES.c.id > after, _ARTICLES.c.state != "withdrawn")
    )
    return list(op.get_bind().execute(query.order_by(_ARTICLES.c.id).limit(_ROWS)))


def _works(article: dict[str, Any]) -> list[str]:
    """Each once, as `identifiers` names them: "doi:10.1000/x", "pmcid:PMC1"."""
    cited = [(one["scheme"], one["value"]) for one in article.get("references", ())]
    fitting = [(scheme, value) for scheme, value in cited if scheme in ("doi", "pmcid") and len(value) <= _LONGEST]
    return list(dict.fromkeys(f"{scheme}:{value.lower() if scheme == 'doi' else value}" for scheme, value in fitting))


def _insert(table: sa.TableClause, rows: Iterable[dict[str, Any]]) -> None:
    if values := list(rows):
        op.get_bind().execute(sa.insert(table), values)
