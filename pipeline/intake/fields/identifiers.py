"""Normalise what an author cites, in whatever form it was written, to one identifier.

PMIDs: up to eight digits. PMCIDs: https://pmc.ncbi.nlm.nih.gov/. DOIs: DOI Handbook, section 2.2, case-insensitive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.intake.fields.addresses import web_address
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.slugs import article_id
from pipeline.intake.fields.text import line
from pipeline.model.article import CitedWork
from pipeline.model.dois import doi

MAX_REFERENCES = 1000

_HINT = "write a PMID, a PMCID, a DOI or an absolute address"
_HTTP = r"(?:https?://)?(?:www\.)?"
_PMID = re.compile(r"(?:pmid|pubmed(?: id)?)?[:\s]*0*([1-9]\d{0,7})\.?", re.IGNORECASE)
_PMCID = re.compile(r"(?:pmcid[:\s]*)?pmc\s?0*([1-9]\d{0,8})\.?", re.IGNORECASE)
_PUBMED_PAGE = re.compile(
    rf"{_HTTP}(?:(?:m\.)?pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/(?:m/)?pubmed|europepmc\.org/"
    r"(?:article|abstract)/med)/0*([1-9]\d{0,7})(?![\d.])[/?#]?\S*",
    re.IGNORECASE,
)
_PMC_PAGE = re.compile(
    rf"{_HTTP}(?:pmc\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pmc|europepmc\.org)/articles?/(?:pmc/)?pmc0*"
    r"([1-9]\d{0,8})(?!\d)[/?#]?\S*",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:doi[:\s]*)?((?:https?://)?(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_LIST_MARKS = re.compile(r"^(?:[*•◦▪‣–-]\s+|\[?\d{1,4}[.)\]]\s+)+")


def cited_work(value: object) -> CitedWork:
    """Read one reference as its author gave it: a number, a text or a mapping of identifiers. Raises InvalidValue."""
    if isinstance(value, Mapping):
        return _from_mapping(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidValue(f"{quoted(value)} is not a reference", hint=_HINT)
    text = _LIST_MARKS.sub("", line(str(value)[: 1 << 14]))
    if found := _identifier(text):
        return found
    try:
        return CitedWork("url", web_address(text))
    except InvalidValue as error:
        raise InvalidValue(f"{quoted(text)} is not a reference that can be looked up", hint=_HINT) from error


def pmid(value: object) -> str:
    """Read a PMID. Raises InvalidValue for any other identifier."""
    work = cited_work(value)
    if work.scheme != "pmid":
        raise InvalidValue(f"{quoted(value)} is not a PMID", hint="write the PubMed number of the paper")
    return work.value


def article_or_address(value: object) -> str:
    """Read an article's id, or the URL of an article elsewhere."""
    return web_address(value) if isinstance(value, str) and "://" in value else article_id(value)


def is_bare(text: str) -> bool:
    """Return whether a text is one unmistakable identifier and nothing else (a lone number is not)."""
    text = _LIST_MARKS.sub("", line(text[: 1 << 14]))
    return not text.isdigit() and " " not in text.replace(": ", ":") and _identifier(text) is not None


def _identifier(text: str) -> CitedWork | None:
    for pattern, scheme in (
        (_PMID, "pmid"),
        (_PUBMED_PAGE, "pmid"),
        (_PMCID, "pmcid"),
        (_PMC_PAGE, "pmcid"),
        (_DOI, "doi"),
    ):
        if match := pattern.fullmatch(text):
            return _work(scheme, match)
    return None


def _work(scheme: str, found: re.Match[str]) -> CitedWork:
    match scheme:
        case "pmid":
            return CitedWork("pmid", found[1])
        case "pmcid":
            return CitedWork("pmcid", f"PMC{found[1]}")
        case _:
            return CitedWork("doi", doi(found[2], in_address=found[1] is not None))


def _from_mapping(value: Mapping[object, object]) -> CitedWork:
    known = ("pmid", "pmcid", "doi", "url")
    for key in value:
        if key not in known:
            raise InvalidValue(
                f"{quoted(key)} is not an identifier of a reference", hint=f"write one of {', '.join(known)}"
            )
    for key in known:
        given = value.get(key)
        if given is not None and given != "":
            return _of_scheme(key, cited_work(given))
    raise InvalidValue("the reference has no identifier", hint=_HINT)


def _of_scheme(key: str, work: CitedWork) -> CitedWork:
    if key not in (work.scheme, "url"):
        raise InvalidValue(f"{quoted(work.value)} is not a {key.upper()}", hint=_HINT, at=f".{key}")
    return work
