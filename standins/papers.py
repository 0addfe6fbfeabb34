"""Convert bibliographic facts to PubMed XML, following NCBI's DTD of 2025.

`papers.json` contains facts about real papers (no abstracts). `invented` makes records that are marked as invented, for
tests that only need a PMID to exist.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import msgspec

PAPERS = Path(__file__).with_name("papers.json")

_DOCTYPE = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n'
)
_TYPE_UIS = {
    "Case Reports": "D002363",
    "Clinical Trial": "D016430",
    "Corrected and Republished Article": "D016439",
    "Editorial": "D016421",
    "Expression of Concern": "D000075742",
    "Journal Article": "D016428",
    "Letter": "D016422",
    "Practice Guideline": "D017065",
    "Preprint": "D000076942",
    "Published Erratum": "D016425",
    "Randomized Controlled Trial": "D016449",
    "Research Support, Non-U.S. Gov't": "D013485",
    "Retracted Publication": "D016441",
    "Retraction Notice": "D016440",
    "Review": "D016454",
}


class Author(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person, or a group with a `collective` name."""

    last: str = ""
    fore: str = ""
    initials: str = ""
    suffix: str = ""
    collective: str = ""


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`kind` is a RefType of the DTD: "RetractionIn"."""

    kind: str
    source: str
    pmid: str = ""


class Paper(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The facts of a record. `title` is XML text with i, b, u, sub and sup; `book` makes it a Bookshelf chapter."""

    pmid: str
    title: str
    authors: tuple[Author, ...] = ()
    authors_complete: bool = True
    journal: str = ""
    abbreviation: str = ""
    issn: str = ""
    year: str = ""
    month: str = ""
    day: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    doi: str = ""
    pmcid: str = ""
    language: str = "eng"
    vernacular: str = ""
    types: tuple[str, ...] = ("Journal Article",)
    corrections: tuple[Correction, ...] = ()
    book: str = ""
    publisher: str = ""
    cites: tuple[str, ...] = ()  # DOIs in its reference list


def load_papers(path: Path = PAPERS) -> list[Paper]:
    """Load papers from a JSON file. Raises msgspec.ValidationError with the path of the mistake."""
    return msgspec.json.decode(path.read_bytes(), type=list[Paper])


def invented(pmid: str) -> Paper:
    """Return a deterministic record that no reader can mistake for a real one. It cites DOIs, as a trap for parsers."""
    return Paper(
        pmid=pmid,
        title=f"Stand-in record for PMID {pmid}.",
        authors=(Author(last="Standin", fore="Not Areal", initials="NA"), Author(collective="No Such Study Group")),
        journal="Journal of stand-in records",
        abbreviation="J Standin Rec",
        year="2001",
        month="Feb",
        day="3",
        volume="1",
        issue="2",
        pages=f"{pmid[-3:]}-{int(pmid[-3:]) + 9}",
        doi=f"10.5555/standin.{pmid}",
        cites=("10.5555/of-another-paper",),
    )


def record_set(records: list[str]) -> bytes:
    """Return a complete answer of efetch."""
    return f"{_DOCTYPE}<PubmedArticleSet>\n{''.join(records)}</PubmedArticleSet>\n".encode()


def paper_xml(paper: Paper) -> str:
    return _book_xml(paper) if paper.book else _article_xml(paper)


def _tag(name: str, text: str, **attributes: str) -> str:
    """Return an element with escaped text, or "" if there is no text."""
    written = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{escape(text)}</{name}>" if text else ""


