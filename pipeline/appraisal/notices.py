"""Tell notices of retraction, errata and expressions of concern from the papers that they are about. Pure."""

from __future__ import annotations

from pipeline.model.reference import Reference

_TYPES = frozenset({
    "retraction notice", "retraction of publication", "published erratum", "expression of concern",
})  # fmt: skip
_TITLES = (
    "retraction:", "retraction--", "retraction note", "retraction notice", "notice of retraction", "erratum",
    "corrigendum", "correction to:", "correction:", "expression of concern",
)  # fmt: skip


def is_notice(record: Reference) -> bool:
    """Return whether a record is a notice, by its publication types or, if it has only general ones, by its title."""
    if any(kind.lower() in _TYPES for kind in record.types):
        return True
    return record.pmid is None and record.title.lower().startswith(_TITLES)
