"""The words in which sources say what was done to a paper, as editorial states. Pure."""

from __future__ import annotations

import re

from pipeline.model.reference import EditorialState

# Crossref's types of `updated-by`, and Europe PMC's of comments and corrections, in lower case with single spaces.
# A partial retraction is an erratum to NLM too. A new version or edition says nothing against the paper.
_STATES: dict[str, EditorialState] = {
    "retraction": "retracted",
    "retraction in": "retracted",
    "withdrawal": "withdrawn",
    "removal": "withdrawn",
    "expression of concern": "concern",
    "expression of concern in": "concern",
    "correction": "erratum",
    "corrigendum": "erratum",
    "erratum": "erratum",
    "erratum in": "erratum",
    "partial retraction": "erratum",
    "partial retraction in": "erratum",
    "corrected and republished in": "corrected-republished",
    "retracted and republished in": "retracted-republished",
    "retraction and replacement": "retracted-republished",
    "reinstatement": "reinstated",
    "update in": "updated",
}


def state_of(kind: str) -> EditorialState | None:
    """Return the state that a source's word means; None if it says nothing of the paper's standing."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind)  # "RetractionIn"
    return _STATES.get(" ".join(re.split(r"[\s_-]+", words.strip())).lower())
