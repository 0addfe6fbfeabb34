"""What the judge of its format says of a rendition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import structlog

from pipeline.judging import verdict_on
from pipeline.judging.parts.judge import BrokenRule, CheckedRule, Verdict
from pipeline.model.rendition import Rendition
from pipeline.model.words import count
from pipeline.stages.stage import caught
from pipeline.views.fields import ArticleId, Count, Field, RevisionNumber

_NONE = Verdict((), ())

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RenditionVerdict:
    """What the judge of its format says of a rendition. It vouches for the rules that were checked, and no others."""

    article: ArticleId
    revision: Annotated[RevisionNumber | None, Field(description="Null: rendered from a file, and not published.")]
    format: Annotated[str, Field(examples=["amp"])]
    bytes: Count
    digest: Annotated[str, Field(examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])]
    verdict: Annotated[
        Literal["well", "broken", "not-judged"],
        Field(description="well: no rule that was checked is broken. not-judged: the summary says why."),
    ]
    summary: Annotated[str, Field(examples=["well: 11 rules checked"])]
    checked: Annotated[tuple[CheckedRule, ...], Field(description="The first alone, if the bytes cannot be read.")]
    broken: tuple[BrokenRule, ...]


def judged(article: str, revision: int | None, rendition: Rendition) -> RenditionVerdict:
    """Judge a rendition. Its bytes are read for it, so it is done only for one that somebody looks at."""
    verdict = caught(lambda: verdict_on(rendition.format, rendition.body))
    if isinstance(verdict, Exception):  # of a package's judge, or one that cannot be imported
        _log.error("a judge failed", article=article, format=rendition.format, exc_info=verdict)
    found = verdict if isinstance(verdict, Verdict) else _NONE
    return RenditionVerdict(
        article=article,
        revision=revision,
        format=rendition.format,
        bytes=len(rendition.body),
        digest=rendition.digest,
        verdict="broken" if found.broken else "well" if found.checked else "not-judged",
        summary=_summary(verdict),
        checked=found.checked,
        broken=found.broken,
    )


def _summary(verdict: Verdict | Exception | None) -> str:
    match verdict:
        case None:
            return "not judged: this format has no judge"
        case Verdict(checked, ()):
            return f"well: {count(len(checked), 'rule')} checked"
        case Verdict(checked, broken):
            names = len({one.rule for one in broken})
            return f"{names} of {count(len(checked), 'rule')} broken"
        case _:
            return f"not judged: its judge failed, and the log says how ({type(verdict).__name__})"
