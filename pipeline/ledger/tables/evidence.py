"""References, identifiers, and which articles cite them."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.ledger.database import Instant
from pipeline.ledger.tables.base import lease_columns, metadata

# What no source has any longer, which is hardly anything.
_GONE = sa.text("state = 'gone'")

# Works that no service has found in PubMed, as most are found.
_WITHOUT_PMID = sa.text("pmid IS NULL")

references = sa.Table(
    "reference_records",
    metadata,
    sa.Column("pmid", sa.String(16), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("record", sa.LargeBinary),  # a model.reference.Reference
    sa.Column("digest", sa.String(80)),  # of the record, to detect whether an answer is new
    sa.Column("fetched", Instant),  # PubMed's last answer
    sa.Column("changed", Instant),  # when the record last changed
    sa.Column("due", Instant),  # to be asked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    sa.Column("editorial", sa.Text, nullable=False, server_default=""),  # of the record: "retracted concern"
    sa.Column("denials", sa.Integer, nullable=False, server_default="0"),  # answers in a row without it: see denials
    sa.Column("denied", Instant),  # the first of them
    sa.Column("merged_into", sa.String(16)),  # the PMID under which PubMed has the paper now
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),  # lowest is requested first: see rechecks
    sa.Column("doi", sa.Text),  # of the record, by which other sources know the paper
    *lease_columns(),
    sa.Index("ix_reference_records_doi", "doi"),
    sa.Index("ix_reference_records_due", "due"),
    sa.Index("ix_reference_records_priority", "priority", "due"),
    sa.Index("ix_reference_records_state", "state", "editorial"),
    sa.Index("ix_reference_records_gone", "pmid", sqlite_where=_GONE),
)

citations = sa.Table(
    "citations",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("pmid", sa.String(16), primary_key=True),
    sa.Index("ix_citations_pmid", "pmid"),
)

identifiers = sa.Table(
    "identifiers",
    metadata,
    sa.Column("work", sa.Text, primary_key=True),  # a DOI, PMCID or book: "doi:10.1000/x", "pmcid:PMC1", "nbk:NBK1"
    sa.Column("state", sa.String(16), nullable=False),  # pending, resolved, unknown, gone
    sa.Column("pmid", sa.String(16)),  # a resolved work has a PMID or a record
    sa.Column("record", sa.LargeBinary),  # a model.reference.Reference, of a work that PubMed does not have
    sa.Column("source", sa.String(64)),  # the service that has it
    sa.Column("service", sa.String(64), nullable=False, server_default=""),  # to be asked next
    sa.Column("denied_by", sa.Text, nullable=False, server_default=""),  # services without it: "idconv esearch"
    sa.Column("denials", sa.Integer, nullable=False, server_default="0"),  # how often all of them denied it, in a row
    sa.Column("asked", Instant),  # the last answer
    sa.Column("due", Instant),  # to be asked for
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("error", sa.Text),
    *lease_columns(),
    sa.Index("ix_identifiers_due", "due"),
    sa.Index("ix_identifiers_service", "service", "due"),
    sa.Index("ix_identifiers_gone", "work", sqlite_where=_GONE),
    sa.Index("ix_identifiers_without_pmid", "work", "state", sqlite_where=_WITHOUT_PMID),
)

identifier_citations = sa.Table(
    "identifier_citations",
    metadata,
    sa.Column("article", sa.String(128), primary_key=True),
    sa.Column("work", sa.Text, primary_key=True),
    sa.Index("ix_identifier_citations_work", "work"),
)

evidence_changes = sa.Table(
    "evidence_changes",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("pmid", sa.String(16), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("gained", sa.Text, nullable=False),  # editorial states: "retracted concern"
    sa.Column("lost", sa.Text, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),  # the model.reference.Reference that says so
    sa.Column("articles", sa.Text, nullable=False),  # JSON: the published articles that cited it
    sa.Index("ix_evidence_changes_pmid", "pmid"),
)

evidence_sources = sa.Table(
    "evidence_sources",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),  # of a source beside PubMed: "retraction_watch"
    sa.Column("by_paper", sa.Boolean, nullable=False),  # it is asked about each paper; a list is downloaded whole
    sa.Column("answered", Instant),  # its last whole answer
    sa.Column("failing", Instant),  # since when it has not answered; null while it does
    sa.Column("error", sa.Text),
    sa.Column("etag", sa.Text),
    sa.Column("edition", sa.Integer, nullable=False, server_default="0"),
    sa.Column("rows", sa.Integer, nullable=False, server_default="0"),  # of the list's edition
)

listed_verdicts = sa.Table(
    "listed_verdicts",
    metadata,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),  # the row's in the list
    sa.Column("pmid", sa.String(16)),
    sa.Column("doi", sa.Text),
    sa.Column("verdict", sa.LargeBinary, nullable=False),  # a model.reference.SourceVerdict
    sa.Column("edition", sa.Integer, nullable=False),  # the newest that contained it
    sa.Index("ix_listed_verdicts_pmid", "pmid"),
    sa.Index("ix_listed_verdicts_doi", "doi"),
)

source_checks = sa.Table(
    "source_checks",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),  # "crossref pmid:123"
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("work", sa.Text, nullable=False),  # "pmid:123", or "doi:10.1000/x" if PubMed does not have the paper
    sa.Column("verdicts", sa.LargeBinary),  # model.reference.SourceVerdicts; null: never answered
    sa.Column("asked", Instant),  # its last answer about the paper
    sa.Column("due", Instant),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    *lease_columns(),
    sa.Index("ix_source_checks_work", "work"),
    sa.Index("ix_source_checks_due", "source", "due"),
)

# References whose record is another work than the author's words describe, as of the last time they were rendered.
mismatches = sa.Table(
    "mismatches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # "ARTICLE NUMBER WORK"
    sa.Column("article", sa.String(128), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # of the reference
    sa.Column("work", sa.Text, nullable=False),  # "pmid:123"
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("differs", sa.Text, nullable=False),  # "title, author"
    sa.Column("since", Instant, nullable=False),
    sa.Column("suggested", sa.String(16)),  # the PMID of the paper that the words describe
    sa.Column("asked", Instant),  # when that was looked for
    sa.Column("due", Instant),
    *lease_columns(),
    sa.Index("ix_mismatches_article", "article"),
    sa.Index("ix_mismatches_due", "due"),
)
