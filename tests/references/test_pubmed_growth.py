"""Reading PubMed's XML costs in proportion to its size, whatever it is made of."""

from __future__ import annotations

import contextlib

import pytest
from growing import growth

from pipeline.errors import TransientError
from pipeline.references.pubmed.pubmed_xml import parse_pubmed

UNITS = {
    "ArticleTitle": ["<i>a</i>", "a ", "&lt;", "<sup>1</sup>", "[a", "a. ", "<b><i>a</i></b>", "(", "-", "&#160;"],
    "AuthorList": ["<Author><LastName>A</LastName></Author>", "<Author/>", "<Author><CollectiveName/></Author>"],
    "PublicationTypeList": ['<PublicationType UI="D016441">a</PublicationType>'],
    "Pagination": ["<MedlinePgn>1-9</MedlinePgn>", "<StartPage>1</StartPage>"],
}  # fmt: skip


@pytest.mark.parametrize(("tag", "unit"), [(tag, unit) for tag, units in UNITS.items() for unit in units])
def test_a_record_costs_in_proportion_to_its_size(tag: str, unit: str) -> None:
    def read(size: int) -> None:
        filled = f"<{tag}>{unit * (size // len(unit))}</{tag}>"
        citation = f"<MedlineCitation><PMID>1</PMID><Article>{filled}</Article></MedlineCitation>"
        with contextlib.suppress(TransientError):
            parse_pubmed(f"<PubmedArticleSet><PubmedArticle>{citation}</PubmedArticle></PubmedArticleSet>".encode())

    assert growth(read) is None


@pytest.mark.parametrize(
    "unit", ["<PubmedArticle/>", "<a>", "<!-- a -->", "<?a?>", "&amp;", "<![CDATA[a]]>", "<a b='c'/>"]
)
def test_a_set_costs_in_proportion_to_its_size(unit: str) -> None:
    def read(size: int) -> None:
        with contextlib.suppress(TransientError):
            parse_pubmed(f"<PubmedArticleSet>{unit * (size // len(unit))}</PubmedArticleSet>".encode())

    assert growth(read) is None
