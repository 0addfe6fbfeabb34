"""An article, independent of the file format it came in.

The body is a tree: an article has lead blocks and sections, a section has blocks and sections, and a block has inlines
or further blocks. Nothing in the tree is markup: renderers escape every string. Strings are in NFC and contain no
control characters. None consists of white space alone, except a `Text` between two inlines.
"""

from __future__ import annotations

import datetime as dt
import itertools
from functools import lru_cache
from typing import Literal
from urllib.parse import quote

from msgspec import Struct

DOI_SAFE = "/:;()._-,"  # old DOIs also contain `<`, `>` and `#`

MAX_NESTING = 64  # levels of blocks within blocks, and of sections within sections; intake refuses deeper ones


# --- inlines ------------------------------------------------------------------------------------------------------


class Text(Struct, frozen=True, tag="text"):
    value: str


class Emphasis(Struct, frozen=True, tag="emphasis"):
    children: tuple[Inline, ...]


class Strong(Struct, frozen=True, tag="strong"):
    children: tuple[Inline, ...]


class Superscript(Struct, frozen=True, tag="superscript", omit_defaults=True):
    children: tuple[Inline, ...]
    note: bool = False  # a footnote's letter, which says nothing about the surrounding text


class Subscript(Struct, frozen=True, tag="subscript"):
    children: tuple[Inline, ...]


class Deleted(Struct, frozen=True, tag="deleted"):
    """Text that its author struck out. It is shown as deleted, or not at all, and is never part of the plain text."""

    children: tuple[Inline, ...]


class Inserted(Struct, frozen=True, tag="inserted"):
    children: tuple[Inline, ...]


class Abbreviation(Struct, frozen=True, tag="abbreviation"):
    children: tuple[Inline, ...]
    expansion: str  # "nothing by mouth"


class Code(Struct, frozen=True, tag="code"):
    value: str


class Link(Struct, frozen=True, tag="link"):
    href: str  # absolute http(s), or mailto:
    children: tuple[Inline, ...]


class Marker(Struct, frozen=True, tag="marker"):
    """An in-text reference marker such as [1] or [2,5]."""

    numbers: tuple[int, ...]  # from 1, into Article.references


class LineBreak(Struct, frozen=True, tag="break"):
    pass


class Image(Struct, frozen=True, tag="image"):
    """An image: a block, or an inline within a table cell."""

    src: str  # absolute http(s)
    alt: str = ""
    width: int | None = None  # CSS pixels
    height: int | None = None
    caption: str | None = None
    credit: str | None = None


Wrapper = Emphasis | Strong | Superscript | Subscript | Deleted | Inserted | Abbreviation | Link
Inline = Text | Code | Marker | LineBreak | Image | Wrapper


# --- blocks -------------------------------------------------------------------------------------------------------


class Paragraph(Struct, frozen=True, tag="paragraph"):
    children: tuple[Inline, ...]


class ListItem(Struct, frozen=True, omit_defaults=True):
    blocks: tuple[Block, ...]
    number: int | None = None  # this item's own number in a numbered list; later items count on from it
    checked: bool | None = None  # whether a task is done; None if the item is not a task


class BulletList(Struct, frozen=True, tag="bullets"):
    items: tuple[ListItem, ...]


NumberStyle = Literal["1", "a", "A", "i", "I"]  # as in HTML's `type` attribute


class NumberedList(Struct, frozen=True, tag="numbers"):
    items: tuple[ListItem, ...]
    start: int = 1
    style: NumberStyle = "1"
    reversed: bool = False  # counts down


class Definition(Struct, frozen=True):
    """One or more terms with their descriptions."""

    terms: tuple[tuple[Inline, ...], ...]
    descriptions: tuple[tuple[Block, ...], ...]


class DefinitionList(Struct, frozen=True, tag="definitions"):
    items: tuple[Definition, ...]


class Cell(Struct, frozen=True):
    children: tuple[Inline, ...]
    header: bool = False
    colspan: int = 1
    rowspan: int = 1


class Table(Struct, frozen=True, tag="table"):
    rows: tuple[tuple[Cell, ...], ...]
    caption: str | None = None


class Quotation(Struct, frozen=True, tag="quotation"):
    blocks: tuple[Block, ...]
    source: str | None = None


NoteKind = Literal["important", "warning", "urgent", "info"]
Direction = Literal["ltr", "rtl"]


class Note(Struct, frozen=True, tag="note"):
    """A highlighted passage. `urgent` says when to seek urgent care."""

    kind: NoteKind
    blocks: tuple[Block, ...]


class Preformatted(Struct, frozen=True, tag="preformatted"):
    value: str


Block = Paragraph | BulletList | NumberedList | DefinitionList | Table | Quotation | Note | Image | Preformatted


class Section(Struct, frozen=True):
    heading: str
    anchor: str  # a slug, unique in the article, for `id` attributes and links
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()
    marked_heading: tuple[Inline, ...] = ()  # the heading with its inline marks, if any carry meaning


# --- around the body ----------------------------------------------------------------------------------------------


class Person(Struct, frozen=True):
    name: str
    credentials: str | None = None  # "MD, PhD"
    role: str | None = None  # "Neurologist"
    organisation: str | None = None
    url: str | None = None


