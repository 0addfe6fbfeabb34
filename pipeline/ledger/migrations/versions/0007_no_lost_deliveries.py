"""Deliveries that nothing would ever have finished are made due, and cannot come to be any more."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_AVAILABLE = sa.text("available IS NOT NULL")
_UNFINISHED_HAS_TIME = "state IN ('delivered', 'abandoned') OR due IS NOT NULL OR available IS NOT NULL"
_DELIVERED_IS_CURRENT = "state <> 'delivered' OR (held IS NOT NULL AND held >= wanted)"
_STRANDED = sa.text(f"NOT (({_UNFINISHED_HAS_TIME}) AND ({_DELIVERED_IS_CURRENT}))")
_STATE = "state IN ('pending', 'sending', 'delivered', 'abandoned')"
_SUBSCRIBER_HAS_TIME = "due IS NOT NULL OR wanted IS NULL OR (held IS NOT NULL AND held = wanted)"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("available", sa.BigInteger(), nullable=True))
    _heal()
    with op.batch_alter_table("deliveries") as table:
        table.create_check_constraint(op.f("ck_deliveries_state"), _STATE)
        table.create_check_constraint(op.f("ck_deliveries_unfinished_has_time"), _UNFINISHED_HAS_TIME)
        table.create_check_constraint(op.f("ck_deliveries_delivered_is_current"), _DELIVERED_IS_CURRENT)
    with op.batch_alter_table("subscriptions") as table:
        table.create_check_constraint(op.f("ck_subscriptions_owed_has_time"), _SUBSCRIBER_HAS_TIME)
    op.create_index(
        "ix_deliveries_available", "deliveries", ["channel"], sqlite_where=_AVAILABLE, postgresql_where=_AVAILABLE
    )
    op.create_index("ix_deliveries_stranded", "deliveries", ["id"], sqlite_where=_STRANDED, postgresql_where=_STRANDED)


def _heal() -> None:
    """Make what was lost due now.

    What waits for a partner to fetch it looks the same until now. It becomes due too, and the next look at its channel
    marks it as available, which changes nothing for the partner.
    """
    now = {"now": time.time_ns() // 1_000}
    connection = op.get_bind()
    lost = f"UPDATE deliveries SET state = 'pending', due = :now WHERE {_STRANDED.text}"  # noqa: S608 (constants)
    connection.execute(sa.text(lost), now)
    unpushed = f"UPDATE subscriptions SET due = :now WHERE NOT ({_SUBSCRIBER_HAS_TIME})"  # noqa: S608 (constants)
    connection.execute(sa.text(unpushed), now)
