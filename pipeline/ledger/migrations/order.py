"""The order in which the migrations made the indices of a table, where it is not that of their names.

Of two indices that seem as good SQLite takes the one that was made last, so that a new ledger has to make them in the
same order for the same plans. SQLAlchemy makes them in any order. A new index comes after the others of its table.
"""

from __future__ import annotations

import sqlalchemy as sa

_MADE = (
    "ix_alerts_open",
    "ix_alerts_ended",
    "ix_articles_due",
    "ix_articles_state_updated",
    "ix_articles_updated",
    "ix_articles_starts",
    "ix_articles_next_review",
    "ix_articles_fingerprint",
    "ix_articles_state",
    "ix_attempts_delivery",
    "ix_attempts_at",
    "ix_attempts_failed",
    "ix_attempts_failed_at",
    "ix_changes_channel",
    "ix_changes_article",
    "ix_deliveries_leased",
    "ix_deliveries_available",
    "ix_deliveries_stranded",
    "ix_deliveries_refused",
    "ix_deliveries_news",
    "ix_deliveries_channel",
    "ix_deliveries_due",
    "ix_deliveries_withdrawals",
    "ix_deliveries_unfinished",
    "ix_deliveries_abandoned",
    "ix_feed_entries_article",
    "ix_feed_entries_updated",
    "ix_feed_entries_published",
    "ix_feed_entries_unwritten",
    "ix_identifiers_due",
    "ix_identifiers_service",
    "ix_identifiers_gone",
    "ix_identifiers_without_pmid",
    "ix_listed_verdicts_pmid",
    "ix_listed_verdicts_doi",
    "ix_places_channel",
    "ix_places_busy",
    "ix_proofs_due",
    "ix_proofs_article",
    "ix_proofs_shown",
    "ix_reference_records_due",
    "ix_reference_records_priority",
    "ix_reference_records_state",
    "ix_reference_records_doi",
    "ix_reference_records_gone",
    "ix_source_checks_work",
    "ix_source_checks_due",
    "ix_subscription_requests_due",
    "ix_subscription_requests_host",
    "ix_subscription_requests_client",
)
_POSITIONS = {name: position for position, name in enumerate(_MADE)}


def position(index: sa.Index) -> tuple[int, str]:
    """Return the key by which all indices are sorted in that order."""
    name = str(index.name)
    return _POSITIONS.get(name, -1), name
