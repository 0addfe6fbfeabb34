"""Read a paper's own DOI and PMCID, never those of its reference list."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping

from lxml import etree

from pipeline.references.pubmed.text import flat

_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_ARTICLE_NUMBER = re.compile(r"[A-Za-z]{0,8}[\d.-]*\d{1,9}(?:-\d\d)?")
_PII = re.compile(r"S?\d{4}-\d{3}[\dXx]|S\d{9}|\d{10}")
_PMCID = re.compile(r"PMC\d+", re.IGNORECASE)
_BOOKSHELF = re.compile(r"NBK\d+")


def own_ids(id_lists: Iterable[etree._Element]) -> dict[str, str]:
    """Return the first id of each type in ArticleIdList elements.

    The caller takes these elements from the record's own level.
    """
    ids: dict[str, str] = {}
    for id_list in id_lists:
        for item in id_list.iterchildren("ArticleId"):
            ids.setdefault(item.get("IdType", "pubmed"), flat(item.text))
    return ids


def own_doi(ids: Mapping[str, str], locations: Iterable[etree._Element]) -> str | None:
    """Return the DOI in lower case, from the ids or else from the first valid ELocationID."""
    if found := _DOI.fullmatch(_unescaped(ids.get("doi", ""))):
        return found[1].lower()
    for one in locations:
        if one.get("EIdType") != "doi" or one.get("ValidYN") == "N":
            continue
        if found := _DOI.fullmatch(_unescaped(flat(one.text))):
            return found[1].lower()
    return None


def _unescaped(doi: str) -> str:
    """Undo escapes that NLM applied twice: "10.1002/1097(2000)1:2&lt;3::AID&gt;"."""
    return html.unescape(html.unescape(doi)) if "&" in doi else doi


def article_number(locations: Iterable[etree._Element]) -> str | None:
    """Return the article number, where an electronic journal gives one in place of pages: "e154225".

    The number by which a publisher knows a manuscript (PII, "S0278-2391(17)30627-4") is not one.
    """
    given = (flat(one.text) for one in locations if one.get("EIdType") == "pii" and one.get("ValidYN") != "N")
    return next((one for one in given if _ARTICLE_NUMBER.fullmatch(one) and not _PII.match(one)), None)


def own_pmcid(ids: Mapping[str, str]) -> str | None:
    """Return the PMCID as "PMC" and digits; NLM has also given "pmc-id: PMC123;"."""
    given = ids.get("pmc")
    return found[0].upper() if given and (found := _PMCID.search(given)) else None


def own_bookshelf_id(ids: Mapping[str, str]) -> str | None:
    """Return the accession of a book or chapter on NCBI's Bookshelf: "NBK430685"."""
    given = ids.get("bookaccession", "").upper()
    return given if _BOOKSHELF.fullmatch(given) else None
