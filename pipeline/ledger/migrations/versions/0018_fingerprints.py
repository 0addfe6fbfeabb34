"""What made a rendition besides its revision, so that renditions made in another way are found and made again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_SHOWN = sa.text("state = 'live' AND rendered IS NOT NULL AND due IS NULL")
_NEWS = sa.text("urgency < 2 AND due IS NOT NULL")


def upgrade() -> None:
    op.add_column("articles", sa.Column("fingerprint", sa.String(80), nullable=False, server_default=""))
    op.add_column("renditions", sa.Column("fingerprint", sa.String(80), nullable=False, server_default=""))
    op.add_column("revisions", sa.Column("cause", sa.String(16)))
    op.add_column("changes", sa.Column("cause", sa.String(16)))
    op.create_index(
        "ix_articles_fingerprint", "articles", ["fingerprint", "updated"], sqlite_where=_SHOWN, postgresql_where=_SHOWN
    )
    op.create_index(
        "ix_deliveries_news", "deliveries", ["channel", "due", "id"], sqlite_where=_NEWS, postgresql_where=_NEWS
    )
