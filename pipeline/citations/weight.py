"""What kind of evidence a paper is, from NLM's publication types. Pure.

The order follows the usual hierarchy of evidence. A record has many types ("Journal Article", "Multicenter Study"); the
highest one counts, except that a preprint is a preprint first. Source: NLM, "Publication Characteristics
(Publication Types) with Scope Notes".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from pipeline.wording import message

Weight = Literal[
    "guideline",
    "systematic-review",
    "meta-analysis",
    "randomised-trial",
    "controlled-trial",
    "observational-study",
    "review",
    "case-report",
    "opinion",
    "preprint",
]
LABELS: dict[Weight, str] = {
    "guideline": message("Guideline"),
    "systematic-review": message("Systematic review"),
    "meta-analysis": message("Meta-analysis"),
    "randomised-trial": message("Randomised controlled trial"),
    "controlled-trial": message("Clinical trial"),
    "observational-study": message("Observational study"),
    "review": message("Review"),
    "case-report": message("Case report"),
    "opinion": message("Editorial, letter or comment"),
    "preprint": message("Preprint"),
}
_TYPES: dict[str, Weight] = {
    "practice guideline": "guideline",
    "guideline": "guideline",
    "consensus development conference, nih": "guideline",
    "systematic review": "systematic-review",
    "meta-analysis": "meta-analysis",
    "network meta-analysis": "meta-analysis",
    "randomized controlled trial": "randomised-trial",
    "equivalence trial": "randomised-trial",
    "pragmatic clinical trial": "randomised-trial",
    "controlled clinical trial": "controlled-trial",
    "clinical trial": "controlled-trial",
    "clinical trial, phase i": "controlled-trial",
    "clinical trial, phase ii": "controlled-trial",
    "clinical trial, phase iii": "controlled-trial",
    "clinical trial, phase iv": "controlled-trial",
    "observational study": "observational-study",
    "twin study": "observational-study",
    "review": "review",
    "scoping review": "review",
    "case reports": "case-report",
    "editorial": "opinion",
    "letter": "opinion",
    "comment": "opinion",
    "preprint": "preprint",
    "posted-content": "preprint",
}
_ORDER: tuple[Weight, ...] = get_args(Weight)


def weight_of(types: Collection[str]) -> Weight | None:
    """Return the kind of evidence, or None if the types do not say."""
    found = {weight for name in types if (weight := _TYPES.get(name.strip().lower()))}
    if "preprint" in found:
        return "preprint"
    return next((weight for weight in _ORDER if weight in found), None)
