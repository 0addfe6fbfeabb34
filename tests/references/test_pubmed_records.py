"""Every record at hand, invented and real, against an independent reading by xml.etree.

The invented ones are the project's own: each has a trait that real ones have. The real ones are read where they lie.
"""

from __future__ import annotations

import pathlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import pytest
from judges.presence import missing

from pipeline.citations import citation_csl, citation_html, citation_text
from pipeline.citations.parts import title_text
from pipeline.citations.spans import is_safe_markup
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, Reference
from pipeline.references.pubmed.pubmed_xml import parse_pubmed

REAL = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "pubmed"
INVENTED = pathlib.Path(__file__).parent / "records"
Record = tuple[str, ET.Element, Reference]
Records = tuple[Record, ...]
Articles = list[tuple[ET.Element, Reference]]


@dataclass(frozen=True)
class Sample:
    """A folder of records, and what is known of them without reading them."""

    folder: pathlib.Path
    records: int
    titles_with_markup: int  # at least
    superseded_authors: int
    without_pagination: list[str | None]  # what is shown in its place: an article number, or nothing


SAMPLES = {
    "invented": Sample(INVENTED, 60, 5, 1, ["e1023"]),
    "real": Sample(REAL, 845, 41, 5, [None, "20200021"]),
}


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    found = SAMPLES[request.param]
    if not found.folder.is_dir():
        missing("the folder of real PubMed records", "it belongs beside the checkout, in shared/data/pubmed")
    return found


@pytest.fixture
def records(sample: Sample) -> tuple[Record, ...]:
    return read_records(sample.folder)


@pytest.fixture
def articles(records: tuple[Record, ...]) -> list[tuple[ET.Element, Reference]]:
    return [
        (article, reference)
        for _, record, reference in records
        if (article := holder(record).find("Article")) is not None
    ]


