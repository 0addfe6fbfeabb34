"""PubmedBookArticle: a book, or a chapter of one, on NCBI's Bookshelf."""

from __future__ import annotations

from lxml import etree

from pipeline.model.reference import Author, Reference
from pipeline.references.pubmed import status
from pipeline.references.pubmed.authors import authors, is_complete
from pipeline.references.pubmed.children import Children, child
from pipeline.references.pubmed.dates import partial_date
from pipeline.references.pubmed.identifiers import own_bookshelf_id, own_doi, own_ids, own_pmcid
from pipeline.references.pubmed.text import flat, marked_up, plain
from pipeline.references.pubmed.titles import Title, read_title


def read_book(record: etree._Element, pmid: str) -> Reference:
    """Read a book or chapter. The title of a whole book is its book title.

    A chapter's `electronic_date` is the day that it was contributed.
    """
    document = Children(child(record, "BookDocument"))
    book = Children(document.first("Book"))
    languages = tuple(language for one in document.every("Language") if (language := flat(one.text).lower()))
    vernacular = plain(document.first("VernacularTitle"))
    book_title = book.first("BookTitle")
    title = read_title(document.first("ArticleTitle"), languages, vernacular=vernacular)
    whole = not title.text
    if whole:
        title = Title(plain(book_title), marked_up(book_title))
    writers = _writers(document) or _writers(book)
    types = status.publication_types(child(record, "BookDocument"))
    data = Children(child(record, "PubmedBookData"))
    ids = own_ids((*document.every("ArticleIdList"), *data.every("ArticleIdList")))
    return Reference(
        pmid=pmid,
        title=title.text,
        title_html=title.html,
        translated=title.translated,
        vernacular_title=vernacular or None,
        authors=authors(writers[0]) if writers else (),
        authors_complete=is_complete(writers[0]) if writers else True,
        publisher=Children(book.first("Publisher")).text("PublisherName"),
        place=Children(book.first("Publisher")).text("PublisherLocation"),
        editors=_editors(document, book),
        chapter=next((plain(one) for one in document.every("LocationLabel") if one.get("Type") == "chapter"), None),
        book_title=book.text("BookTitle"),
        date=partial_date(book.first("PubDate")),
        electronic_date=partial_date(document.first("ContributionDate")),
        revised=partial_date(document.first("DateRevised")),
        volume=book.text("Volume"),
        pages=Children(document.first("Pagination")).text("MedlinePgn"),
        doi=own_doi(ids, book.every("ELocationID") if whole else ()),
        pmcid=own_pmcid(ids),
        bookshelf=own_bookshelf_id(ids),
        languages=languages,
        types=tuple(name for _, name in types if name),
        editorial=status.editorial(types, (), title.text),
    )


def _editors(document: Children, book: Children) -> tuple[Author, ...]:
    lists = (one for holder in (book, document) for one in holder.every("AuthorList") if one.get("Type") == "editors")
    return authors(next(lists, None))


def _writers(holder: Children) -> list[etree._Element]:
    """Return the lists of authors, without those of editors."""
    return [one for one in holder.every("AuthorList") if one.get("Type") != "editors"]
