"""The article as plain text, and a JSON document's bytes."""

from __future__ import annotations

from articles import ARTICLE, MINIMAL, REFERENCES, SAMPLE, SITE, revision_of
from msgspec.structs import replace

from pipeline.renditions.parts.content_text import content_text, reference_text
from pipeline.renditions.parts.json_bytes import json_bytes


def test_every_part_stands_in_its_order() -> None:
    text = content_text(SAMPLE, SITE)
    parts = (
        "My legs are stiff after a stroke.",
        "Daily stretching helps most people.",
        "Legs at rest Photo: A. N. Other",
        "Spasticity is common after a stroke[1].",
        "What it is\n\nMuscles that tighten by themselves.",
        "1. Causes\n\n3. Stroke\n4. Multiple sclerosis",
        "Check your symptoms\nIt takes two minutes.\nhttps://notes.example.org/check?topic=legs",
        "Related\n- Life with baclofen\n  https://notes.example.org/articles/baclofen",
        "References\n1. Okafor N",
        "Citation data from PubMed",
        "Written by Ada Writer, Medical editor\nMedically reviewed by Grace Reviewer, MD, PhD",
        "Published 2 March 2025. Updated 10 March 2025\nLast reviewed 9 March 2025",
        "The author once owned a spring.",
        SITE.disclaimer,
        "Licence: https://creativecommons.org/licenses/by/4.0/",
    )
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_parts_that_an_article_lacks_leave_no_trace() -> None:
    assert content_text(MINIMAL, SITE) == f"A\n\nPublished 2 March 2025. Updated 14 March 2025\n\n{SITE.disclaimer}"


def test_one_disclaimer_stands_once() -> None:
    article = replace(ARTICLE, disclaimer=SITE.disclaimer)
    assert content_text(revision_of(article), SITE).count(SITE.disclaimer) == 1


def test_a_retracted_reference_begins_with_that_word() -> None:
    assert reference_text(REFERENCES[1]).startswith("2. Retracted. Erratum. The Stretch Group.")
    assert reference_text(REFERENCES[2]) == "3. PMID: 90000003. https://pubmed.ncbi.nlm.nih.gov/90000003/"


def test_json_leaves_out_what_says_nothing_and_keeps_what_does() -> None:
    document = {
        "b": None,
        "a": "",
        "z": [],
        "y": {},
        "list": ["", None, 1],
        "nested": {"x": {"w": None}},
        "no": False,
        "zero": 0,
    }
    assert json_bytes(document) == b'{"list":[1],"no":false,"zero":0}\n'


def test_json_holds_no_character_that_xml_forbids() -> None:
    assert json_bytes({"k": "a\x00b\ud800c\ufffe\u2028</script>"}) == '{"k":"abc\u2028</script>"}\n'.encode()
