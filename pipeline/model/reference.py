"""A reference: what PubMed says about a cited work. A citation is a formatted reference."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pipeline.model.article import CitedWork

EditorialState = Literal[
    "retracted",
    "withdrawn",
    "concern",
    "erratum",
    "corrected-republished",
    "retracted-republished",
    "reinstated",
    "updated",
    "preprint",
]
TAKEN_BACK: frozenset[EditorialState] = frozenset({"retracted", "withdrawn", "retracted-republished"})
"""The states of a paper that was taken back, whether or not another version took its place."""

IdentityField = Literal["doi", "title", "author", "year", "journal", "volume", "page"]
Identity = Literal["match", "mismatch", "unverified"]
"""Whether a record is the work that the author's words describe. unverified: there are no words, or too few."""


class Notice(Struct, frozen=True):
    """The publication that changed a paper's editorial status (PubMed's CommentsCorrections)."""

    state: EditorialState
    source: str | None = None  # "Lancet. 2010 Feb 6;375(9713):445"
    pmid: str | None = None  # older notices have none
    doi: str | None = None  # lower case


class SourceVerdict(Struct, frozen=True, kw_only=True):
    """One thing that a source says was done to a paper."""

    source: str  # "pubmed", "retraction_watch"
    state: EditorialState
    date: str | None = None  # of the notice, in ISO 8601, as precise as it is known
    notice_pmid: str | None = None
    notice_doi: str | None = None  # lower case
    text: str | None = None  # of PubMed's notice: "Lancet. 2010 Feb 6;375(9713):445"
    reasons: tuple[str, ...] = ()  # in the source's words: "Error in Data"
    reported_by: str | None = None  # where the source has it from


class ListedVerdict(Struct, frozen=True, kw_only=True):
    """A row of a list that a source publishes whole: the paper, by PMID, DOI or both, and what was done to it."""

    id: str  # the row's own, in the list
    pmid: str | None
    doi: str | None  # lower case
    verdict: SourceVerdict


class Author(Struct, frozen=True):
    """A person (`last`, with `fore` or `initials`) or a group (`collective`)."""

    last: str | None = None
    fore: str | None = None
    initials: str | None = None
    suffix: str | None = None
    collective: str | None = None
    orcid: str | None = None  # the bare sixteen digits with hyphens


class PartialDate(Struct, frozen=True):
    """A publication date, exactly as precise as it was given."""

    year: int | None = None
    month: int | None = None  # 1 to 12
    day: int | None = None
    season: str | None = None
    text: str | None = None  # PubMed's MedlineDate, if nothing else is given: "1998 Dec-1999 Jan"

    @property
    def iso(self) -> str | None:
        """The date in ISO 8601, as precise as it is known: "2002-07"; None without a year."""
        if self.year is None:
            return None
        parts = (self.month, self.day if self.month else None)
        return "-".join([f"{self.year:04}", *[f"{part:02}" for part in parts if part]])


class Reference(Struct, frozen=True, kw_only=True):
    """A record of PubMed or another source, reduced to what readers, citations and policies need."""

    pmid: str | None  # None: PubMed does not have it
    title: str  # plain text, untruncated; a translated title without its brackets
    title_html: str | None = None  # only i, b, u, sup, sub; None if the title has no markup
    translated: bool = False  # PubMed gave the title in brackets: the paper is not in English
    vernacular_title: str | None = None
    authors: tuple[Author, ...] = ()
    authors_complete: bool = True
    journal: str | None = None  # full title
    journal_abbreviation: str | None = None  # NLM's: "N Engl J Med"
    issn: str | None = None
    publisher: str | None = None  # of a book
    place: str | None = None  # of a book: where it was published
    editors: tuple[Author, ...] = ()  # of a book
    chapter: str | None = None  # of a book: the label of the chapter, "Chapter 4"
    book_title: str | None = None
    revised: PartialDate | None = None  # of a living document, such as a chapter of GeneReviews: its last revision
    date: PartialDate | None = None
    electronic_date: PartialDate | None = None  # ArticleDate
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None  # as PubMed gives them: "284-7", or an article number "e123"
    doi: str | None = None  # the paper's own, lower case
    pmcid: str | None = None
    bookshelf: str | None = None  # of a book or chapter: "NBK430685"
    languages: tuple[str, ...] = ()  # ISO 639-2, as NLM gives them: "eng"
    types: tuple[str, ...] = ()  # NLM's publication types, "Review"
    editorial: tuple[EditorialState, ...] = ()  # each once, in the order of EditorialState
    notices: tuple[Notice, ...] = ()

    @property
    def retracted(self) -> bool:
        return "retracted" in self.editorial


class Marks(Struct, frozen=True):
    """The editorial states of a work, and the notices behind them."""

    editorial: tuple[EditorialState, ...] = ()
    notices: tuple[Notice, ...] = ()


class EvidenceChange(Struct, frozen=True):
    """How PubMed's answer about one PMID changed."""

    pmid: str
    before: Reference | None  # None: not resolved before
    after: Reference | None  # None: PubMed has no such record


ReferenceState = Literal["resolved", "pending", "unknown", "mismatch", "unwatched", "gone"]
ShownState = Literal["resolved", "unresolved", "mismatch", "unwatched", "gone"]


class CitedReference(Struct, frozen=True):
    """An article's n-th reference, with what is known about it at one moment.

    pending     not every source has answered yet, or not twice
    unknown     every source has answered twice, minutes apart, and none has such a record
    mismatch    there is a record, but the author's words describe another work
    unwatched   the work has no identifier that can be looked up: a book, a web page
    gone        the sources no longer have the record, which is shown as it was

    What was done to the work is known if it is `resolved`. For others, what some source says of it is in `unshown`.
    """

    number: int  # from 1
    work: CitedWork
    state: ReferenceState
    reference: Reference | None = None  # set exactly if `state` is "resolved" or "gone"
    words: str | None = None  # the author's, if the work was cited in words
    also: tuple[CitedWork, ...] = ()  # further identifiers of the work that the author gave
    verdicts: tuple[SourceVerdict, ...] = ()  # what sources beside PubMed say was done to the work
    identity: Identity = "unverified"
    differs: tuple[IdentityField, ...] = ()  # in what the author's words contradict the record
    unshown: Marks | None = None  # of a work whose record is unknown, or not certain enough to be shown

    @property
    def shown_state(self) -> ShownState:
        """The state as readers see it. A search that ends without a record is no news to them."""
        match self.state:
            case "pending" | "unknown":
                return "unresolved"
            case state:
                return state

    @property
    def marks(self) -> Reference | Marks | None:
        """What was done to the work."""
        return self.reference or self.unshown
