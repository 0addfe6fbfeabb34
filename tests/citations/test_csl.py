from __future__ import annotations

import json

from pipeline.citations import citation_csl
from pipeline.model.reference import Author, PartialDate, Reference


def test_a_journal_article_becomes_one_csl_item() -> None:
    reference = Reference(
        pmid="12140307",
        title="Solid-organ transplantation in HIV-infected patients.",
        authors=(Author(last="Halpern", fore="Scott D", initials="SD", suffix="Jr"), Author(collective="A Group")),
        journal="The New England journal of medicine",
        journal_abbreviation="N Engl J Med",
        issn="1533-4406",
        date=PartialDate(year=2002, month=7, day=25),
        volume="347",
        issue="4",
        pages="284-7",
        doi="10.1056/nejmsb020632",
        pmcid="PMC1",
        languages=("eng",),
        editorial=("retracted",),
    )
    assert json.loads(json.dumps(citation_csl(reference))) == {
        "id": "pmid:12140307",
        "type": "article-journal",
        "title": "Solid-organ transplantation in HIV-infected patients",
        "author": [{"family": "Halpern", "given": "Scott D", "suffix": "Jr"}, {"literal": "A Group"}],
        "container-title": "The New England journal of medicine",
        "container-title-short": "N Engl J Med",
        "ISSN": "1533-4406",
        "issued": {"date-parts": [[2002, 7, 25]]},
        "volume": "347",
        "issue": "4",
        "page": "284-287",
        "DOI": "10.1056/nejmsb020632",
        "PMID": "12140307",
        "PMCID": "PMC1",
        "URL": "https://pubmed.ncbi.nlm.nih.gov/12140307/",
        "language": "en",
        "status": "retracted",
        "custom": {
            "editorial": ["retracted"],
            "free-full-text": "https://pmc.ncbi.nlm.nih.gov/articles/PMC1/",
        },
    }


def test_kinds_of_publication_are_told_apart() -> None:
    def kind(**facts: object) -> object:
        return citation_csl(Reference(pmid="1", **{"title": "T", **facts}))["type"]  # type: ignore[arg-type]

    assert kind(book_title="T") == "book"
    assert kind(book_title="B") == "chapter"
    assert kind(editorial=("preprint",)) == "article"
    assert kind() == "article-journal"


def test_a_date_is_as_precise_as_it_was_given() -> None:
    def issued(date: PartialDate) -> object:
        return citation_csl(Reference(pmid="1", title="T", date=date))["issued"]

    assert issued(PartialDate(year=2002)) == {"date-parts": [[2002]]}
    assert issued(PartialDate(year=2002, season="Spring")) == {"date-parts": [[2002]], "season": 1}
    assert issued(PartialDate(year=1998, text="1998 Dec-1999 Jan")) == {
        "date-parts": [[1998]],
        "literal": "1998 Dec-1999 Jan",
    }