TopicKind = Literal["condition", "drug", "test", "procedure", "therapy", "anatomy", "symptom", "lifestyle"]


class Topic(Struct, frozen=True, omit_defaults=True):
    name: str
    slug: str  # what feeds and channels filter by
    mesh: str | None = None  # a MeSH descriptor, "D009128"
    url: str | None = None
    kind: TopicKind | None = None  # None: not given


class CallToAction(Struct, frozen=True):
    label: str  # "Check your symptoms"
    url: str | None = None
    text: str | None = None


class RelatedLink(Struct, frozen=True):
    title: str
    url: str


class CitedWork(Struct, frozen=True):
    """The normalised identifier of a work that the author cites.

    `value` is a PMID's digits, "PMC" and digits, a lower-case DOI ("10.1000/x"), "NBK" and digits, or an absolute URL.
    A work without any identifier (`text`) is known by the author's words alone.
    """

    scheme: Literal["pmid", "pmcid", "doi", "nbk", "url", "text"]
    value: str

    @property
    def url(self) -> str | None:
        """The address at which a reader finds the work, or None if it has none."""
        match self.scheme:
            case "pmid":
                return f"https://pubmed.ncbi.nlm.nih.gov/{self.value}/"
            case "pmcid":
                return f"https://pmc.ncbi.nlm.nih.gov/articles/{self.value}/"
            case "doi":
                return f"https://doi.org/{quote(self.value, safe=DOI_SAFE)}"
            case "nbk":
                return f"https://www.ncbi.nlm.nih.gov/books/{self.value}/"
            case "text":
                return None
            case _:
                return self.value


class CitedAs(Struct, frozen=True, omit_defaults=True):
    """How the author cites a work: in these words, and by these further identifiers of the same work."""

    words: str | None = None  # the whole entry as plain text; None if it is an identifier and nothing else
    also: tuple[CitedWork, ...] = ()


class Article(Struct, frozen=True, kw_only=True):
    id: str  # a readable slug: [a-z0-9] and single hyphens, at most 120 characters
    title: str
    answer: str  # the short answer in plain text; "\n\n" separates paragraphs
    question: str | None = None
    lead: tuple[Block, ...] = ()  # the blocks before the first heading
    sections: tuple[Section, ...] = ()
    references: tuple[CitedWork, ...] = ()  # each once, in the author's order
    authors: tuple[Person, ...] = ()
    reviewers: tuple[Person, ...] = ()
    topics: tuple[Topic, ...] = ()
    calls_to_action: tuple[CallToAction, ...] = ()
    related: tuple[RelatedLink, ...] = ()
    image: Image | None = None
    published: dt.datetime | None = None  # aware, UTC
    modified: dt.datetime | None = None
    reviewed: dt.date | None = None
    embargo: dt.datetime | None = None  # must not be shown before this time
    language: str = "en"  # BCP 47
    canonical: str | None = None  # absolute http(s); None: {site.url}/articles/{id}
    disclaimer: str | None = None  # shown in addition to the site's own
    licence: str | None = None
    address: str | None = None  # its present name, if that is not the id it was first published under
    short_title: str | None = None  # for places with little space
    audience: str | None = None  # "patients"
    next_review: dt.date | None = None
    translation_of: str | None = None  # an article's id, or an absolute http(s) address
    cites_retracted: tuple[str, ...] = ()  # PMIDs that the author cites in the knowledge that they are retracted
    cited_as: tuple[CitedAs, ...] = ()  # one for each of `references`, or empty if none has words
    marked_title: tuple[Inline, ...] = ()  # the title with its inline marks, if any carry meaning
    marked_answer: tuple[Inline, ...] = ()  # the answer with its marks, if it is the body's first paragraph

    @property
    def identified(self) -> tuple[CitedWork, ...]:
        """Every work that the article cites, each by all the identifiers that its author gave."""
        also = (work for entry in self.cited_as for work in entry.also)
        return tuple(dict.fromkeys((*self.references, *also)))

    @property
    def name(self) -> str:
        """The article's name in its address."""
        return self.address or self.id

    @property
    def not_before(self) -> dt.datetime | None:
        """The earliest time at which the article may be shown; None if its author gives none."""
        return max((moment for moment in (self.embargo, self.published) if moment is not None), default=None)

    @property
    def direction(self) -> Direction:
        return direction_of(self.language)


@lru_cache(maxsize=1024)
def direction_of(language: str) -> Direction:
    """Return the base direction of a language (BCP 47), for `dir` attributes: that of its script if it says one."""
    own, *others = language.lower().split("-")
    before_extensions = itertools.takewhile(lambda one: len(one) > 1, others)  # RFC 5646, section 2.1
    script = next((one for one in before_extensions if len(one) == 4 and one.isalpha()), None)
    return "rtl" if (script in _RTL_SCRIPTS if script else own in _RTL_LANGUAGES) else "ltr"


_RTL_SCRIPTS = frozenset(  # ISO 15924: those of living languages that Unicode has as right to left
    {"adlm", "arab", "aran", "hebr", "mand", "mend", "nkoo", "rohg", "samr", "syrc", "syre", "syrj", "syrn", "thaa"}
)
_RTL_LANGUAGES = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "syr", "ug", "ur", "yi"})
