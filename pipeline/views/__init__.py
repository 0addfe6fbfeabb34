"""The answers that the API and the commands' `--json` share: frozen dataclasses, and the queries that fill them.

The classes are the schema. FastAPI generates the OpenAPI description from them, and `--json` encodes the same objects,
so that an answer cannot differ between the two. Fields are only ever added.
"""

from pipeline.views.articles import ArticleStatus, article
from pipeline.views.attention import Attention, NeedsYou, attention
from pipeline.views.cited import CitedCounts, cited_counts
from pipeline.views.deliveries import (
    Delivery,
    DeliveryList,
    DeliveryWithAttempts,
    deliveries,
    delivery_list,
    delivery_with_attempts,
)
from pipeline.views.events import (
    AcceptedBatch,
    AcceptedEvent,
    Released,
    Replayed,
    accepted,
    outcome,
    replayed,
)
from pipeline.views.failures import Failure, FailureList, failures
from pipeline.views.listing import ArticleList, ArticleSummary, articles
from pipeline.views.operations import Operation, OperationList, Undone, operation, operations
from pipeline.views.places import Place, places, places_left
from pipeline.views.proofs import Proof
from pipeline.views.recall import Certificate, Recall, certificate, signed
from pipeline.views.references import (
    EvidenceChange,
    KnownReference,
    Reference,
    evidence_changes,
    known_record,
    known_reference,
    known_references,
)
from pipeline.views.snapshots import Snapshot, snapshot
from pipeline.views.statements import ArticleEvidence, ReferenceEvidence, article_evidence
from pipeline.views.system import SystemStatus, system
from pipeline.views.verdicts import SourceSays
from pipeline.views.warnings import SourceWarning, warning

__all__ = [
    "AcceptedBatch",
    "AcceptedEvent",
    "ArticleEvidence",
    "ArticleList",
    "ArticleStatus",
    "ArticleSummary",
    "Attention",
    "Certificate",
    "CitedCounts",
    "Delivery",
    "DeliveryList",
    "DeliveryWithAttempts",
    "EvidenceChange",
    "Failure",
    "FailureList",
    "KnownReference",
    "NeedsYou",
    "Operation",
    "OperationList",
    "Place",
    "Proof",
    "Recall",
    "Reference",
    "ReferenceEvidence",
    "Released",
    "Replayed",
    "Snapshot",
    "SourceSays",
    "SourceWarning",
    "SystemStatus",
    "Undone",
    "accepted",
    "article",
    "article_evidence",
    "articles",
    "attention",
    "certificate",
    "cited_counts",
    "deliveries",
    "delivery_list",
    "delivery_with_attempts",
    "evidence_changes",
    "failures",
    "known_record",
    "known_reference",
    "known_references",
    "operation",
    "operations",
    "outcome",
    "places",
    "places_left",
    "replayed",
    "signed",
    "snapshot",
    "system",
    "warning",
]