def documents(folder: pathlib.Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.xml")):
        if re.search(
            rb"<(PubmedArticleSet|PubmedArticle|PubmedBookArticle|MedlineCitationSet)\b", body := path.read_bytes()
        ):
            yield path.name, body


@cache
def read_records(folder: pathlib.Path) -> tuple[Record, ...]:
    found = []
    for name, body in documents(folder):
        references = parse_pubmed(body)
        root = ET.fromstring(body)  # noqa: S314 (our own sample files)
        numbered = [(pmid_of(one), one) for one in tops(root) if pmid_of(one)]
        assert set(references) == {pmid for pmid, _ in numbered}, f"{name}: a record was refused"
        found += [(name, element, references[pmid]) for pmid, element in numbered]
    return tuple(found)


def tops(root: ET.Element) -> list[ET.Element]:
    """`DeleteCitation` is left out: it only lists deleted PMIDs."""
    kinds = ("PubmedArticle", "PubmedBookArticle", "MedlineCitation")
    return [root] if root.tag in kinds else [one for one in root if one.tag in kinds]


def holder(record: ET.Element) -> ET.Element:
    for name in ("MedlineCitation", "BookDocument"):
        if (found := record.find(name)) is not None:
            return found
    return record


def pmid_of(record: ET.Element) -> str:
    return (holder(record).findtext("PMID") or "").strip()


def words(element: ET.Element | None) -> str:
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def test_no_record_is_refused(records: Records, sample: Sample) -> None:
    assert len({reference.pmid for _, _, reference in records}) == sample.records


def test_every_title_is_whole(articles: Articles) -> None:
    for article, reference in articles:
        title = words(article.find("ArticleTitle"))
        if reference.translated:
            assert title in (f"[{reference.title}]", f"[{reference.title.removesuffix('.')}].")
        else:
            assert " ".join(reference.title.split()) == title


def test_a_title_with_markup_says_the_same_words_in_html(records: Records, sample: Sample) -> None:
    marked = [reference for _, _, reference in records if reference.title_html]
    assert len(marked) >= sample.titles_with_markup
    for reference in marked:
        assert reference.title_html is not None
        assert is_safe_markup(reference.title_html)
        assert html_words(reference.title_html) == reference.title


def html_words(markup: str) -> str:
    text = re.sub(r"</?(?:i|b|u|sub|sup)>", "", markup)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_every_doi_is_the_papers_own(records: Records) -> None:
    for _, record, reference in records:
        listed = record.find("PubmedData/ArticleIdList") if record.tag == "PubmedArticle" else None
        own = {words(one).lower() for one in listed or () if one.get("IdType") == "doi"} | {
            words(one).lower() for one in holder(record).iterfind("Article/ELocationID[@EIdType='doi']")
        }
        assert (reference.doi in own) if own else (reference.doi is None)


def test_every_author_stands_in_order_without_the_superseded_ones(articles: Articles, sample: Sample) -> None:
    superseded = 0
    for article, reference in articles:
        listed = article.findall("AuthorList/Author")
        kept = [one for one in listed if one.get("ValidYN") != "N"]
        superseded += len(listed) - len(kept)
        names = [words(one.find("LastName")) or words(one.find("CollectiveName")) for one in kept]
        shown = [author.last or author.collective or "" for author in reference.authors]
        capitals = bool(names) and "".join(names).isupper()  # as OLDMEDLINE has them, which is not how they are shown
        assert ([name.upper() for name in shown] if capitals else shown) == names
    assert superseded == sample.superseded_authors


def test_dates_are_as_precise_as_given(articles: Articles) -> None:
    for article, reference in articles:
        given = article.find("Journal/JournalIssue/PubDate")
        if given is None:
            continue
        assert reference.date is not None
        assert (reference.date.text or "") == words(given.find("MedlineDate"))
        if not reference.date.text:
            assert str(reference.date.year or "") == words(given.find("Year"))
        assert (reference.date.month is not None) == (given.find("Month") is not None)
        assert (reference.date.day is not None) == (given.find("Day") is not None)
        assert (reference.date.season or "") == words(given.find("Season"))


def test_journal_volume_issue_pages_and_languages_are_as_given(articles: Articles) -> None:
    for article, reference in articles:
        journal = article.find("Journal")
        assert (reference.journal or "") == words(journal.find("Title") if journal is not None else None)
        assert (reference.volume or "") == words(article.find("Journal/JournalIssue/Volume"))
        assert (reference.issue or "") == words(article.find("Journal/JournalIssue/Issue"))
        pages = words(article.find("Pagination/MedlinePgn"))
        numbers = [words(one) for one in article.findall("ELocationID[@EIdType='pii']")]
        assert (reference.pages or "") == pages or (not pages and reference.pages in numbers)
        assert [code.lower() for code in map(words, article.findall("Language"))] == list(reference.languages)
        assert [words(one) for one in article.findall("PublicationTypeList/PublicationType")] == list(reference.types)
        assert "." not in (reference.journal_abbreviation or "")


def test_every_pmcid_is_the_papers_own(records: Records) -> None:
    for _, record, reference in records:
        own = [words(one) for one in record.findall("PubmedData/ArticleIdList/ArticleId[@IdType='pmc']")]
        assert ([reference.pmcid] if reference.pmcid else []) == own


def test_every_record_can_be_cited_in_every_style(records: Records) -> None:
    for _, _, reference in records:
        cited = CitedReference(1, CitedWork("pmid", reference.pmid), "resolved", reference)
        for style in ("ama", "vancouver"):
            text = citation_text(cited, style=style)
            assert f"PMID: {reference.pmid}" in text
            assert not re.search(
                r"\s\s|\.\.(?!\.)|\s[.,;:](?=\s)|None|\[\]", text.replace(title_text(reference).removesuffix("."), "T")
            ), text
            assert f'href="https://pubmed.ncbi.nlm.nih.gov/{reference.pmid}/"' in citation_html(cited, style=style)
        assert citation_csl(reference)["PMID"] == reference.pmid


EDGE_CASES = {
    "type:Retracted Publication": "retracted",
    "ref:RetractionIn": "retracted",
    "ref:ErratumIn": "erratum",
    "ref:CorrectedandRepublishedIn": "corrected-republished",
    "ref:RetractedandRepublishedIn": "retracted-republished",
    "ref:UpdateIn": "updated",
}
IN_GOOD_STANDING = (
    "type:Retraction of Publication",
    "type:Published Erratum",
    "ref:RetractionOf",
    "ref:ErratumFor",
    "ref:CorrectedandRepublishedFrom",
    "ref:RetractedandRepublishedFrom",
)


def examples(sample: Sample, feature: str) -> list[Reference]:
    """EDGE_CASES.tsv: a feature, and where it is found: `pmid@file; …`."""
    rows = dict(line.split("\t", 1) for line in (sample.folder / "EDGE_CASES.tsv").read_text("utf-8").splitlines())
    places = [place.split("@") for place in rows[feature].split("; ")]
    return [parse_pubmed((sample.folder / file).read_bytes())[pmid] for pmid, file in places]


@pytest.mark.parametrize("feature", EDGE_CASES)
def test_what_was_done_to_a_paper_is_its_status(feature: str, sample: Sample) -> None:
    assert all(EDGE_CASES[feature] in reference.editorial for reference in examples(sample, feature))


@pytest.mark.parametrize("feature", IN_GOOD_STANDING)
def test_a_notice_and_a_replacement_are_never_marked_as_retracted(feature: str, sample: Sample) -> None:
    assert not any(reference.retracted for reference in examples(sample, feature))


def test_other_edge_cases_are_read(sample: Sample) -> None:
    assert all(reference.authors == () for reference in examples(sample, "no-author-list"))
    assert all(not reference.authors_complete for reference in examples(sample, "authorlist-incomplete"))
    assert all(any(author.suffix for author in reference.authors) for reference in examples(sample, "author-suffix"))
    by_groups = examples(sample, "collective-author")
    assert all(any(author.collective for author in reference.authors) for reference in by_groups)
    assert all(
        any(re.fullmatch(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", author.orcid or "") for author in reference.authors)
        for feature in ("orcid-bare", "orcid-url")
        for reference in examples(sample, feature)
    )
    assert all(reference.translated for reference in examples(sample, "title-bracketed-translated"))
    assert all(reference.vernacular_title for reference in examples(sample, "vernacular-title"))
    assert all(reference.doi is None for reference in examples(sample, "no-doi"))
    assert all(reference.doi for reference in examples(sample, "doi-only-in-ArticleIdList"))
    assert all(reference.issn is None for reference in examples(sample, "no-issn"))
    assert [reference.pages for reference in examples(sample, "no-pagination")] == sample.without_pagination
    assert all(notice.pmid is None for one in examples(sample, "correction-without-pmid") for notice in one.notices)
