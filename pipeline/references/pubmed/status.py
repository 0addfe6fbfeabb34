"""Derive a paper's editorial status from what NLM says about it.

Only what was done TO a paper counts. A retraction notice (`Retraction Notice`, `Retraction of Publication`, D016440,
with `RetractionOf`), an erratum or an expression of concern is a publication of its own, in good standing. So is a
paper that replaces another: `CorrectedandRepublishedFrom`, `RetractedandRepublishedFrom`, `UpdateOf`. `RepublishedIn`
is a second printing, not a correction. NLM now treats partial retractions as errata.
Source: NLM, "Errata, Retractions, and Other Linked Citations in PubMed"; the PubMed DTD, attribute RefType.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import get_args

from lxml import etree

from pipeline.model.reference import EditorialState, Notice
from pipeline.references.pubmed.text import flat, plain

_DONE_TO_IT: dict[str, EditorialState] = {
    "RetractionIn": "retracted",
    "ExpressionOfConcernIn": "concern",
    "ErratumIn": "erratum",
    "PartialRetractionIn": "erratum",
    "CorrectedandRepublishedIn": "corrected-republished",
    "RetractedandRepublishedIn": "retracted-republished",
    "UpdateIn": "updated",
}
_TITLE = re.compile(r"\W*(RETRACTED|WITHDRAWN|REMOVED|TEMPORARY REMOVAL)(?: ARTICLE| CHAPTER)?\s*:")
_BY_TYPE: dict[str, EditorialState] = {
    "D016441": "retracted",
    "retracted publication": "retracted",
    "D000076942": "preprint",
    "preprint": "preprint",
}


def notices(corrections: etree._Element | None) -> tuple[Notice, ...]:
    """Return the notices of a CommentsCorrectionsList, in order. Older notices have no PMID."""
    if corrections is None:
        return ()
    return tuple(
        [
            Notice(state, plain(correction.find("RefSource")) or None, flat(correction.findtext("PMID")) or None)
            for correction in corrections
            if correction.tag == "CommentsCorrections" and (state := _DONE_TO_IT.get(correction.get("RefType", "")))
        ]
    )


def publication_types(parent: etree._Element | None) -> list[tuple[str, str]]:
    """Return the UI ("D016428"; missing in older records) and name of each PublicationType child."""
    if parent is None:
        return []
    return [(kind.get("UI", ""), plain(kind)) for kind in parent.iterchildren("PublicationType")]


def editorial(
    types: Sequence[tuple[str, str]], published: tuple[Notice, ...], title: str = ""
) -> tuple[EditorialState, ...]:
    """Return each state once, in the order of EditorialState.

    A publisher may have put a withdrawal or a retraction before the title, whether or not NLM has linked a notice.
    """
    found = {state for ui, name in types if (state := _BY_TYPE.get(ui) or _BY_TYPE.get(name.lower()))}
    found.update([notice.state for notice in published])
    if marked := _TITLE.match(title):
        found.add("retracted" if marked[1] == "RETRACTED" else "withdrawn")
    return tuple(state for state in get_args(EditorialState) if state in found) if found else ()
