"""The records known to a stand-in for NCBI, which can be added, corrected and retracted while it is running."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from pathlib import Path

from lxml import etree

from standins.papers import Correction, Paper, correction_xml, invented, paper_xml

_SEARCHED = ("doi", "pmc", "bookaccession", "pii")
_KINDS = ("PubmedArticle", "PubmedBookArticle")


class Records:
    """XML records by PMID, safe to share between threads. `invent`: unknown PMIDs get an invented record."""

    def __init__(self, papers: Iterable[Paper] = (), *, invent: bool = False) -> None:
        self._lock = threading.RLock()
        self._xml: dict[str, str] = {}
        self._ids: dict[tuple[str, str], str] = {}  # ("doi", "10.1/x") → PMID
        self._invent = invent
        for paper in papers:
            self.add(paper)

    def add(self, paper: Paper) -> None:
        self.add_xml(paper_xml(paper).encode())

    def add_xml(self, xml: bytes) -> None:
        """Add a record, or every record of a set, in PubMed's XML."""
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
        with self._lock:
            for record in root.iter(*_KINDS):
                if pmid := record.findtext("MedlineCitation/PMID") or record.findtext("BookDocument/PMID"):
                    self._xml[pmid] = etree.tostring(record, encoding="unicode", with_tail=False) + "\n"
                    for item in record.iterfind("./*/ArticleIdList/ArticleId"):
                        self._ids[item.get("IdType", ""), (item.text or "").lower()] = pmid

    def add_path(self, path: Path) -> None:
        """Add a file of PubMed XML, or every `.xml` file under a folder."""
        for file in sorted(path.rglob("*.xml")) if path.is_dir() else [path]:
            self.add_xml(file.read_bytes())

    def remove(self, pmid: str) -> None:
        with self._lock:
            self._xml.pop(pmid, None)

    def get(self, pmid: str) -> str | None:
        with self._lock:
            if pmid not in self._xml and self._invent:
                self.add(invented(pmid))
            return self._xml.get(pmid)

    def converted(self, kind: str, value: str) -> dict[str, str] | None:
        """Return all ids of the record with this DOI, PMCID or PMID, if it is in PubMed Central."""
        with self._lock:
            pmid = value if kind == "pmid" else self._ids.get(("pmc" if kind == "pmcid" else kind, value.lower()))
            xml = self.get(pmid) if pmid else None
        if xml is None:
            return None
        items = etree.fromstring(xml).iterfind("./*/ArticleIdList/ArticleId")
        ids = {item.get("IdType", ""): item.text or "" for item in items}
        return ids if ids.get("pmc") else None

    def searched(self, value: str) -> list[str]:
        """Return the PMIDs of records with this DOI, PMCID or Bookshelf id, and of any that differs in punctuation."""
        words = _words(value)
        with self._lock:
            return [pmid for (kind, one), pmid in self._ids.items() if kind in _SEARCHED and _words(one) == words]

    def with_fields(self, asked: Iterable[tuple[str, str]]) -> list[str]:
        """Return the PMIDs of records that have every value in its field: ti, vi, pg, dp (any of several), au, ta."""
        terms = list(asked)
        years = {value for field, value in terms if field == "dp"}
        return [
            pmid
            for pmid, fields in self._fielded().items()
            if all(_has(fields, field, value) for field, value in terms if field != "dp")
            and (not years or years & set(fields["dp"]))
        ]

    def cited_as(self, journal: str, year: str, volume: str, page: str, author: str) -> str:
        """Return what ECitMatch says of a citation: a PMID, or why there is none.

        As there, a citation whose place fits no paper is matched by its author alone.
        """
        given = {name: value for name, value in (("ta", journal), ("dp", year), ("vi", volume), ("pg", page)) if value}
        known = self._fielded()
        if not any(_has(fields, "ta", journal) for fields in known.values()):
            return "NOT_FOUND;INVALID_JOURNAL"
        found = [pmid for pmid, fields in known.items() if all(_has(fields, *one) for one in given.items())]
        found = found or [pmid for pmid, fields in known.items() if author and _has(fields, "au", author)]
        if len(found) == 1:
            return found[0]
        return f"AMBIGUOUS ({len(found)} citations)" if found else "NOT_FOUND"

    def _fielded(self) -> dict[str, dict[str, list[str]]]:
        with self._lock:
            return {pmid: _fields(xml) for pmid, xml in self._xml.items()}

    def correct(self, pmid: str, correction: Correction, *, publication_type: str = "") -> None:
        """Add an editorial notice to a paper's record, as NLM would. Raises KeyError for an unknown PMID."""
        with self._lock:
            xml = self.get(pmid)
            if xml is None:
                raise KeyError(pmid)
            record = etree.fromstring(xml)
            citation = record.find("MedlineCitation")
            if citation is None:
                raise KeyError(f"{pmid} is a book, and records of books have no corrections")
            _within(citation, "CommentsCorrectionsList").append(etree.fromstring(correction_xml(correction)))
            if publication_type:
                types = _within(_within(citation, "Article"), "PublicationTypeList")
                etree.SubElement(types, "PublicationType", UI="").text = publication_type
            self.add_xml(etree.tostring(record))

    def retract(self, pmid: str, notice_pmid: str) -> None:
        source = "J Standin Rec. 2002 Mar 4;2(3):99."
        notice = Correction(kind="RetractionIn", source=source, pmid=notice_pmid)
        self.correct(pmid, notice, publication_type="Retracted Publication")


def _fields(xml: str) -> dict[str, list[str]]:
    """Return the values that searches look at, in lower case, by NCBI's tag of the field."""
    record = etree.fromstring(xml)
    title = next(record.iter("ArticleTitle"), None)
    names = ("MedlineTA", "ISOAbbreviation", "Title")
    authors = [(one.findtext("LastName", ""), one.findtext("Initials", "")) for one in record.iter("Author")]
    return {
        "ti": _words(" ".join(map(str, title.itertext())) if title is not None else ""),
        "vi": [(one.text or "").lower() for one in record.iter("Volume")],
        "pg": [re.split(r"[-,;]", (one.text or "").lower())[0] for one in record.iter("MedlinePgn")],
        "dp": [one.text or "" for one in record.iterfind(".//PubDate/Year")],
        "au": [f"{last} {initials}".lower().strip() for last, initials in authors],
        "ta": [(one.text or "").lower() for name in names for one in record.iter(name)],
    }


def _has(fields: dict[str, list[str]], field: str, value: str) -> bool:
    return value.lower().strip() in fields[field]


def _words(value: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", value.lower())


def _within(parent: etree._Element, name: str) -> etree._Element:
    found = parent.find(name)
    return etree.SubElement(parent, name) if found is None else found
