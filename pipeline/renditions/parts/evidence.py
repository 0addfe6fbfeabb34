"""References as HTML: each with its citation, preceded by the marks of its editorial status.

Classes: `references` on the list; `mark` and `mark-{state}` (`mark-retracted`, `mark-concern`, …) on each mark;
`reference-{state}` (`resolved`, `unresolved`, `mismatch`, …) on the items; `notices` and `evidence` on what follows the
citation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from msgspec.structs import replace

from pipeline.appraisal.statement import evidence_words
from pipeline.citations import citation_html, editorial_labels
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, Marks, Notice, Reference
from pipeline.renditions.parts.labels import directed_attributes, sentence_html
from pipeline.renditions.parts.markup import link_html
from pipeline.renditions.parts.text import escape
from pipeline.renditions.parts.uri import uri
from pipeline.wording import ENGLISH, Words, message

ATTRIBUTION = message("Citation data from PubMed, U.S. National Library of Medicine.")


def attribution(references: Sequence[CitedReference], words: Words) -> str | None:
    """Return the attribution that NLM's terms require if any reference came from PubMed."""
    owed = any(cited.reference and cited.reference.pmid for cited in references)
    return words.translated(ATTRIBUTION) if owed else None


def references_html(references: Sequence[CitedReference], words: Words = ENGLISH, *, stated: bool = False) -> str:
    """Return an ordered list in which the n-th item has the id `ref-{n}`, or "" if there are none."""
    shown = [(cited, reference_html(cited, words, stated=stated)) for cited in references]
    items = "".join(
        f'<li id="ref-{cited.number}" class="reference-{cited.shown_state}" dir="auto">{html}</li>'
        for cited, html in shown
    )
    return f'<ol class="references">{items}</ol>' if items else ""


def reference_html(cited: CitedReference, words: Words = ENGLISH, *, stated: bool = False) -> str:
    """Return a reference: its marks, its citation, the notices behind the marks and, if `stated`, the evidence."""
    citation = citation_html(_with_uri(cited))
    if cited.marks:
        citation = f"{marks_html(cited.marks, words)}{citation}{_notices_html(cited.marks, words)}"
    known = evidence_words(cited, words) if stated else None
    if known is None:
        return citation
    sentence = escape(words.say("{sentence}.", sentence=known))
    return f'{citation} <small class="evidence"{directed_attributes(words)}>{sentence}</small>'


def _with_uri(cited: CitedReference) -> CitedReference:
    """Encode an author's address, which may contain characters that a link in a feed may not."""
    work = cited.work
    return replace(cited, work=replace(work, value=uri(work.value))) if work.scheme == "url" else cited


def marks_html(reference: Reference | Marks, words: Words = ENGLISH) -> str:
    """Return `<strong class="mark mark-retracted">Retracted</strong> ` for each editorial state."""
    states = [state for state in get_args(EditorialState) if state in reference.editorial]  # as the labels are ordered
    pairs = zip(states, editorial_labels(reference, words), strict=True)
    directed = directed_attributes(words)
    return "".join(f'<strong class="mark mark-{state}"{directed}>{escape(label)}</strong> ' for state, label in pairs)


def _notices_html(reference: Reference | Marks, words: Words) -> str:
    notices = [text for text in map(_notice_html, reference.notices) if text]
    if not notices:
        return ""
    said = sentence_html(words, words.translated("Notices: {notices}"), notices="; ".join(notices))
    return f' <small class="notices"{directed_attributes(words)}>{said}</small>'


def _notice_html(notice: Notice) -> str:
    words = notice.source or (f"PMID {notice.pmid}" if notice.pmid else "")
    return link_html(_notice_url(notice), escape(words))


def _notice_url(notice: Notice) -> str | None:
    if notice.pmid:
        return CitedWork("pmid", notice.pmid).url
    return CitedWork("doi", notice.doi).url if notice.doi else None
