"""The web addresses of cited works: absolute, for links and for print."""

from __future__ import annotations

from urllib.parse import quote

from pipeline.model.article import DOI_SAFE
from pipeline.model.reference import Reference


def is_web_address(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def doi_url(doi: str) -> str:
    """Return a DOI's address, with `<`, `#`, `%` and spaces escaped (DOI Handbook, section 3.5)."""
    return f"https://doi.org/{quote(doi, safe=DOI_SAFE)}"


def pubmed_url(pmid: str) -> str:
    return f"https://pubmed.ncbi.nlm.nih.gov/{quote(pmid, safe='')}/"


def pmc_url(pmcid: str) -> str:
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{quote(pmcid, safe='')}/"


def record_url(reference: Reference) -> str | None:
    """Return the address of the record: PubMed's, or else where its DOI or PMCID leads."""
    if reference.pmid:
        return pubmed_url(reference.pmid)
    if reference.doi:
        return doi_url(reference.doi)
    return pmc_url(reference.pmcid) if reference.pmcid else None
