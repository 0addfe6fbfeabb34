"""The evidence statement of a reference in every format: its weight, what replaced it, where it can be read freely."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from articles import SAMPLE, SITE
from judges.of_formats import findings
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


# --- the figures of all references together ---

FIGURES = replace(
    SAMPLE,
    article=replace(SAMPLE.article, next_review=dt.date(2027, 3, 2)),
    references=(
        CITED,
        CitedReference(2, CitedWork("pmid", "2"), "resolved", replace(RECORD, date=PartialDate(year=2020))),
        CitedReference(3, CitedWork("pmid", "3"), "pending"),
    ),
)


def figures(name: str) -> Any:
    return json.loads(formats()[name].render(FIGURES, SITE))


def test_json_ld_has_the_figures_as_a_data_set_about_the_page() -> None:
    node = figures("json-ld")["subjectOf"]
    assert node["url"].endswith(f"/articles/{SAMPLE.article.name}.evidence.json")
    assert {one["name"]: one["value"] for one in node["variableMeasured"]} == {
        "References": 3,
        "References watched": 2,
        "Newest year": 2020,
        "Median year": 2016,
        "Next review": "2027-03-02",
    }


def test_ninjs_has_the_figures_among_what_vouches_for_the_article() -> None:
    titles = [one["title"] for one in figures("ninjs")["trustIndicators"]]
    assert titles[-2:] == ["Next review 2 March 2027", "3 references, 2 watched; newest 2020, median 2016"]


def test_json_feed_has_the_figures_in_its_extension() -> None:
    extension = figures("json-feed")["items"][0]["_citewire"]
    assert extension["evidence"] == {"total": 3, "watched": 2, "newest_year": 2020, "median_year": 2016}
    assert extension["next_review"] == "2027-03-02"


@pytest.mark.parametrize("name", ["json-ld", "ninjs", "json-feed"])
def test_the_judges_find_nothing_in_the_figures(name: str) -> None:
    assert findings(name, formats()[name].render(FIGURES, SITE)) == []


def test_an_article_without_references_has_no_figures() -> None:
    without = replace(SAMPLE, references=())
    assert "subjectOf" not in json.loads(formats()["json-ld"].render(without, SITE))
    item = json.loads(formats()["json-feed"].render(without, SITE))["items"][0]
    assert "evidence" not in item["_citewire"]
