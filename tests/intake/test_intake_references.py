"""What an author may write as a reference, and the one identifier that it is."""

from __future__ import annotations

import pytest

from pipeline.errors import InvalidArticle
from pipeline.intake import read_article
from pipeline.intake.fields.entries import Entry, cited_entries, joined, names_work
from pipeline.intake.fields.identifiers import cited_work, is_bare
from pipeline.intake.fields.invalid_value import InvalidValue
from pipeline.model.article import CitedWork


@pytest.mark.parametrize(
    ("given", "scheme", "value"),
    [
        (34187661, "pmid", "34187661"),
        ("34187661", "pmid", "34187661"),
        ("PMID: 34187661", "pmid", "34187661"),
        ("pmid34187661.", "pmid", "34187661"),
        ("00012", "pmid", "12"),
        ("* pubmed.ncbi.nlm.nih.gov/34187661/", "pmid", "34187661"),
        ("https://pubmed.ncbi.nlm.nih.gov/34187661/?from=x#y", "pmid", "34187661"),
        ("http://www.ncbi.nlm.nih.gov/pubmed/34187661", "pmid", "34187661"),
        ("https://europepmc.org/article/MED/34187661", "pmid", "34187661"),
        ("PMC514562", "pmcid", "PMC514562"),
        ("PMCID: pmc514562", "pmcid", "PMC514562"),
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC514562/", "pmcid", "PMC514562"),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC514562/pdf/x.pdf", "pmcid", "PMC514562"),
        ("10.1000/ABC.", "doi", "10.1000/abc"),
        ("doi:10.1002/(SICI)1097(2)", "doi", "10.1002/(sici)1097(2)"),
        ("https://doi.org/10.1000/a%2Fb", "doi", "10.1000/a/b"),
        ("dx.doi.org/10.1000/x", "doi", "10.1000/x"),
        ({"pmid": 12, "doi": "10.1000/x"}, "pmid", "12"),
        ({"doi": "10.1000/x"}, "doi", "10.1000/x"),
        ({"url": "https://doi.org/10.1000/x"}, "doi", "10.1000/x"),
        ("https://Example.org/a paper".replace(" ", "%20"), "url", "https://example.org/a%20paper"),
    ],
)
def test_every_form_of_an_identifier_is_normalised(given: object, scheme: str, value: str) -> None:
    work = cited_work(given)
    assert (work.scheme, work.value) == (scheme, value)


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("10.1101/2020.01.01.123456v2", "10.1101/2020.01.01.123456"),
        ("https://doi.org/10.1000/ABC?utm_source=x", "10.1000/abc"),
        ("https://doi.org/10.1000/abc/full", "10.1000/abc"),
        ("doi:10.1000/abc/", "10.1000/abc"),
        ("10.1000/a\u200bbc", "10.1000/abc"),
    ],
)
def test_a_doi_is_the_same_work_in_a_field_of_its_own_and_in_words(given: str, value: str) -> None:
    assert {entry.work for cited in (given, {"doi": given}) for entry in cited_entries(cited)} == {
        CitedWork("doi", value)
    }


@pytest.mark.parametrize(
    "given",
    ["", "0", "123456789", -1, 1.5, True, None, [], {}, {"isbn": "1"}, {"doi": 12}, "Roe 2020", "ftp://x", "10.1/x",
     "javascript:alert(1)", "PMC", "https://", "doi:"],
)  # fmt: skip
def test_what_names_no_work_is_refused(given: object) -> None:
    with pytest.raises(InvalidValue):
        cited_work(given)


@pytest.mark.parametrize(
    ("text", "work"),
    [
        ("1. Roe J. Sleep. 2020;1(2):3-4. doi: 10.1000/X.1. PMID: 77.", CitedWork("pmid", "77")),
        ("Roe J. (doi:10.1000/x.1).", CitedWork("doi", "10.1000/x.1")),
        ("Roe J. Available at https://example.org/x.", CitedWork("url", "https://example.org/x")),
        ("1. Roe J. Sleep. PubMed ID: 77.", CitedWork("pmid", "77")),
        ("1. PubMed 77", CitedWork("pmid", "77")),
        ("Roe J. A chapter. NBK430685.", CitedWork("nbk", "NBK430685")),
        ("Roe J. A draft. arXiv:2001.01234", CitedWork("doi", "10.48550/arxiv.2001.01234")),
        ("Roe J. A book. 2001.", None),
    ],
)
def test_a_citation_in_words_is_known_by_its_identifier(text: str, work: CitedWork | None) -> None:
    (entry,) = cited_entries(text)
    assert entry.work == (work or CitedWork("text", text))
    assert names_work(text) is (work is not None)


def test_a_lone_number_is_no_unmistakable_reference() -> None:
    assert is_bare("PMID: 12") and is_bare("* pubmed.ncbi.nlm.nih.gov/12/")
    assert not is_bare("12") and not is_bare("see PMID: 12")


def test_a_work_cited_twice_stands_once_and_keeps_its_place() -> None:
    a, b = CitedWork("pmid", "1"), CitedWork("pmid", "2")
    assert joined([Entry(a), Entry(b), Entry(a), Entry(b)]) == ((Entry(a), Entry(b)), (1, 2, 1, 2))


def test_references_in_words_below_a_heading_are_read_where_no_field_gives_them() -> None:
    body = "Text [1].\n\n## References\n\n1. Roe J. PMID: 9.\n"
    article = read_article(f"# T\n\n{body}".encode(), name="a.md")
    assert article.references == (CitedWork("pmid", "9"),)
    assert article.sections == ()


def test_more_than_a_thousand_references_are_refused() -> None:
    data = "---\ntitle: T\nreferences: [" + ", ".join(str(n) for n in range(1, 1002)) + "]\n---\nBody.\n"
    with pytest.raises(InvalidArticle) as caught:
        read_article(data.encode(), name="a.md")
    assert (caught.value.code, caught.value.line) == ("too-many-references", 3)
    assert len(read_article(data.replace(", 1001", "").encode(), name="a.md").references) == 1000
