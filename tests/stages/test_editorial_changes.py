from __future__ import annotations

from typing import get_args

import pytest

from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, EvidenceChange, Notice, Reference
from pipeline.stages.enrich.editorial import change_of, newly_flagged, only_marks_differ, papers_with

STATES: tuple[EditorialState, ...] = get_args(EditorialState)


def record(*editorial: EditorialState, volume: str = "1", notices: tuple[Notice, ...] = ()) -> Reference:
    return Reference(pmid="1", title="A trial", volume=volume, editorial=editorial, notices=notices)


def shown(reference: Reference | None, *, state: str = "resolved") -> tuple[CitedReference, ...]:
    return (CitedReference(1, CitedWork("pmid", "1"), state, reference),)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_gained_and_lost_as_itself(state: EditorialState) -> None:
    turn = change_of(EvidenceChange("1", record(), record(state)))
    back = change_of(EvidenceChange("1", record(state), record()))
    assert turn is not None
    assert back is not None
    assert (turn.gained, turn.lost, back.gained, back.lost) == ((state,), (), (), (state,))


def test_one_state_may_take_the_place_of_another() -> None:
    turn = change_of(EvidenceChange("1", record("concern"), record("retracted")))
    assert turn is not None
    assert (turn.gained, turn.lost) == (("retracted",), ("concern",))


@pytest.mark.parametrize(
    "change",
    [
        EvidenceChange("1", record(), record(volume="2")),
        EvidenceChange("1", record("erratum"), record("erratum", volume="2")),
        EvidenceChange("1", record("retracted"), None),
        EvidenceChange("1", None, None),
        EvidenceChange("1", None, record()),
        EvidenceChange("1", None, record("preprint")),
    ],
)
def test_what_does_not_matter(change: EvidenceChange) -> None:
    assert change_of(change) is None


def test_a_first_answer_matters_where_it_brings_a_mark() -> None:
    turn = change_of(EvidenceChange("1", None, record("retracted", "preprint")))
    assert turn is not None
    assert turn.gained == ("retracted",)


def test_only_what_was_shown_without_it_is_gained() -> None:
    bad = shown(record("retracted", "concern"))
    for before in (shown(record()), shown(record("concern")), shown(None, state="pending")):
        (fault,) = newly_flagged(before, bad, ["retracted"])
        assert str(fault) == "PMID 1 (retracted)"
    assert newly_flagged(bad, bad, ["retracted"]) == ()
    assert newly_flagged((), bad, ["retracted"]) == ()
    assert newly_flagged(shown(record()), bad, ["erratum"]) == ()


def test_faults_of_some_papers_only() -> None:
    assert [fault.pmid for fault in papers_with(shown(record("concern")), ["concern"])] == ["1"]
    assert papers_with(shown(record("concern")), ["concern"], ["2"]) == ()


def test_marks_are_told_from_other_changes() -> None:
    notice = Notice("retracted", "J Ex. 2020")
    assert only_marks_differ(shown(record()), shown(record("retracted", volume="2")))
    assert only_marks_differ(shown(record("retracted")), shown(record("retracted", notices=(notice,))))
    assert not only_marks_differ(shown(record()), shown(record(volume="2")))
    assert not only_marks_differ(shown(None, state="pending"), shown(record("retracted")))
