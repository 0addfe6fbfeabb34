"""Read a page saved as text: headline, date, answer, body, references, and what a site puts around them.

Text above the headline and below the references belongs to the site. What one site inserts into the text itself is
listed in `[intake] drop`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pipeline.intake.assemble import assemble
from pipeline.intake.body.reference_headings import is_certain
from pipeline.intake.decoding import decode
from pipeline.intake.dropping import Lines
from pipeline.intake.fields import Fields
from pipeline.intake.fields.entries import names_work
from pipeline.intake.fields.identifiers import is_bare
from pipeline.intake.fields.invalid_value import InvalidValue, quoted
from pipeline.intake.fields.text import line
from pipeline.intake.source import SourceFile, SourceFormat
from pipeline.intake.sources.text_page.calls_to_action import calls_to_action
from pipeline.intake.sources.text_page.headings import heading_levels
from pipeline.intake.sources.text_page.headline import find_headline, repeated_at
from pipeline.intake.sources.text_page.lines import Items, Piece, Words, list_html, pieces_of
from pipeline.intake.sources.text_page.signature import signature
from pipeline.model.reading import Read

_FURNITURE = re.compile(
    r"advertisement|ad|share|share this(?: page| article)?|print|menu|(?:skip|back) to .{0,30}|was this page helpful\?|"
    r"(?:copy|share) link|table of contents|(?:yes|no|thank you for your feedback[.!]?)",
    re.IGNORECASE,
)
_ABOUT_SITE = re.compile(
    r"related (?:questions|articles|pages|topics|content)|our services|was this page helpful\?|recommended for you|"
    r"you may also like|follow us.{0,30}|more from .{0,40}",
    re.IGNORECASE,
)
_TOPICS = re.compile(
    r"learn more about (?:related )?(?:diseases?|symptoms?|conditions?|topics?)|"
    r"related (?:diseases|conditions|symptoms)",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(r"((?:medical )?disclaimer)\s*[:.]?\s*(.*)", re.IGNORECASE)
_DISCLAIMS = re.compile(
    r"\bfor information(?:al purposes)?\b|\bnot (?:intended as )?(?:a )?(?:substitute|replacement)\b|"
    r"\bnot (?:a )?medical (?:advice|treatment)\b|"
    r"\bdoes not (?:replace|provide|constitute)\b.{0,40}\b(?:advice|diagnosis|treatment)",
    re.IGNORECASE,
)
_GLUED = re.compile(r"([A-Z][^.!?]{2,80}?[a-z])([A-Z][a-z’']+ .*)")  # a heading followed by its text without a space
_DATES = (
    ("published", re.compile(r"(?:first )?(?:published|posted)(?: on)?(:?)\s*(\S.*)", re.IGNORECASE)),
    ("modified", re.compile(r"(?:last |content )?(?:updated|modified|revised)(?: on)?(:?)\s*(\S.*)", re.IGNORECASE)),
    ("reviewed", re.compile(r"(?:last |medically )?reviewed(?: on)?(:?)\s*(\S.*)", re.IGNORECASE)),
)
_DATE_LIKE = re.compile(
    r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}\S*|[A-Za-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|\d{1,2} [A-Za-z]{3,9},? \d{4}"
)
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th)\b")
_PEOPLE = (
    ("reviewers", re.compile(r"(?:medically )?reviewed by\s*:?\s*(\S.*)", re.IGNORECASE)),
    ("authors", re.compile(r"(?:written|authored) by\s*:?\s*(\S.*)|by:\s*(\S.*)", re.IGNORECASE)),
)
_MOST_IN_A_HEAD_LINE = 160
_MOST_SHOWN = 5  # lines that a warning quotes


@dataclass
class _Page:
    """What has been found, with `values` and `lines` in the form that Fields takes."""

    values: dict[str, object] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, value: object, line_: int) -> None:
        if name not in self.values:
            self.values[name] = value
            self.lines[name] = line_

    def add(self, name: str, value: object, line_: int) -> None:
        entries = self.values.setdefault(name, [])
        if isinstance(entries, list):
            self.lines.setdefault(name, line_)
            self.lines[f"{name}[{len(entries)}]"] = line_
            entries.append(value)


def read(file: SourceFile) -> Read:
    """Read a file, finding the headline by the text that refers to it. Raises InvalidArticle."""
    text = decode(file.data, file.name)
    page = _Page()
    try:
        pieces = list(_without_furniture(pieces_of(text), page, Lines(file.drop)))
        start, left_out = _read_head(pieces, page)
    except InvalidValue as invalid:
        raise Fields(file.name, {}).error("body", invalid) from invalid
    end = next((n for n in range(start, len(pieces)) if _ends_body(pieces[n])), len(pieces))
    left = _read_tail(pieces[end:], page)
    read = [piece for place, piece in enumerate(pieces[:end]) if place >= start and place not in left_out]
    body = [piece for piece in read if not _is_reference(piece, page)]
    page.values["calls_to_action"] = calls_to_action(_words(piece) for piece in body)
    fields = Fields(file.name, page.values, page.lines, day_first=False)
    if left_out:
        fields.warn("body", _left_out([pieces[place] for place in sorted(left_out)]))
    return assemble(fields, _body_html(body) + left)


def _without_furniture(pieces: Sequence[Piece], page: _Page, dropped: Lines) -> Iterator[Piece]:
    """Yield the pieces without furniture, dates and bylines, keeping the blank lines around them."""
    gap = 0
    for piece in pieces:
        kept = replace(piece, gap=max(gap, piece.gap)) if isinstance(piece, Words) else piece
        if isinstance(kept, Words) and (kept.text in dropped or _taken(kept, page)):
            gap = kept.gap
        else:
            gap = 0
            yield kept


def _taken(piece: Piece, page: _Page) -> bool:
    """Return whether a line is furniture, or a date or byline, which is read here."""
    if not isinstance(piece, Words) or piece.lines > 1 or len(piece.text) > _MOST_IN_A_HEAD_LINE:
        return False
    for name, pattern in _DATES:
        if (match := pattern.fullmatch(piece.text)) and (date := _date_in(match[2], labelled=bool(match[1]))):
            page.put(name, date, piece.line)
            return True
    for name, pattern in _PEOPLE:
        if match := pattern.fullmatch(piece.text):
            page.add(name, match[match.lastindex or 1], piece.line)
            return True
    return bool(_FURNITURE.fullmatch(piece.text)) and not _ABOUT_SITE.fullmatch(piece.text)


def _date_in(text: str, *, labelled: bool) -> str | None:
    """Return the date in the rest of a line, beside which a time or a place may stand if a colon precedes it."""
    found = _DATE_LIKE.search(text) if labelled else _DATE_LIKE.fullmatch(text)
    return found and _ORDINAL.sub(r"\1", found[0])


def _read_head(pieces: Sequence[Piece], page: _Page) -> tuple[int, set[int]]:
    """Read headline and summary; return where the body begins, and the places in it that are no part of it.

    A summary is the text between the headline and its repetition above the text, without the label before it.
    """
    if not any(isinstance(piece, Words) for piece in pieces):
        return 0, set()
    found = find_headline(pieces)
    place = found.place
    page.put("title", _words(pieces[place]), pieces[place].line)
    again = repeated_at(pieces, place)
    if again is None:
        return place + 1, signature(pieces, found)
    summary = list(pieces[place + 1 : again])
    while summary and _is_label(summary[-1]):
        summary.pop()
    if summary:
        page.put("summary", "\n\n".join(_words(piece) for piece in summary), summary[0].line)
    return again + 1, set()


def _left_out(pieces: Sequence[Piece]) -> InvalidValue:
    shown = "; ".join(quoted(_words(piece)) for piece in pieces[:_MOST_SHOWN])
    more = f" and {len(pieces) - _MOST_SHOWN} more" if len(pieces) > _MOST_SHOWN else ""
    message = f"left out between the headline and the text: {shown}{more}"
    hint = "give authors and dates as `Written by:` and `Published:`"
    return InvalidValue(message, code="line-left-out", hint=hint, line=pieces[0].line)


def _is_label(piece: Piece) -> bool:
    return isinstance(piece, Words) and len(piece.text.split()) <= 3 and not piece.text.endswith((".", "!", "?"))


def _ends_body(piece: Piece) -> bool:
    if not isinstance(piece, Words):
        return False
    if is_certain(piece.text) or _is_disclaimer(piece.text):
        return True
    return any(pattern.fullmatch(piece.text) for pattern in (_ABOUT_SITE, _TOPICS))


def _is_disclaimer(text: str) -> bool:
    return bool(re.match(r"(?:medical )?disclaimer\s*(?::|$)", text, re.IGNORECASE))


def _read_tail(pieces: Sequence[Piece], page: _Page) -> str:
    """Read references, topics and disclaimer. Return as HTML the references that name nothing to look up."""
    mode, unread, disclaimer = "", list[str](), list[str]()
    for place, piece in enumerate(pieces):
        text = _words(piece)
        if isinstance(piece, Words) and (next_mode := _mode_of(text)):
            mode = next_mode
            if mode == "disclaimer" and (match := _DISCLAIMER.fullmatch(text)):
                disclaimer.append(f"{match[1]}: {match[2]}" if match[2] else f"{match[1]}:")
                page.lines.setdefault("disclaimer", piece.line)
        elif mode == "disclaimer":
            disclaimer.append(text)
        elif _DISCLAIMS.search(text):
            disclaimer += _headed(text, pieces[place - 1] if place else None)
            page.lines.setdefault("disclaimer", piece.line)
        elif mode == "references":
            mode = "furniture" if isinstance(piece, Words) and isinstance(pieces[place - 1], Items) else mode
            unread.extend(_references_in(piece, page) if mode == "references" else ())
        elif mode == "topics" and not _heads_disclaimer(pieces, place):
            for topic in _entries(piece):
                page.add("topics", topic, piece.line)
    if disclaimer:
        page.values["disclaimer"] = " ".join(disclaimer[:2]) + "".join(f"\n\n{more}" for more in disclaimer[2:])
    return f"<h2>References</h2><ul>{''.join(unread)}</ul>" if unread else ""


def _heads_disclaimer(pieces: Sequence[Piece], place: int) -> bool:
    return place + 1 < len(pieces) and bool(_DISCLAIMS.search(_words(pieces[place + 1])))


def _headed(text: str, before: Piece | None) -> list[str]:
    """Return a disclaimer with its heading, which is on the line before it, or directly before it without a space."""
    if glued := _GLUED.fullmatch(text):
        return [f"{glued[1]}:", glued[2]]
    if isinstance(before, Words) and not before.text.endswith((".", "!", "?")) and not _mode_of(before.text):
        return [f"{before.text}:", text]
    return [text]


def _mode_of(text: str) -> str:
    if is_certain(text):
        return "references"
    if _TOPICS.fullmatch(text):
        return "topics"
    if _is_disclaimer(text):
        return "disclaimer"
    return "furniture" if _ABOUT_SITE.fullmatch(text) else ""


def _references_in(piece: Piece, page: _Page) -> list[str]:
    unread = []
    for entry in _entries(piece):
        if names_work(entry):
            page.add("references", entry, piece.line)
        else:
            unread.append(f"<li>{html.escape(entry)}</li>")
    return unread


def _is_reference(piece: Piece, page: _Page) -> bool:
    """Return whether a piece of the body is only identifiers: references without a heading above them."""
    entries = _entries(piece)
    if not all(is_bare(entry) for entry in entries):
        return False
    _references_in(piece, page)
    return True


def _entries(piece: Piece) -> list[str]:
    return [item.text for item in piece.items] if isinstance(piece, Items) else [piece.text]


def _words(piece: Piece) -> str:
    return line(" ".join(_entries(piece)))


def _body_html(pieces: Sequence[Piece]) -> str:
    levels = heading_levels(pieces)
    out = []
    for place, piece in enumerate(pieces):
        if isinstance(piece, Items):
            out.append(list_html(piece))
        else:
            tag = f"h{levels[place]}" if place in levels else "p"
            out.append(f"<{tag}>{html.escape(piece.text)}</{tag}>")
    return "\n".join(out)


SOURCE = SourceFormat("text", ("text/plain",), ("txt", "text"), read)
