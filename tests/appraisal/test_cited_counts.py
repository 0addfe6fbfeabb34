"""The counts of an article's references that its author sees."""

from __future__ import annotations

from typing import get_args

import pytest

from pipeline.appraisal.statement import overview
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, Reference, ReferenceState
from pipeline.views.cited import counted


def cited(
    number: int, state: ReferenceState, *editorial: EditorialState, types: tuple[str, ...] = ()
) -> CitedReference:
    record = Reference(pmid=str(number), title="A trial", editorial=editorial, types=types)
    return CitedReference(number, CitedWork("pmid", str(number)), state, record if state == "resolved" else None)


def test_references_are_counted_by_what_is_known_of_them() -> None:
    found = counted(
        [cited(1, "resolved"), cited(2, "resolved"), cited(3, "resolved"), cited(4, "unknown"), cited(5, "unwatched")]
    )
    assert found.summary == "5 references: 3 watched, 1 not in any source, 1 without identifier"
    assert (found.total, found.watched, found.unknown, found.unidentified, found.pending) == (5, 3, 1, 1, 0)
    assert found.warnings == ()


@pytest.mark.parametrize("state", get_args(ReferenceState))
def test_the_evidence_statement_counts_the_same_as_watched(state: ReferenceState) -> None:
    references = [cited(1, "resolved"), cited(2, state)]
    assert overview(references).watched == counted(references).watched == 1 + (state == "resolved")


def test_an_article_without_references_has_none() -> None:
    assert counted([]).summary == "0 references"
    assert counted([cited(1, "pending")]).summary == "1 reference: 1 not answered yet"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        (cited(1, "resolved", "retracted"), "cites-retracted"),
        (cited(1, "resolved", "concern"), "cites-retracted"),
        (cited(1, "resolved", types=("Published Erratum",)), "cites-notice"),
        (cited(1, "resolved", types=("Retraction of Publication",)), "cites-notice"),
        (cited(1, "mismatch"), "reference-mismatch"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(reference: CitedReference, code: str) -> None:
    (warning,) = counted([reference]).warnings
    assert (warning.code, warning.field) == (code, "references[0]")
    assert "reference 1 (PMID 1)" in warning.message


def test_a_paper_that_is_cited_although_it_is_retracted_needs_no_warning() -> None:
    assert counted([cited(1, "resolved", "retracted")], known=["1"]).warnings == ()


def test_an_erratum_of_a_paper_is_no_reason_for_a_warning() -> None:
    assert counted([cited(1, "resolved", "erratum")]).warnings == ()


def test_hundreds_of_bad_references_give_few_warnings() -> None:
    assert len(counted([cited(number, "mismatch") for number in range(1, 300)]).warnings) == 20
