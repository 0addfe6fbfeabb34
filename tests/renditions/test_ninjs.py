"""ninjs: what it says, and where. Its judge runs in test_every_judge.py."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from articles import ARTICLE, SAMPLE, SITE, WITHDRAWAL, revision_of
from judges.json_schemas import ninjs_findings
from msgspec.structs import replace

from pipeline.model.article import CitedWork, Image
from pipeline.model.reference import CitedReference
from pipeline.model.revision import Revision
from pipeline.renditions import formats
from pipeline.renditions.ninjs import FORMAT


def item(revision: Revision) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FORMAT.render(revision, SITE))
    return document


def association(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in document["associations"] if each["name"] == name)


# --- the judge ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"versionCreated": "yesterday"},
        {"uri": "not a uri"},
        {"bylines": []},
        {"pubStatus": "cancelled"},
        {"headlines": [{"role": "main"}]},
        {"associations": [{"uri": "https://example.org/"}]},
        {"associations": [{"uri": "https://example.org/", "name": "x", "citation": "y"}]},
        {"trustIndicators": [{"role": "reviewed"}]},
        {"rightsInfo": {}},
    ],
)
def test_the_judge_refuses_what_ninjs_refuses(change: dict[str, Any]) -> None:
    assert ninjs_findings(json.dumps(item(SAMPLE) | change).encode())


# --- what it says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body"),
    [("ninjs", FORMAT.render(SAMPLE, SITE)), ("ninjs-tombstone", FORMAT.tombstone(WITHDRAWAL, SITE))],
)
def test_the_sample_is_written_as_before(name: str, body: bytes, golden: Callable[[str, bytes], None]) -> None:
    golden(f"{name}.json", (json.dumps(json.loads(body), ensure_ascii=False, indent=1) + "\n").encode())


def test_it_is_found_as_a_format() -> None:
    assert formats()["ninjs"] is FORMAT
    assert (FORMAT.media_type, FORMAT.extension) == ("application/json", "ninjs")


def test_the_version_is_the_revision() -> None:
    document = item(SAMPLE)
    assert (document["version"], document["versionCreated"]) == ("2", "2025-03-14T16:05:09Z")
    assert document["pubStatus"] == "usable"


def test_an_embargo_is_told() -> None:
    embargo = dt.datetime(2025, 6, 1, 2, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    document = item(revision_of(replace(ARTICLE, embargo=embargo)))
    assert document["embargoedUntil"] == "2025-06-01T00:00:00Z"
    assert "embargoedUntil" not in item(SAMPLE)


def test_a_tombstone_cancels_the_same_item() -> None:
    document, live = json.loads(FORMAT.tombstone(WITHDRAWAL, SITE)), item(SAMPLE)
    assert document["uri"] == live["uri"]
    assert (document["pubStatus"], document["version"]) == ("canceled", "3")
    assert WITHDRAWAL.reason in document["edNote"]
    assert document["descriptions"][0]["value"] == WITHDRAWAL.reason
    assert "bodies" not in document


def test_a_retracted_reference_says_so_to_readers_and_to_machines() -> None:
    document = item(SAMPLE)
    retracted, sound = association(document, "Reference 2"), association(document, "Reference 1")
    assert retracted["headlines"][0]["value"].startswith("Retracted. ")
    assert {"name": "Retracted", "literal": "retracted"} in retracted["genres"]
    assert any(text["role"] == "notice" and "90000012" in text["value"] for text in retracted["descriptions"])
    assert "genres" not in sound
    assert "Retracted" not in json.dumps(sound)


def test_a_reference_that_is_not_resolved_claims_no_standing() -> None:
    pending = association(item(SAMPLE), "Reference 3")
    assert pending["uri"] == "https://pubmed.ncbi.nlm.nih.gov/90000003/"
    assert [text["value"] for text in pending["descriptions"] if text["role"] == "state"] == ["unresolved"]
    assert "genres" not in pending


def test_a_doi_of_odd_characters_is_a_whole_address() -> None:
    work = CitedWork("doi", "10.1002/(sici)1097<1::aid-x>3.0.co;2-#")
    revision = revision_of(replace(ARTICLE, references=(work,)), (CitedReference(1, work, "unknown"),))
    reference = association(item(revision), "Reference 1")
    assert reference["uri"] == "https://doi.org/10.1002/(sici)1097%3C1::aid-x%3E3.0.co;2-%23"
    assert {"role": "doi", "value": work.value} in reference["altIds"]


def test_topics_reviewers_and_picture_are_data() -> None:
    document = item(SAMPLE)
    assert document["subjects"][0]["uri"] == "http://id.nlm.nih.gov/mesh/D009128"
    assert [(person["name"], person["rel"]) for person in document["people"]] == [
        ("Ada Writer", "author"),
        ("Grace Reviewer", "reviewer"),
    ]
    rendition = association(document, "main picture")["renditions"][0]
    assert (rendition["contentType"], rendition["width"], rendition["height"]) == ("image/png", 1200, 800)
    roles = [indicator["role"] for indicator in document["trustIndicators"]]
    assert roles == [f"https://schema.org/{name}" for name in ("reviewedBy", "lastReviewed", "citation")]


def test_pubmed_is_named_as_a_source_only_where_it_answered() -> None:
    unanswered = revision_of(replace(ARTICLE, references=(CitedWork("pmid", "1"),)))
    assert "PubMed" in [source["name"] for source in item(SAMPLE)["infoSources"]]
    assert "PubMed" not in [source["name"] for source in item(unanswered)["infoSources"]]


def test_addresses_outside_ascii_become_uris() -> None:
    picture = Image("https://müller.example/straße zwei.jpg")
    document = item(revision_of(replace(ARTICLE, image=picture, canonical="https://müller.example/ä")))
    assert association(document, "main picture")["uri"] == "https://xn--mller-kva.example/stra%C3%9Fe%20zwei.jpg"
    assert {"role": "canonical", "value": "https://xn--mller-kva.example/%C3%A4"} in document["altIds"]


def test_the_bytes_are_compact_utf8_with_a_newline_at_the_end() -> None:
    body = FORMAT.render(SAMPLE, SITE)
    assert body.endswith(b"}\n")
    assert body.count(b"\n") == 1
    assert "α<β" in body.decode()


def test_a_cited_work_without_an_address_of_its_own_has_its_place_on_the_page() -> None:
    """An association must have a `uri`."""
    works = (CitedWork("text", "A leaflet of the hospital's"), CitedWork("doi", "10.5555/other"))
    references = (
        CitedReference(1, works[0], "unwatched", words="A leaflet of the hospital's"),
        CitedReference(2, works[1], "mismatch", words="Another paper"),
    )
    revision = revision_of(replace(ARTICLE, references=works), references)
    assert ninjs_findings(FORMAT.render(revision, SITE)) == []
    page = "https://notes.example.org/articles/leg-spasticity"
    document = item(revision)
    assert association(document, "Reference 1")["uri"] == f"{page}#ref-1"
    assert association(document, "Reference 2")["uri"] == f"{page}#ref-2"
