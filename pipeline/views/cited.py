"""How many of an article's references are watched, and what its author should know of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pipeline.appraisal.notices import is_notice
from pipeline.appraisal.statement import is_watched
from pipeline.citations import editorial_label
from pipeline.ledger import Transaction, articles, evidence
from pipeline.ledger.articles import revisions
from pipeline.ledger.database import chunks
from pipeline.model.reading import ReadWarning
from pipeline.model.reference import TAKEN_BACK, CitedReference
from pipeline.views.fields import Count, Field
from pipeline.views.warnings import SourceWarning, warning

_SERIOUS = TAKEN_BACK | {"concern"}
_MOST = 20  # warnings of each kind
_TOGETHER = 100  # articles whose contents are in memory at once
_PHRASES = (
    ("watched", "watched"),
    ("pending", "not answered yet"),
    ("unknown", "not in any source"),
    ("gone", "no longer in any source"),
    ("mismatch", "not the work described"),
    ("unidentified", "without identifier"),
)


@dataclass(frozen=True, slots=True)
class CitedCounts:
    """An article's references by what is known of them, as of now."""

    total: Count
    watched: Annotated[Count, Field(description="Found in a source, which is asked about them again.")]
    pending: Annotated[Count, Field(description="Not every source has answered yet.")]
    unknown: Annotated[Count, Field(description="Not in any source.")]
    gone: Annotated[Count, Field(description="No longer in any source.")]
    mismatch: Annotated[Count, Field(description="The record found is not the work that the author describes.")]
    unidentified: Annotated[Count, Field(description="Without an identifier that can be looked up.")]
    summary: Annotated[str, Field(examples=["5 references: 3 watched, 1 not in any source, 1 without identifier"])]
    warnings: tuple[SourceWarning, ...]


def cited_counts(transaction: Transaction, article_id: str) -> CitedCounts | None:
    """Return the counts of an article's newest revision, or None if there is none."""
    return cited_counts_of_all(transaction, [article_id]).get(article_id)


def cited_counts_of_all(transaction: Transaction, article_ids: Iterable[str]) -> dict[str, CitedCounts]:
    """Do as `cited_counts` for each, with as many queries as for one. Those without a revision are left out."""
    counts: dict[str, CitedCounts] = {}
    for some in chunks(dict.fromkeys(article_ids), _TOGETHER):
        states = articles.get_all(transaction, some).values()
        newest = {(state.id, state.revision) for state in states if state.state != "withdrawn"}
        shown = {id: revision.article for (id, _), revision in revisions.get_all(transaction, newest).items()}
        cited = evidence.references_of_all(transaction, shown.values())
        for (id, article), references in zip(shown.items(), cited, strict=True):
            counts[id] = counted(references, known=article.cites_retracted)
    return counts


def counted(references: Sequence[CitedReference], *, known: Sequence[str] = ()) -> CitedCounts:
    """Count. `known`: PMIDs of retracted papers that the author cites knowingly, which need no warning."""
    names = {"unwatched": "unidentified"}
    counts = Counter("watched" if is_watched(cited) else names.get(cited.state, cited.state) for cited in references)
    parts = [f"{counts[name]} {words}" for name, words in _PHRASES if counts[name]]
    total = len(references)
    summary = f"{total} reference{'' if total == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")
    warnings = tuple(map(warning, doubts(references, known=known)))
    by_name = {name: counts[name] for name, _ in _PHRASES}
    return CitedCounts(total=total, **by_name, summary=summary, warnings=warnings)


def doubts(references: Sequence[CitedReference], *, known: Sequence[str] = ()) -> Iterator[ReadWarning]:
    """Yield a warning for each reference that is probably not what its author meant it to be."""
    seen: Counter[str] = Counter()
    for cited in references:
        if doubt := _doubt(cited, known):
            seen[doubt.code] += 1
            if seen[doubt.code] <= _MOST:
                yield doubt


def _doubt(cited: CitedReference, known: Sequence[str]) -> ReadWarning | None:
    place, name = f"references[{cited.number - 1}]", f"reference {cited.number} ({_name(cited)})"
    if cited.state == "mismatch":
        message, hint = f"{name} is not the work that its words describe", "check the identifier"
        return ReadWarning(code="reference-mismatch", message=message, field=place, hint=hint)
    record, editorial = cited.reference, cited.marks.editorial if cited.marks else ()
    if record is not None and record.pmid in known:
        return None
    if serious := [state for state in editorial if state in _SERIOUS]:
        message = f"{name} has been marked: {', '.join(map(editorial_label, serious)).lower()}"
        hint = "cite another paper, or list its PMID in `cites_retracted`"
        return ReadWarning(code="cites-retracted", message=message, field=place, hint=hint)
    if record is not None and cited.work.scheme == "pmid" and record.pmid not in (None, cited.work.value):
        message, hint = f"{name} was merged into PMID {record.pmid}", "cite that one"
        return ReadWarning(code="pmid-merged", message=message, field=place, hint=hint)
    if record is not None and is_notice(record):
        message = f"{name} is a notice about a paper, not the paper"
        return ReadWarning(code="cites-notice", message=message, field=place, hint="cite the paper itself")
    return None


def _name(cited: CitedReference) -> str:
    labels = {"pmid": "PMID ", "doi": "doi:", "pmcid": "", "nbk": ""}
    return f"{labels.get(cited.work.scheme, '')}{cited.work.value[:80]}"
