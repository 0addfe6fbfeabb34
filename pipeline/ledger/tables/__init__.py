"""The schema, by area. Times are `Instant`s, documents are JSON bytes, and a row is processed when it is `due`."""

from pipeline.ledger.tables.alerts import alert_notices, alerts
from pipeline.ledger.tables.articles import (
    accepted_evidence,
    article_names,
    articles,
    contents,
    events,
    origins,
    renditions,
    revisions,
    topics,
    withheld,
)
from pipeline.ledger.tables.base import metadata
from pipeline.ledger.tables.deliveries import (
    STRANDED,
    attempts,
    channel_contents,
    channels,
    deliveries,
    failure_notes,
    proofs,
)
from pipeline.ledger.tables.evidence import (
    citations,
    evidence_changes,
    evidence_sources,
    identifier_citations,
    identifiers,
    listed_verdicts,
    mismatches,
    references,
    source_checks,
)
from pipeline.ledger.tables.feeds import (
    feed_changes,
    feed_documents,
    feed_entries,
    feed_page_documents,
    feed_pages,
    feed_readers,
    feeds,
)
from pipeline.ledger.tables.hub import subscription_requests, subscriptions
from pipeline.ledger.tables.operations import bulk_actions, bulk_articles, operation_parts, operations
from pipeline.ledger.tables.partners import changes, pull_positions, pulls
from pipeline.ledger.tables.passkeys import (
    invitations,
    passkey_challenges,
    passkey_people,
    passkeys,
    recovery_codes,
)
from pipeline.ledger.tables.places import drift, places, settings_in_force
from pipeline.ledger.tables.restorations import restorations, restored_findings
from pipeline.ledger.tables.site import clock, leases, processes, sessions, shared_places, tokens
from pipeline.ledger.tables.streams import streams
from pipeline.ledger.tables.uploads import uploaded_files, uploads

__all__ = [
    "STRANDED",
    "accepted_evidence",
    "alert_notices",
    "alerts",
    "article_names",
    "articles",
    "attempts",
    "bulk_actions",
    "bulk_articles",
    "changes",
    "channel_contents",
    "channels",
    "citations",
    "clock",
    "contents",
    "deliveries",
    "drift",
    "events",
    "evidence_changes",
    "evidence_sources",
    "failure_notes",
    "feed_changes",
    "feed_documents",
    "feed_entries",
    "feed_page_documents",
    "feed_pages",
    "feed_readers",
    "feeds",
    "identifier_citations",
    "identifiers",
    "invitations",
    "leases",
    "listed_verdicts",
    "metadata",
    "mismatches",
    "operation_parts",
    "operations",
    "origins",
    "passkey_challenges",
    "passkey_people",
    "passkeys",
    "places",
    "processes",
    "proofs",
    "pull_positions",
    "pulls",
    "recovery_codes",
    "references",
    "renditions",
    "restorations",
    "restored_findings",
    "revisions",
    "sessions",
    "settings_in_force",
    "shared_places",
    "source_checks",
    "streams",
    "subscription_requests",
    "subscriptions",
    "tokens",
    "topics",
    "uploaded_files",
    "uploads",
    "withheld",
]
