"""Read PubMed's authors: people, groups, and single-word names."""

from __future__ import annotations

import re

from lxml import etree
from msgspec import structs

from pipeline.model.reference import Author
from pipeline.references.pubmed.text import flat, plain

_NAME = re.compile(r"(?:MC(?=\w{3}))|[^\W\d_]+")
_ORCID = re.compile(r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dXx])\s*$")


def authors(author_list: etree._Element | None) -> tuple[Author, ...]:
    """Return the authors in order, without superseded ones.

    Those have ValidYN="N": a misspelling that NLM keeps next to its correction.
    """
    if author_list is None:
        return ()
    valid = [item for item in author_list if item.tag == "Author" and item.get("ValidYN") != "N"]
    return tuple([author for item in valid if (author := _author(item))])


def is_complete(author_list: etree._Element | None) -> bool:
    return author_list is None or author_list.get("CompleteYN") != "N"


def _author(item: etree._Element) -> Author | None:
    last = fore = initials = suffix = collective = orcid = None
    for part in item:
        match part.tag:
            case "LastName":
                last = flat(part.text) or None
            case "ForeName":
                fore = flat(part.text) or None
            case "Initials":
                initials = flat(part.text) or None
            case "AffiliationInfo":  # checked before the rare ones: most authors have one
                pass
            case "Suffix":
                suffix = plain(part) or None
            case "CollectiveName":
                collective = plain(part) or None
            case "Identifier":
                orcid = orcid or _orcid(part)
    return Author(last, fore, initials, suffix, collective, orcid) if last or collective else None


def _orcid(identifier: etree._Element) -> str | None:
    """Return the ORCID, which NLM gives bare, with or without hyphens, or as an http or https URL."""
    if identifier.get("Source", "").upper() != "ORCID":
        return None
    found = _ORCID.search(identifier.text or "")
    return "-".join(found.groups()).upper() if found else None


def in_small_letters(people: tuple[Author, ...]) -> tuple[Author, ...]:
    """Return authors whose names are all in capitals written as names: "O'BRIEN" → "O'Brien".

    Records of OLDMEDLINE have such names. Many have another status by now, but kept their capitals, as their title did.
    """
    if not "".join(author.last or "" for author in people).isupper():
        return people
    return tuple(map(_in_small_letters, people))


def _in_small_letters(author: Author) -> Author:
    last = author.last
    if last is None or len(last) < 2:
        return author
    return structs.replace(author, last=_NAME.sub(lambda part: part[0].capitalize(), last))
