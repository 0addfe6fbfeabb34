"""JSON-LD: the current evidence in terms of schema.org. Its judge runs in test_every_judge.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from articles import SAMPLE, SITE, STRANGE, WITHDRAWAL, revision_of
from judges.schema_org import schema_findings
from msgspec.structs import replace

from pipeline.model.article import Article
from pipeline.model.revision import Revision
from pipeline.renditions.json_ld import FORMAT
from pipeline.renditions.parts.linked_data import linked_data_script, page_node


def document(revision: Revision) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(FORMAT.render(revision, SITE))
    return data


# --- the judge ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"@type": "MedicalPage"}, "no class of schema.org"),
        ({"reviewer": "x"}, "no property of schema.org"),
        ({"bookFormat": "https://schema.org/EBook"}, "not a property of ['MedicalWebPage']"),
        ({"lastReviewed": "yesterday"}, "does not fit the range ['Date']"),
        ({"reviewedBy": {"@type": "Drug"}}, "is not in the range ['Organization', 'Person']"),
        ({"medicalAudience": "https://schema.org/EBook"}, "does not fit the range"),
        ({"name": ""}, "is empty"),
        ({"author": {"name": "x"}}, "no @type"),
        ({"@context": "schema.org"}, "@context"),
    ],
)
def test_the_judge_finds_wrong_terms_domains_and_ranges(change: dict[str, Any], finding: str) -> None:
    assert any(finding in found for found in schema_findings({**document(SAMPLE), **change}))


# --- what it says -------------------------------------------------------------------------------------------------


def test_the_format_is_linked_data_at_an_address_that_ends_in_its_name() -> None:
    assert (FORMAT.name, FORMAT.media_type, FORMAT.extension) == ("json-ld", "application/ld+json", "json-ld")


def test_a_question_and_its_answer_are_the_pages_main_thing() -> None:
    main = document(SAMPLE)["mainEntity"]
    assert main["@type"] == "Question"
    assert main["name"] == SAMPLE.article.question
    assert main["acceptedAnswer"]["text"] == SAMPLE.article.answer
    assert "mainEntity" not in document(revision_of(Article(id="a", title="T", answer="A")))


def test_who_reviewed_it_and_when_is_said_with_credentials() -> None:
    data = document(SAMPLE)
    assert data["lastReviewed"] == "2025-03-09"
    assert data["reviewedBy"] == [
        {
            "@type": "Person",
            "name": "Grace Reviewer",
            "honorificSuffix": "MD, PhD",
            "jobTitle": "Neurologist",
            "affiliation": {"@type": "Organization", "name": "Example Hospital"},
        }
    ]


def test_topics_carry_their_mesh_code() -> None:
    spasticity, stroke = document(SAMPLE)["about"]
    assert spasticity["code"] == {"@type": "MedicalCode", "codeValue": "D009128", "codingSystem": "MeSH"}
    assert "code" not in stroke


def test_a_citation_carries_its_pmid_its_doi_and_its_place() -> None:
    first = document(SAMPLE)["citation"][0]
    assert first["@type"] == "MedicalScholarlyArticle"
    assert {"@type": "PropertyValue", "propertyID": "PMID", "value": "90000001"} in first["identifier"]
    assert "https://doi.org/10.5555/exjn.2019.284" in first["sameAs"]
    assert first["datePublished"] == "2019-05-03"
    assert first["isPartOf"]["isPartOf"]["isPartOf"]["name"] == "The Example Journal of Neurology"
    assert "creativeWorkStatus" not in first


def test_a_retracted_paper_is_cited_as_retracted_with_the_notice() -> None:
    second = document(SAMPLE)["citation"][1]
    assert second["creativeWorkStatus"] == ["Retracted", "Erratum"]
    assert "Ann Examples. 2022;4:e2" in second["correction"]


def test_nothing_is_said_of_the_standing_of_a_paper_that_was_not_looked_up() -> None:
    pending, unknown, guideline = document(SAMPLE)["citation"][2:]
    for one in (pending, unknown, guideline):
        assert "creativeWorkStatus" not in one
        assert "correction" not in one
    assert pending["identifier"]["value"] == "90000003"
    assert guideline["@type"] == "CreativeWork"


def test_the_sections_stand_in_their_order_each_with_its_text() -> None:
    what, treatments = document(SAMPLE)["hasPart"]
    assert what["name"] == "What it is"
    assert "at night" in what["text"]
    assert [inner["name"] for inner in what["hasPart"]] == ["1. Causes"]
    assert treatments["url"] == "https://notes.example.org/articles/leg-spasticity#treatments"


def test_machines_are_told_of_a_change_that_no_editor_made() -> None:
    later = replace(SAMPLE, updated=SAMPLE.updated.replace(day=20))
    assert document(later)["dateModified"] == "2025-03-20T16:05:09Z"


def test_a_tombstone_says_that_the_article_is_withdrawn_when_and_why() -> None:
    data = json.loads(FORMAT.tombstone(WITHDRAWAL, SITE))
    assert data["creativeWorkStatus"] == "Withdrawn"
    assert data["expires"] == "2025-04-01T12:00:00Z"
    assert data["correction"]["text"] == WITHDRAWAL.reason
    assert data["@id"] == document(SAMPLE)["@id"]


def test_in_a_script_element_no_character_can_be_taken_for_markup() -> None:
    script = linked_data_script(page_node(STRANGE["hostile"], SITE))
    assert not set("<>&\u2028\u2029") & set(script)
    assert json.loads(script)["name"] == STRANGE["hostile"].article.title
