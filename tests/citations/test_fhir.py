"""FHIR R5 Citations, validated by the models of fhir.resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.citation import Citation

from pipeline.citations import citation_fhir
from pipeline.model.reference import Notice, Reference
from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from standins.papers import load_papers, paper_xml, record_set

ADDRESS = "https://notes.example.org/references/1.fhir.json"
KNOWN = parse_pubmed(record_set([paper_xml(paper) for paper in load_papers()]))


def fhir(record: Reference) -> Any:
    made = citation_fhir(record, address=ADDRESS, publisher="Example Health")
    Citation.model_validate_json(json.dumps(made))
    return made


@pytest.mark.parametrize("pmid", sorted(KNOWN))
def test_every_paper_is_a_valid_citation(pmid: str) -> None:
    made = fhir(KNOWN[pmid])
    assert {"system": "https://pubmed.ncbi.nlm.nih.gov", "value": pmid} in made["citedArtifact"]["identifier"]


def test_a_retracted_paper_says_so_where_machines_look() -> None:
    retracted = next(record for record in KNOWN.values() if record.retracted)
    made = fhir(retracted)
    assert made["citedArtifact"]["currentState"][0]["coding"][0]["code"] == "retracted"
    assert "Retracted" in made["note"][0]["text"]


def test_what_replaced_a_paper_is_related_to_it() -> None:
    notice = Notice("updated", "Cochrane Database Syst Rev. 2025;1:CD1", "77")
    made = fhir(Reference(pmid="1", title="A title", editorial=("updated",), notices=(notice,)))
    (related,) = made["citedArtifact"]["relatesTo"]
    assert (related["type"], related["resource"]) == ("replaced-with", "https://pubmed.ncbi.nlm.nih.gov/77/")


def test_a_record_that_has_nothing_but_a_title_is_valid_too() -> None:
    fhir(Reference(pmid="1", title="A title"))


def test_real_records_are_valid(data: Path) -> None:
    for file in sorted((data / "pubmed" / "metapub+metapub").glob("*.xml"))[:40]:
        for record in parse_pubmed(file.read_bytes()).values():
            fhir(record)
