from __future__ import annotations

from typing import get_args

import pytest
from bench import START, article
from msgspec import structs

from pipeline.ledger.articles.accepted import Accepted
from pipeline.ledger.articles.withheld import EVERYWHERE
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, EvidenceChange, Marks, Notice, Reference
from pipeline.model.revision import Revision
from pipeline.stages.context import Policy
from pipeline.stages.enrich.editorial import change_of, only_marks_differ, papers_with
from pipeline.stages.render.withhold import site_hold

STATES: tuple[EditorialState, ...] = get_args(EditorialState)


def record(*editorial: EditorialState, volume: str = "1", notices: tuple[Notice, ...] = ()) -> Reference:
    return Reference(pmid="1", title="A trial", volume=volume, editorial=editorial, notices=notices)


def shown(reference: Reference | None, *, state: str = "resolved") -> tuple[CitedReference, ...]:
    return (CitedReference(1, CitedWork("pmid", "1"), state, reference),)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_gained_and_lost_as_itself(state: EditorialState) -> None:
    change = change_of(EvidenceChange("1", record(), record(state)))
    back = change_of(EvidenceChange("1", record(state), record()))
    assert change is not None
    assert back is not None
    assert (change.gained, change.lost, back.gained, back.lost) == ((state,), (), (), (state,))


def test_one_state_may_take_the_place_of_another() -> None:
    change = change_of(EvidenceChange("1", record("concern"), record("retracted")))
    assert change is not None
    assert (change.gained, change.lost) == (("retracted",), ("concern",))


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
    change = change_of(EvidenceChange("1", None, record("retracted", "preprint")))
    assert change is not None
    assert change.gained == ("retracted",)


def test_a_flagged_paper_is_named_with_those_of_its_states_that_were_asked_for() -> None:
    bad = shown(record("retracted", "concern"))
    (fault,) = papers_with(bad, ["retracted"])
    assert (fault.id, str(fault)) == ("pmid:1", "PMID 1 (retracted)")
    assert papers_with(bad, ["erratum"]) == ()
    assert [one.states for one in papers_with(bad, ["concern"])] == [("concern",)]
    assert papers_with(shown(None, state="pending"), ["retracted"]) == ()


def test_a_paper_without_a_record_is_flagged_by_what_a_source_says_of_it() -> None:
    (unknown,) = shown(None, state="unknown")
    marked = structs.replace(unknown, work=CitedWork("doi", "10.1000/x"), unshown=Marks(("retracted",)))
    (fault,) = papers_with([marked], ["retracted"])
    assert fault.id == "doi:10.1000/x"


@pytest.mark.parametrize(
    ("meant", "accepted", "held"),
    [
        ((), (), True),
        (("1",), (), False),
        (("2",), (), True),
        ((), (Accepted(EVERYWHERE, "pmid:1", "retracted"),), False),
        ((), (Accepted(EVERYWHERE, "pmid:1", "concern"),), True),
        ((), (Accepted("partner", "pmid:1", "retracted"),), True),
    ],
)
def test_an_article_is_held_unless_the_author_means_it_or_an_operator_accepted_it(
    meant: tuple[str, ...], accepted: tuple[Accepted, ...], held: bool
) -> None:
    revision = Revision(
        article=article(pmids=["1"], cites_retracted=meant),
        number=1,
        published=START,
        updated=START,
        references=shown(record("retracted")),
    )
    assert (site_hold(Policy(evidence="hold"), revision, accepted, now=START) is not None) == held
    assert site_hold(Policy(), revision, accepted, now=START) is None


def test_marks_are_told_from_other_changes() -> None:
    notice = Notice("retracted", "J Ex. 2020")
    assert only_marks_differ(shown(record()), shown(record("retracted", volume="2")))
    assert only_marks_differ(shown(record("retracted")), shown(record("retracted", notices=(notice,))))
    assert not only_marks_differ(shown(record()), shown(record(volume="2")))
    assert not only_marks_differ(shown(None, state="pending"), shown(record("retracted")))
