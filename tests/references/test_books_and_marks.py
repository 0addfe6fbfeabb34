"""Books and living documents, article numbers, titles that say what was done, and old records."""

from __future__ import annotations

import datetime as dt
import pathlib

import pytest
from judges.presence import missing

from pipeline.citations import citation_text
from pipeline.citations.pages import full_pages, short_pages
from pipeline.model.article import CitedWork
from pipeline.model.policy import Gate
from pipeline.model.reference import CitedReference, PartialDate, Reference
from pipeline.references.pubmed.pubmed_xml import parse_pubmed
from pipeline.stages.render.gate import refusal

GENEREVIEWS = (
    pathlib.Path(__file__).resolve().parents[3]
    / "shared"
    / "data"
    / "pubmed"
    / "metapub+metapub"
    / "sample_article_20301577.xml"
)
CHAPTER = """<PubmedArticleSet><PubmedBookArticle><BookDocument><PMID>7</PMID><ArticleIdList>
<ArticleId IdType="bookaccession">NBK1403</ArticleId></ArticleIdList><Book><Publisher>
<PublisherName>StatPearls</PublisherName>
<PublisherLocation>Treasure Island (FL)</PublisherLocation></Publisher>
<BookTitle>StatPearls</BookTitle><PubDate><Year>1993</Year></PubDate>
<AuthorList Type="editors"><Author><LastName>Adam</LastName><Initials>MP</Initials></Author><Author>
<LastName>Roe</LastName><Initials>K</Initials></Author></AuthorList></Book>
<LocationLabel Type="chapter">Chapter 4</LocationLabel>
<ArticleTitle>Baclofen.</ArticleTitle>
<AuthorList Type="authors"><Author><LastName>Poe</LastName><Initials>J</Initials></Author>
</AuthorList><ContributionDate><Year>2006</Year></ContributionDate>
<DateRevised><Year>2025</Year><Month>12</Month><Day>3</Day>
</DateRevised></BookDocument></PubmedBookArticle></PubmedArticleSet>"""


def article(inside: str = "", *, title: str = "A trial.", status: str = "MEDLINE", ids: str = "") -> Reference:
    xml = (
        f'<PubmedArticleSet><PubmedArticle><MedlineCitation Status="{status}"><PMID>7</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle>{inside}<Language>eng</Language></Article></MedlineCitation>"
        f"<PubmedData><ArticleIdList>{ids}</ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>"
    )
    return parse_pubmed(xml.encode())["7"]


def test_a_chapter_has_editors_a_place_its_number_and_the_date_of_its_revision() -> None:
    chapter = parse_pubmed(CHAPTER.encode())["7"]
    assert [one.last for one in chapter.editors] == ["Adam", "Roe"]
    assert (chapter.place, chapter.chapter, chapter.bookshelf) == ("Treasure Island (FL)", "Chapter 4", "NBK1403")
    assert chapter.revised == PartialDate(year=2025, month=12, day=3)


def test_both_styles_cite_a_living_chapter() -> None:
    cited = CitedReference(1, CitedWork("pmid", "7"), "resolved", parse_pubmed(CHAPTER.encode())["7"])
    assert citation_text(cited) == (
        "Poe J. Baclofen. In: Adam MP, Roe K, eds. StatPearls. StatPearls; 1993. Updated December 3, 2025. PMID: 7"
    )
    assert "In: Adam MP, Roe K, editors. StatPearls. Treasure Island (FL): StatPearls; 1993 [updated 2025 Dec 3]." in (
        citation_text(cited, style="vancouver")
    )


def test_the_age_of_a_living_document_is_that_of_its_revision() -> None:
    cited = CitedReference(1, CitedWork("pmid", "7"), "resolved", parse_pubmed(CHAPTER.encode())["7"])
    gate = Gate(newest_within_years=2)
    assert refusal(gate, [cited], on=dt.date(2026, 3, 1)) is None
    assert refusal(gate, [cited], on=dt.date(2030, 3, 1)) is not None


def test_a_chapter_of_genereviews_is_read() -> None:
    if not GENEREVIEWS.exists():
        missing("PubMed's record of a chapter of GeneReviews", ".ci/run brings it with it")
    chapter = parse_pubmed(GENEREVIEWS.read_bytes())["20301577"]
    assert (chapter.bookshelf, chapter.place) == ("NBK1403", "Seattle (WA)")
    assert chapter.editors[0].last == "Adam"
    assert chapter.revised is not None and chapter.revised.year == 2024


@pytest.mark.parametrize("pii", ["e154225", "20200021", "448", "BSR20182466", "e01408-19"])
def test_an_article_number_that_only_its_location_gives_is_shown(pii: str) -> None:
    assert article(f'<ELocationID EIdType="pii" ValidYN="Y">{pii}</ELocationID>').pages == pii


@pytest.mark.parametrize("pii", ["S0278-2391(17)30627-4", "0140-6736(97)11096-0", "S2213260020300014"])
def test_a_publishers_number_of_a_manuscript_is_no_page(pii: str) -> None:
    assert article(f'<ELocationID EIdType="pii" ValidYN="Y">{pii}</ELocationID>').pages is None


def test_pages_win_over_an_article_number() -> None:
    both = '<Pagination><MedlinePgn>1-9</MedlinePgn></Pagination><ELocationID EIdType="pii">e12</ELocationID>'
    assert article(both).pages == "1-9"


@pytest.mark.parametrize(
    ("title", "state"),
    [
        ("WITHDRAWN: Baclofen for spasticity.", "withdrawn"),
        ("REMOVED: Baclofen for spasticity.", "withdrawn"),
        ("RETRACTED: Baclofen for spasticity.", "retracted"),
        ("RETRACTED ARTICLE: Baclofen.", "retracted"),
    ],
)
def test_a_title_may_say_what_was_done_to_the_paper(title: str, state: str) -> None:
    assert article(title=title).editorial == (state,)


@pytest.mark.parametrize("title", ["Retracted claims: a review.", "Withdrawn: on leaving society.", "Removed teeth."])
def test_a_title_about_withdrawals_says_nothing_of_the_paper(title: str) -> None:
    assert article(title=title).editorial == ()


def test_a_doi_that_was_escaped_twice_is_the_doi() -> None:
    ids = '<ArticleId IdType="doi">10.1002/1097(2000)1:2&amp;lt;3::AID&amp;gt;3.0</ArticleId>'
    assert article(ids=ids).doi == "10.1002/1097(2000)1:2<3::aid>3.0"


def test_page_numbers_with_hyphens_in_them_are_left_alone() -> None:
    assert full_pages("S9-63-S9-69") == short_pages("S9-63-S9-69") == "S9-63-S9-69"
    assert full_pages("S93-9, 284-7") == "S93-S99, 284-287"


def test_authors_in_capitals_are_written_as_names_in_old_records_only() -> None:
    names = ("O'BRIEN", "MCDONALD")
    people = "".join(f"<Author><LastName>{name}</LastName></Author>" for name in names)
    people = f"<AuthorList>{people}</AuthorList>"
    assert [one.last for one in article(people, status="OLDMEDLINE").authors] == ["O'Brien", "McDonald"]
    assert [one.last for one in article(people).authors] == ["O'BRIEN", "MCDONALD"]
    promoted = article(people, title="SEROTONIN IN THE PLACENTA.")  # its status has changed, its capitals have not
    assert [one.last for one in promoted.authors] == ["O'Brien", "McDonald"]
    mixed = people.replace("O'BRIEN", "Koren").replace("MCDONALD", "LI")
    assert [one.last for one in article(mixed, title="NEW MDS.").authors] == ["Koren", "LI"]
