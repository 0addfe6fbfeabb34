"""Since when PubMed's answers lack a record, and why a source did not answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pipeline.ledger.database import Instant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reference_records", sa.Column("denied", Instant()))
    op.add_column("leases", sa.Column("error", sa.Text()))
