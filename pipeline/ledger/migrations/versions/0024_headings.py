"""The title, language, summary, addresses and topics of each content as columns."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ROWS = 200  # contents read at a time
_NAMES = ("title", "language", "summary", "canonical", "address", "topics")
_CONTENTS = sa.table(
    "contents",
    sa.column("digest", sa.String),
    sa.column("article", sa.LargeBinary),
    *(sa.column(name, sa.Text) for name in _NAMES),
)


def upgrade() -> None:
    for name in _NAMES:
        op.add_column("contents", sa.Column(name, sa.Text))
    new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in _NAMES}
    filled = sa.update(_CONTENTS).where(_CONTENTS.c.digest == sa.bindparam("row")).values(**new)
    last = ""
    while rows := _after(last):
        op.get_bind().execute(filled, [{"row": row.digest} | _heading(json.loads(row.article)) for row in rows])
        last = rows[-1].digest


def _after(digest: str) -> list[Any]:
    query = sa.select(_CONTENTS.c.digest, _CONTENTS.c.article).where(_CONTENTS.c.digest > digest)
    return list(op.get_bind().execute(query.order_by(_CONTENTS.c.digest).limit(_ROWS)))


def _heading(article: dict[str, Any]) -> dict[str, str | None]:
    return {
        "new_title": article["title"],
        "new_language": article.get("language", "en"),
        "new_summary": article["answer"],
        "new_canonical": article.get("canonical"),
        "new_address": article.get("address"),
        "new_topics": " ".join(topic["slug"] for topic in article.get("topics", ())),
    }
