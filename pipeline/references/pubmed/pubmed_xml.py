"""Parse PubMed XML, as efetch returns it, into `Reference`. Pure.

No real record is refused: one that cannot be read completely still gives a reference with what it has.
Source: the PubMed DTD (pubmed_250101.dtd) and NLM's descriptions of its elements; records since 2009 are understood.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from pipeline.model.reference import Reference
from pipeline.references.pubmed import status
from pipeline.references.pubmed.authors import authors, in_small_letters, is_complete
from pipeline.references.pubmed.books import read_book
from pipeline.references.pubmed.children import Children, child
from pipeline.references.pubmed.dates import partial_date
from pipeline.references.pubmed.hardened import parse_xml, unreadable
from pipeline.references.pubmed.identifiers import article_number, own_doi, own_ids, own_pmcid
from pipeline.references.pubmed.text import flat, plain
from pipeline.references.pubmed.titles import read_title

_SETS = frozenset({"PubmedArticleSet", "PubmedBookArticleSet", "MedlineCitationSet"})
_RECORDS = frozenset({"PubmedArticle", "PubmedBookArticle", "MedlineCitation"})


def parse_pubmed(xml: bytes) -> dict[str, Reference]:
    """Return the records of a set, or the single record, by PMID; of several versions of one PMID, the newest.

    Raises TransientError (code `unreadable-xml`) for anything that is not such a document: one that was cut short, an
    error page, an XML bomb. A record without a PMID of its own cannot be requested and is left out.
    """
    newest: dict[str, tuple[int, Reference]] = {}
    for record in _records(parse_xml(xml)):
        parts = Children(record)
        citation = record if record.tag == "MedlineCitation" else parts.first("MedlineCitation")
        holder = Children(parts.first("BookDocument") if citation is None else citation)
        number = holder.first("PMID")
        pmid = flat(number.text) if number is not None else ""
        if number is None or not (pmid.isascii() and pmid.isdigit()):
            continue
        version = _version(number)
        if pmid not in newest or newest[pmid][0] < version:
            data = parts.first("PubmedData")
            reference = read_book(record, pmid) if citation is None else _read_article(holder, data, pmid)
            newest[pmid] = (version, reference)
    return {pmid: reference for pmid, (_, reference) in newest.items()}


def _version(number: etree._Element) -> int:
    version = number.get("Version", "1")
    return int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 1


def _records(root: etree._Element) -> Iterator[etree._Element]:
    if root.tag in _RECORDS:
        yield root
    elif root.tag in _SETS:
        yield from root.iterchildren(*_RECORDS)
    else:
        raise unreadable(f"its root is {str(root.tag)[:60]!r}")


def _read_article(cited: Children, data: etree._Element | None, pmid: str) -> Reference:
    article = Children(cited.first("Article"))
    journal = Children(article.first("Journal"))
    issue = Children(journal.first("JournalIssue"))
    languages = tuple([language for one in article.every("Language") if (language := flat(one.text).lower())])
    vernacular = plain(article.first("VernacularTitle"))
    title = read_title(article.first("ArticleTitle"), languages, vernacular=vernacular)
    in_capitals = cited.attribute("Status") == "OLDMEDLINE" or title.text.isupper()
    types = status.publication_types(article.first("PublicationTypeList"))
    writers = article.first("AuthorList")
    notices = status.notices(cited.first("CommentsCorrectionsList"))
    ids = own_ids(() if data is None else data.iterchildren("ArticleIdList"))
    return Reference(
        pmid=pmid,
        title=title.text,
        title_html=title.html,
        translated=title.translated,
        vernacular_title=vernacular or None,
        authors=in_small_letters(authors(writers)) if in_capitals else authors(writers),
        authors_complete=is_complete(writers),
        journal=journal.text("Title"),
        journal_abbreviation=_abbreviation(cited.first("MedlineJournalInfo"), journal),
        issn=journal.text("ISSN"),
        date=partial_date(issue.first("PubDate")),
        electronic_date=partial_date(article.first("ArticleDate")),
        volume=issue.text("Volume"),
        issue=issue.text("Issue"),
        pages=_pages(article.first("Pagination")) or article_number(article.every("ELocationID")),
        doi=own_doi(ids, article.every("ELocationID")),
        pmcid=own_pmcid(ids),
        languages=languages,
        types=tuple([name for _, name in types if name]),
        editorial=status.editorial(types, notices, title.text),
        notices=notices,
    )


def _abbreviation(medline: etree._Element | None, journal: Children) -> str | None:
    """Return the journal's abbreviated title.

    NLM's title abbreviation has no full stops; the ISO one of older records has: "J. Biol. Chem.".
    """
    iso = journal.text("ISOAbbreviation")
    return plain(child(medline, "MedlineTA")) or (iso.replace(".", "") if iso else None)


def _pages(pagination: etree._Element | None) -> str | None:
    parts = Children(pagination)
    if medline := parts.text("MedlinePgn"):
        return medline
    return "-".join(page for tag in ("StartPage", "EndPage") if (page := parts.text(tag))) or None
