"""One revision of an article: how it came about, where it got to, and how it differs from the one before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.citations import citation_text
from pipeline.ledger import Transaction, articles
from pipeline.ledger.articles import made as ledger
from pipeline.ledger.articles import names
from pipeline.ledger.articles.made import Made
from pipeline.model.article import CitedWork
from pipeline.model.reference import CitedReference, EditorialState, ReferenceState
from pipeline.model.revision import EventType
from pipeline.views.fields import ArticleId, Field, RevisionNumber, Time, WorkId
from pipeline.views.line_of_time import LineOfTime, line_of
from pipeline.views.word_diff import Change, word_diff

Difference = Literal["text", "evidence", "review", "rendering"]

_WORDS: dict[Difference, str] = {
    "text": "its text",
    "evidence": "what is known of its references",
    "review": "whether its review is overdue",
    "rendering": "the way it is rendered, by the site's settings or by another release",
}


@dataclass(frozen=True, slots=True)
class ReferenceAsShown:
    """A reference as a revision showed it."""

    state: ReferenceState
    editorial: tuple[EditorialState, ...]
    citation: str


@dataclass(frozen=True, slots=True)
class ReferenceDiffers:
    """A reference that both revisions cite, and that they show in different ways."""

    id: WorkId
    before: ReferenceAsShown
    after: ReferenceAsShown


@dataclass(frozen=True, slots=True)
class WholeRevision:
    """A revision, how it differs from the one before, and its line of time."""

    article: ArticleId
    number: RevisionNumber
    event: EventType
    at: Time
    rendered_at: Time | None
    reason: Annotated[str | None, Field(description="Why it was withdrawn.")]
    before: Annotated[
        RevisionNumber | None,
        Field(description="What it is compared with: the last one before it with a text. Null: it is the first."),
    ]
    differs: Annotated[tuple[Difference, ...], Field(description="In what; empty if in nothing.")]
    summary: Annotated[str, Field(description="The same in words.")]
    changes: Annotated[tuple[Change, ...], Field(description="The words that differ.")]
    references: Annotated[tuple[ReferenceDiffers, ...], Field(description="What is known of them differs.")]
    line: LineOfTime


def revision(transaction: Transaction, name: str, number: int, *, now: dt.datetime) -> WholeRevision | None:
    """Return a revision of the article of this id or name, or None if there is none with this number.

    Only these two revisions are read and compared, however many there are.
    """
    article_id = names.article_named(transaction, name)
    current, one = articles.get(transaction, article_id), ledger.find(transaction, article_id, number)
    if current is None or one is None:
        return None
    before = ledger.compared_with(transaction, article_id, one)
    line = line_of(transaction, one, current, now=now)
    differs: tuple[Difference, ...] = ()
    changes: list[Change] = []
    references: list[ReferenceDiffers] = []
    if before is not None and before.article is not None and one.article is not None:
        differs = tuple(_differs(before, one))
        changes = word_diff(before.article, one.article)
        references = list(_references(before.references or (), one.references or ()))
    again = before is not None and ledger.was_withdrawn_between(transaction, article_id, before.number, number)
    return WholeRevision(
        article=article_id,
        number=number,
        event=one.event,
        at=one.at,
        rendered_at=one.rendered_at,
        reason=one.reason,
        before=before.number if before else None,
        differs=differs,
        summary=_summary(one, before, differs, again=again),
        changes=tuple(changes),
        references=tuple(references),
        line=line,
    )


def _differs(before: Made, one: Made) -> Iterator[Difference]:
    """Yield in what two revisions with a text differ, as far as both were rendered."""
    if before.article != one.article:
        yield "text"
    if one.cause == "refreshed":
        yield "rendering"
    if before.references is None or one.references is None:
        return
    was, known = _known(before.references), _known(one.references)
    if any(was[work] != known[work] for work in was.keys() & known.keys()):
        yield "evidence"
    if before.overdue != one.overdue:
        yield "review"


def _known(references: Sequence[CitedReference]) -> dict[CitedWork, tuple[object, ...]]:
    """Return all that is known of each work, in whatever words and under whatever number it is cited."""
    return {one.work: (one.state, one.reference, one.verdicts, one.unshown) for one in references}


def _references(before: Sequence[CitedReference], after: Sequence[CitedReference]) -> Iterator[ReferenceDiffers]:
    """Yield the references of both that are shown in another way; those that only one cites are among the words."""
    was = {one.work: one for one in before}
    for one in after:
        shown = _as_shown(one)
        if one.work in was and (then := _as_shown(was[one.work])) != shown:
            yield ReferenceDiffers(f"{one.work.scheme}:{one.work.value}", then, shown)


def _as_shown(one: CitedReference) -> ReferenceAsShown:
    return ReferenceAsShown(one.state, one.marks.editorial if one.marks else (), citation_text(one))


def _summary(one: Made, before: Made | None, differs: Sequence[Difference], *, again: bool) -> str:
    if one.event == "withdrawn":
        return "The article was withdrawn."
    if before is None:
        return "It is the first."
    other = f"revision {before.number}, before the withdrawal" if again else f"revision {before.number}"
    if not differs:
        so_far = "" if one.references is not None else " so far: it is not rendered"
        return f"Nothing differs from {other}{so_far}."
    if list(differs) == ["text"]:
        return f"Its text differs from {other}."
    if "text" in differs:
        return f"It differs from {other} in {_listed(differs)}."
    verb = "differs" if len(differs) == 1 else "differ"
    return f"Only {_listed(differs)} {verb} from {other}: its text is the same."


def _listed(differs: Sequence[Difference]) -> str:
    *others, last = [_WORDS[one] for one in differs]
    return f"{', '.join(others)} and {last}" if others else last
