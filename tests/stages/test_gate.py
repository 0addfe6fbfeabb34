from __future__ import annotations

import datetime as dt

import pytest
from msgspec import structs

from pipeline.model.article import CitedWork
from pipeline.model.policy import Gate
from pipeline.model.reference import CitedReference, EditorialState, PartialDate, Reference
from pipeline.stages.render.gate import refusal

ON = dt.date(2026, 6, 1)


def resolved(
    pmid: str, year: int | None = 2020, *editorial: EditorialState, electronic: int | None = None
) -> CitedReference:
    record = Reference(
        pmid=pmid,
        title="A trial",
        date=PartialDate(year=year) if year else PartialDate(text="Winter"),
        electronic_date=PartialDate(year=electronic) if electronic else None,
        editorial=editorial,
    )
    return CitedReference(1, CitedWork("pmid", pmid), "resolved", record)


PENDING = CitedReference(1, CitedWork("pmid", "8"), "pending")
UNKNOWN = CitedReference(2, CitedWork("doi", "10.1000/x"), "unknown")


@pytest.mark.parametrize(
    ("gate", "references"),
    [
        (Gate(), []),
        (Gate(), [PENDING, resolved("1", 1950, "retracted")]),
        (Gate(min_resolved=2), [resolved("1"), resolved("2"), PENDING]),
        (Gate(refuse=("retracted",)), [resolved("1", 2020, "erratum")]),
        (Gate(refuse=("retracted",)), []),
        (Gate(refuse=("retracted",)), [PENDING]),
        (Gate(match=True), [resolved("1"), PENDING, UNKNOWN]),
        (Gate(refuse=("retracted",), refuse_pending=True), [resolved("1"), UNKNOWN]),
        (Gate(newest_within_years=5), [resolved("1", 1990), resolved("2", 2021)]),
        (Gate(newest_within_years=5), [resolved("1", 2019, electronic=2021)]),
    ],
)
def test_what_passes(gate: Gate, references: list[CitedReference]) -> None:
    assert refusal(gate, references, on=ON) is None


@pytest.mark.parametrize(
    ("gate", "references", "reason", "at_fault"),
    [
        (
            Gate(min_resolved=2),
            [resolved("1"), PENDING, UNKNOWN],
            "1 of its references are resolved, 2 are asked for: pmid:8 (pending), doi:10.1000/x (unknown)",
            ("pmid:8", "doi:10.1000/x"),
        ),
        (
            Gate(refuse=("retracted",), refuse_pending=True),
            [resolved("1"), PENDING],
            "the status of pmid:8 is not known yet",
            ("pmid:8",),
        ),
        (
            Gate(match=True),
            [resolved("1"), structs.replace(UNKNOWN, identity="mismatch", differs=("title", "year"))],
            "its words do not describe doi:10.1000/x (title, year)",
            ("doi:10.1000/x",),
        ),
        (Gate(min_resolved=1), [], "0 of its references are resolved, 1 are asked for", ()),
        (
            Gate(refuse=("retracted", "concern")),
            [resolved("1"), resolved("2", 2020, "retracted", "concern"), resolved("3", 2020, "concern", "erratum")],
            "it cites PMID 2 (retracted, expression of concern), PMID 3 (expression of concern)",
            ("pmid:2", "pmid:3"),
        ),
        (
            Gate(newest_within_years=5),
            [resolved("1", 2020), resolved("2", 2011)],
            "its newest reference is of 2020 (pmid:1), one within 5 years is asked for",
            ("pmid:1",),
        ),
        (
            Gate(newest_within_years=5),
            [resolved("1", None), PENDING],
            "none of its references has a date, one within 5 years is asked for",
            ("pmid:1", "pmid:8"),
        ),
        (
            Gate(min_resolved=3, refuse=("retracted",)),
            [resolved("1", 2020, "retracted"), PENDING],
            "it cites PMID 1 (retracted); 1 of its references are resolved, 3 are asked for: pmid:8 (pending)",
            ("pmid:1", "pmid:8"),
        ),
    ],
)
def test_what_is_refused_and_which_references_are_at_fault(
    gate: Gate, references: list[CitedReference], reason: str, at_fault: tuple[str, ...]
) -> None:
    refused = refusal(gate, references, on=ON)
    assert refused is not None
    assert (refused.reason, refused.references) == (reason, at_fault)