def _article_xml(paper: Paper) -> str:
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM">{_pmid(paper.pmid)}<Article PubModel="Print">'
        f'<Journal>{_tag("ISSN", paper.issn, IssnType="Print")}<JournalIssue CitedMedium="Print">'
        f"{_tag('Volume', paper.volume)}{_tag('Issue', paper.issue)}{_pub_date(paper)}</JournalIssue>"
        f"{_tag('Title', paper.journal)}{_tag('ISOAbbreviation', paper.abbreviation)}</Journal>"
        f"<ArticleTitle>{paper.title}</ArticleTitle>{_pagination(paper.pages)}"
        f"{_tag('ELocationID', paper.doi, EIdType='doi', ValidYN='Y')}{_author_list(paper)}"
        f"{_tag('Language', paper.language)}"
        f"<PublicationTypeList>{''.join(map(_type, paper.types))}</PublicationTypeList>"
        f"{_tag('VernacularTitle', paper.vernacular)}</Article>"
        f"<MedlineJournalInfo>{_tag('MedlineTA', paper.abbreviation)}</MedlineJournalInfo>{_corrections(paper)}"
        f"</MedlineCitation><PubmedData><PublicationStatus>ppublish</PublicationStatus>{_ids(paper)}{_cites(paper)}"
        "</PubmedData></PubmedArticle>\n"
    )


def _book_xml(paper: Paper) -> str:
    return (
        f"<PubmedBookArticle><BookDocument>{_pmid(paper.pmid)}<ArticleIdList/><Book><Publisher>"
        f"{_tag('PublisherName', paper.publisher)}</Publisher><BookTitle>{paper.book}</BookTitle>{_pub_date(paper)}"
        f"</Book><ArticleTitle>{paper.title}</ArticleTitle>{_tag('Language', paper.language)}{_author_list(paper)}"
        f"{''.join(map(_type, paper.types))}</BookDocument><PubmedBookData>"
        f"<PublicationStatus>ppublish</PublicationStatus>{_ids(paper)}</PubmedBookData></PubmedBookArticle>\n"
    )


def _pmid(pmid: str) -> str:
    return _tag("PMID", pmid, Version="1")


def _pub_date(paper: Paper) -> str:
    date = _tag("Year", paper.year) + _tag("Month", paper.month) + _tag("Day", paper.day)
    return f"<PubDate>{date}</PubDate>"


def _pagination(pages: str) -> str:
    if not pages:
        return ""
    start = re.split(r"[-,;]", pages, maxsplit=1)[0]
    return f"<Pagination>{_tag('StartPage', start)}{_tag('MedlinePgn', pages)}</Pagination>"


def _author_list(paper: Paper) -> str:
    complete = "Y" if paper.authors_complete else "N"
    people = "".join(map(_author, paper.authors))
    kind = ' Type="authors"' if paper.book else ""
    return f'<AuthorList{kind} CompleteYN="{complete}">{people}</AuthorList>' if people else ""


def _author(author: Author) -> str:
    names = (
        _tag("CollectiveName", author.collective)
        or _tag("LastName", author.last) + _tag("ForeName", author.fore) + _tag("Initials", author.initials)
    ) + _tag("Suffix", author.suffix)
    return f'<Author ValidYN="Y">{names}</Author>'


def _type(name: str) -> str:
    return _tag("PublicationType", name, UI=_TYPE_UIS.get(name, ""))


def _corrections(paper: Paper) -> str:
    if not paper.corrections:
        return ""
    return f"<CommentsCorrectionsList>{''.join(map(correction_xml, paper.corrections))}</CommentsCorrectionsList>"


def correction_xml(correction: Correction) -> str:
    number = _pmid(correction.pmid) if correction.pmid else ""
    kind = quoteattr(correction.kind)
    return f"<CommentsCorrections RefType={kind}>{_tag('RefSource', correction.source)}{number}</CommentsCorrections>"


def _ids(paper: Paper) -> str:
    ids = (("pubmed", paper.pmid), ("doi", paper.doi), ("pmc", paper.pmcid))
    return f"<ArticleIdList>{''.join(_tag('ArticleId', text, IdType=kind) for kind, text in ids)}</ArticleIdList>"


def _cites(paper: Paper) -> str:
    cited = "".join(
        f"<Reference><Citation>Another paper.</Citation><ArticleIdList>{_tag('ArticleId', doi, IdType='doi')}"
        "</ArticleIdList></Reference>"
        for doi in paper.cites
    )
    return f"<ReferenceList>{cited}</ReferenceList>" if cited else ""
