"""The evidence statement of a reference in every format: its weight, what replaced it, where it can be read freely."""

from __future__ import annotations

import json
from typing import Any

import pytest
from articles import SAMPLE, SITE
from msgspec.structs import replace

from pipeline.citations import citation_csl
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, Notice, PartialDate, Reference
from pipeline.renditions import formats

NEWER = "https://pubmed.ncbi.nlm.nih.gov/77/"
FREE = "https://pmc.ncbi.nlm.nih.gov/articles/PMC9/"
RECORD = Reference(
    pmid="1",
    title="Stretching for spasms.",
    date=PartialDate(year=2016),
    pmcid="PMC9",
    types=("Journal Article", "Systematic Review"),
    editorial=("updated",),
    notices=(Notice("updated", "Cochrane Database Syst Rev. 2025;1:CD1", "77"),),
)
CITED = CitedReference(1, CitedWork("pmid", "1"), "resolved", RECORD)
REVISION = replace(SAMPLE, references=(CITED,))
IN_WORDS = ("html", "apple-news")
AS_MARKS = ("rss", "atom", "amp", "json-feed")


def rendered(name: str) -> str:
    return formats()[name].render(REVISION, SITE).decode()


@pytest.mark.parametrize("name", [*IN_WORDS, "ninjs"])
def test_the_weight_and_free_full_text_stand_in_words(name: str) -> None:
    body = rendered(name)
    assert "Systematic review" in body
    assert "Free full text" in body


@pytest.mark.parametrize("name", [*IN_WORDS, *AS_MARKS, "ninjs", "json-ld", "markdown", "plain-text"])
def test_a_paper_that_was_replaced_is_marked_with_what_replaced_it(name: str) -> None:
    body = rendered(name)
    assert "Updated" in body
    assert "77" in body or name in ("markdown", "plain-text")  # they have no notices


def test_json_ld_has_the_types_and_the_free_full_text() -> None:
    (node,) = json.loads(rendered("json-ld"))["citation"]
    assert "Systematic Review" in node["publicationType"]
    assert node["isAccessibleForFree"] is True
    assert FREE in node["sameAs"]
    assert node["creativeWorkStatus"] == "Updated"


def test_json_feed_has_all_of_it_as_data() -> None:
    (item,) = json.loads(rendered("json-feed"))["items"]
    (stated,) = item["_citewire"]["references"]
    known = {name: stated[name] for name in ("weight", "year", "superseded_by", "free_full_text")}
    assert known == {"weight": "systematic-review", "year": 2016, "superseded_by": ["77"], "free_full_text": FREE}


def test_csl_has_all_of_it_as_data() -> None:
    custom: Any = citation_csl(RECORD)["custom"]
    assert custom == {
        "editorial": ["updated"],
        "weight": "systematic-review",
        "superseded-by": ["77"],
        "free-full-text": FREE,
    }
