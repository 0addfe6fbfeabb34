"""Compare an author's words with a record, field by field, and say whether they describe the same work. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, get_args

from msgspec import Struct

from pipeline.appraisal.identity.claims import Claims, first_page, read_claims
from pipeline.appraisal.identity.fold import is_latin, stem, stems, tokens
from pipeline.appraisal.notices import is_notice
from pipeline.model.reference import Author, Identity, IdentityField, Reference

Verdict = Literal["agrees", "differs"]

_COMMON = frozenset(
    stems(
        "a an the of in on for and or with without by to from at as is are was were be et al eds ed editor editors"
        " vol volume no number issue suppl supplement pp page pages p edition dr prof in press journal available"
        " accessed epub print january february march april may june july august september october november december"
        " jan feb mar apr jun jul aug sep sept oct nov dec winter spring summer autumn"
        " der die das und le la les des du de el los y"
    )
)
_NOTICE_WORDS = frozenset(
    stems("erratum errata corrigendum correction corrections retraction retracted concern notice")
)
_WEIGHTS: dict[IdentityField, int] = {
    "doi": 2, "title": 2, "author": 1, "year": 1, "journal": 1, "volume": 1, "page": 1,
}  # fmt: skip
_PLACE: tuple[IdentityField, ...] = ("journal", "volume", "page")
_ENOUGH = 2  # the weight of what agrees, from which on a work counts as recognised
_TITLE = 4  # words that are a title, if nothing else explains them


class Comparison(Struct, frozen=True):
    """The fields of the record that the words confirm, and those that they contradict. Others they do not mention."""

    agrees: tuple[IdentityField, ...]
    differs: tuple[IdentityField, ...]

    @property
    def identity(self) -> Identity:
        """`unverified`: the words say too little to tell."""
        if self.differs:
            return "mismatch"
        return "match" if sum(_WEIGHTS[name] for name in self.agrees) >= _ENOUGH else "unverified"

    @property
    def same_work(self) -> bool:
        """Return whether the work is recognised, even if the words have a detail of it wrong (its year, a page)."""
        sure = {"title", "doi"} & set(self.agrees)
        return (bool(sure) and not {"title", "doi"} & set(self.differs)) or self.identity == "match"


def compare(words: str | None, record: Reference) -> Comparison:
    """Compare the words with the record. Without words nothing agrees and nothing differs."""
    if not words or not words.strip():
        return Comparison((), ())
    claims = read_claims(words, record.title)
    place = _place(claims, record)
    title = _title(claims, record, located=set(place.values()) == {"agrees"})
    found: dict[IdentityField, Verdict | None] = {
        "doi": _doi(claims, record),
        "title": title,
        "author": _author(claims, record, title),
        "year": _year(claims, record),
        "journal": _journal(claims, record),
        **place,
    }
    return _weighed(found, claims)


def _weighed(found: dict[IdentityField, Verdict | None], claims: Claims) -> Comparison:
    """Leave out contradictions that alone are more often a way of writing than another work."""
    ignored: set[IdentityField] = set()
    located = [name for name in _PLACE if found[name] == "differs"]
    if len(located) == 1:
        ignored.update(located)
    prose = claims.place is None and found["author"] == found["year"] == "agrees"
    if prose or found["doi"] == "agrees":
        ignored.add("title")
    names: tuple[IdentityField, ...] = get_args(IdentityField)
    return Comparison(
        tuple(name for name in names if found[name] == "agrees"),
        tuple(name for name in names if found[name] == "differs" and name not in ignored),
    )


def _doi(claims: Claims, record: Reference) -> Verdict | None:
    if not claims.dois or not record.doi:
        return None
    own = record.doi.lower()
    return "agrees" if own in claims.dois else "differs"


# --- title --------------------------------------------------------------------------------------------------------


def _title(claims: Claims, record: Reference, *, located: bool) -> Verdict | None:
    written = {stem(token) for token in claims.tokens}
    if is_notice(record) and written.isdisjoint(_NOTICE_WORDS) and not located:
        return "differs"  # an erratum or a retraction notice in place of the paper
    titles = [title for title in (record.title, record.vernacular_title, record.book_title) if title]
    known = [set(stems(title)) - _COMMON for title in titles]
    if any(_covers(written, title) for title in known):
        return "agrees"
    if not is_latin(claims.text):
        return None  # words in another script than PubMed's translated title
    all_titles = set().union(*known)
    other = written - _explained(record)
    rest = [token for token in other if len(token) > 2 and not token.isdigit()]
    if len(rest) < _TITLE:
        return None  # no title is given
    shared = len(all_titles & other)
    if shared >= max(3, 0.7 * len(rest)):
        return "agrees"  # a shortened title
    return "differs" if shared < 0.4 * min(len(rest), len(all_titles) or 1) else None


def _covers(written: set[str], title: set[str]) -> bool:
    return bool(title) and len(title & written) >= 0.65 * len(title)


def _explained(record: Reference) -> set[str]:
    """Return the tokens that other fields of the record account for."""
    names = " ".join(_names(author) for author in record.authors)
    journal = f"{record.journal or ''} {record.journal_abbreviation or ''} {record.publisher or ''}"
    return set(stems(f"{names} {journal}")) | _COMMON


# --- author -------------------------------------------------------------------------------------------------------


def _author(claims: Claims, record: Reference, title: Verdict | None) -> Verdict | None:
    if not record.authors or not is_latin(claims.text):
        return None
    written = set(claims.tokens)
    if any(_named(author, written) for author in _first_authors(record)):
        return "agrees"
    if title == "agrees":
        return "differs" if _has_words(_before_title(claims, record), record) else None
    return "differs" if _begins_with_a_name(claims, record) else None


def _first_authors(record: Reference) -> list[Author]:
    """Return the first author, and the first person if that is a group: many citations leave groups out."""
    people = [author for author in record.authors if not author.collective]
    return [record.authors[0], *people[:1]]


def _named(author: Author, written: set[str]) -> bool:
    surname = _surname(author)
    return bool((surname and written >= surname) or _initials_of_group(author) & written)


def _has_words(leading: tuple[str, ...], record: Reference) -> bool:
    """Return whether something that may be a name precedes the title."""
    explained = set(stems(f"{record.journal or ''} {record.journal_abbreviation or ''}")) | _COMMON
    return any(len(token) > 2 and not token.isdigit() and stem(token) not in explained for token in leading)


def _surname(author: Author) -> set[str]:
    """Return the tokens of the family name that a citation always keeps: particles ("van", "de") may be left out."""
    every = tokens(author.last or author.collective or "")
    long = [token for token in every if len(token) > 3]
    return set(long or every)


def _initials_of_group(author: Author) -> set[str]:
    words = [word for word in tokens(author.collective or "") if stem(word) not in _COMMON]
    return {"".join(word[0] for word in words)} if len(words) > 1 else set()


def _names(author: Author) -> str:
    return " ".join(filter(None, (author.last, author.fore, author.initials, author.suffix, author.collective)))


def _before_title(claims: Claims, record: Reference) -> tuple[str, ...]:
    """Return the tokens before the title, where authors are named."""
    title = [stem(token) for token in tokens(record.title)]
    written = [stem(token) for token in claims.tokens]
    for length in (4, 3, 2, 1):
        head = title[:length]
        for start in range(len(written) - length + 1):
            if written[start : start + length] == head:
                return claims.tokens[:start]
    return claims.tokens


_WORD = r"[^\W\d_][\w'’-]+"
_HEAD = 200  # characters in which a citation's first name ends
_NAME = re.compile(
    rf"\W*(?:\d+\W+)?(?:{_WORD}(?: {_WORD}){{0,3}},?\s+(?:[^\W\d_]\.?[\s-]?){{1,4}}"  # Smith J,
    r"(?:[,;.:(&]|\bet\b|\band\b|$)"
    rf"|(?:[A-Z]\.?[\s-]?){{1,4}}\s+{_WORD}"  # J. A. Smith
    rf"|{_WORD}(?:,?\s+et\s+al|\s+(?:and|&)\s+{_WORD},?\s*[(\d]|,?\s*\(?\d{{4}})"  # Smith et al, Smith (2020)
    rf"|[A-Z][\w'’-]+(?:,\s+(?:[a-z]+\s+)*[A-Z][\w'’-]+)+\.)"  # Smith, Roe.
)


def _begins_with_a_name(claims: Claims, record: Reference) -> bool:
    journal = set(stems(f"{record.journal or ''} {record.journal_abbreviation or ''}"))
    begins = next((stem(token) for token in claims.tokens if not token.isdigit()), None)
    return begins is not None and begins not in journal and _NAME.match(claims.text.strip()[:_HEAD]) is not None


# --- year, journal, volume and page ----------------------------------------------------------------------------------


def _year(claims: Claims, record: Reference) -> Verdict | None:
    known = {date.year for date in (record.date, record.electronic_date, record.revised) if date and date.year}
    known |= {int(year) for year in re.findall(r"\d{4}", (record.date and record.date.text) or "")}
    if not claims.years or not known:
        return None
    return "agrees" if known & claims.years else "differs"


def _journal(claims: Claims, record: Reference) -> Verdict | None:
    names = [name for name in (record.journal, record.journal_abbreviation, record.book_title) if name]
    if not names:
        return None
    written, text = {token[:4] for token in claims.tokens}, "".join(claims.tokens)
    for name in names:
        known = [token for token in tokens(name.split("(")[0]) if stem(token) not in _COMMON]
        if not known:
            return None
        if all(any(token.startswith(one) or one.startswith(token) for one in claims.tokens) for token in known):
            return "agrees"
        if sum(token[:4] in written for token in known) * 2 > len(known):
            return "agrees"
        if len(known) > 2 and "".join(token[0] for token in known) in text:
            return "agrees"  # NEJM, PNAS
    return "differs" if claims.place else None


def _place(claims: Claims, record: Reference) -> dict[IdentityField, Verdict | None]:
    written = claims.place
    volume = (record.volume or "").lower()
    pages = first_page(record.pages or "")
    return {
        "volume": _same(written.volume, volume, lambda a, b: a.lstrip("0") == b.lstrip("0")) if written else None,
        "page": _same(written.page, pages, lambda a, b: a == b or a.strip("es") == b.strip("es")) if written else None,
    }


def _same(written: str, known: str, equal: Callable[[str, str], bool]) -> Verdict | None:
    if not written or not known:
        return None
    return "agrees" if equal(written, known) else "differs"
