"""Tell what kind of thing a topic is (a condition, a drug, a test …), from its author or from its place in MeSH."""

from __future__ import annotations

import re
from typing import get_args

from pipeline.hints import nearest
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.model.article import TopicKind

_KINDS: dict[str, TopicKind] = {kind: kind for kind in get_args(TopicKind)}
_TREE = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9]{3}){0,12}")
_BRANCHES: tuple[tuple[str, TopicKind], ...] = (  # branches of the MeSH tree, the most specific first
    ("C23.888", "symptom"),  # signs and symptoms
    ("F01.145.488", "lifestyle"),  # health behavior
    ("G07.203.650.240", "lifestyle"),  # diet
    ("G11.427.410.698.277", "lifestyle"),  # exercise
    ("F04.754", "therapy"),  # psychotherapy
    ("F04.711", "test"),  # psychological tests
    ("A", "anatomy"),
    ("C", "condition"),
    ("D", "drug"),
    ("E01", "test"),  # diagnosis
    ("E02", "therapy"),  # therapeutics
    ("E03", "procedure"),  # anesthesia and analgesia
    ("E04", "procedure"),  # surgical procedures
    ("E06", "procedure"),  # dentistry
    ("F03", "condition"),  # mental disorders
)


def topic_kind(value: object) -> TopicKind:
    """Read one of the existing kinds. Raises InvalidValue."""
    word = str(value).strip().lower()
    if word not in _KINDS:
        hint = nearest(word, _KINDS)
        raise InvalidValue(f"{quoted(value)} is no kind of topic", hint=hint)
    return _KINDS[word]


def tree_number(value: object) -> str:
    """Read a place in the MeSH tree, such as "C10.597.613.550". Raises InvalidValue."""
    number = str(value).strip().upper()
    if not _TREE.fullmatch(number):
        raise InvalidValue(f"{quoted(value)} is not a MeSH tree number", hint='write one such as "C10.597.613"')
    return number


def kind_in_tree(number: str) -> TopicKind | None:
    """Return the kind of the topic at this place in the tree; None if the place does not determine it."""
    return next((kind for branch, kind in _BRANCHES if _is_below(number, branch)), None)


def _is_below(number: str, branch: str) -> bool:
    return number.startswith(branch) and (len(branch) == 1 or number[len(branch) : len(branch) + 1] in ("", "."))
