"""`render`: print one rendition on standard output. Needs neither a running system nor a ledger."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from config import load
from config.settings import Settings
from pipeline.appraisal.cited import appraised
from pipeline.errors import InvalidEvent, TransientError
from pipeline.intake import SourceFile, read_source
from pipeline.model.article import Article, CitedAs, CitedWork
from pipeline.model.reference import CitedReference, Reference, ReferenceState
from pipeline.model.revision import Revision
from pipeline.renditions import format_named
from workers.cli import output
from workers.cli.common import ConfigOption
from workers.cli.files import read_file
from workers.cli.judging import JudgedAsJson, JudgeOption, check_options, print_verdict


def register(app: typer.Typer) -> None:
    app.command()(render)


def render(
    file: Annotated[Path, typer.Argument(help="An article file.", exists=True, dir_okay=False)],
    format: Annotated[str, typer.Option(help="The format's name.")],
    references: Annotated[
        str, typer.Option(help="A file of PubMed XML as efetch gives it, `live` to ask PubMed, or `none`.")
    ] = "none",
    judge: JudgeOption = False,
    json: JudgedAsJson = False,
    config: ConfigOption = None,
) -> None:
    """Print one rendition of an article."""
    from workers.site import site_of

    check_options(judge=judge, json=json)
    settings = load(os.environ, file=config)
    chosen = format_named(format)
    read = read_source(SourceFile(read_file(file), str(file), settings.intake.drop))
    article = read.article
    output.warnings(read.warnings)
    known = _known(references, article, settings)
    revision = _revision(article, known, answered=references == "live", changed=_changed(file))
    body = chosen.render(revision, site_of(settings))
    if judge:
        print_verdict(article.id, None, chosen, body, json=json)
    else:
        sys.stdout.buffer.write(body)


def _known(references: str, article: Article, settings: Settings) -> dict[str, Reference]:
    pmids = [work.value for work in article.references if work.scheme == "pmid"]
    match references:
        case "none":
            return {}
        case "live":
            return _from_pubmed(pmids, settings)
        case path:
            return _from_file(Path(path))


def _from_pubmed(pmids: Sequence[str], settings: Settings) -> dict[str, Reference]:
    from pipeline.ledger.database import chunks
    from pipeline.references.pubmed.eutils import MOST_IDS
    from workers.wiring import pubmed_of

    pubmed = pubmed_of(settings)
    answers = [pubmed.fetch(batch) for batch in chunks(pmids, MOST_IDS)]
    return {pmid: reference for answer in answers for pmid, reference in answer.resolved.items()}


def _from_file(path: Path) -> dict[str, Reference]:
    from pipeline.references.pubmed.pubmed_xml import parse_pubmed

    hint = "give a file of PubMed XML as efetch gives it"
    try:
        return parse_pubmed(path.read_bytes())
    except OSError as error:
        raise InvalidEvent(f"cannot be read: {error.strerror}", file=str(path), hint=hint) from error
    except TransientError as error:  # PubMed may recover by the next attempt, a file stays as it is
        raise InvalidEvent(error.message, file=str(path), code=error.code, hint=hint) from error


def _revision(article: Article, known: dict[str, Reference], *, answered: bool, changed: dt.datetime) -> Revision:
    published = article.published or changed
    shown = []
    entries = article.cited_as or (CitedAs(),) * len(article.references)
    for number, (work, entry) in enumerate(zip(article.references, entries, strict=True), start=1):
        reference = known.get(work.value) if work.scheme == "pmid" else None
        state: ReferenceState = "resolved" if reference else _unresolved(work, answered=answered)
        shown.append(appraised(CitedReference(number, work, state, reference, entry.words, entry.also), ()))
    return Revision(
        article=article,
        number=1,
        published=published,
        updated=max(published, article.modified or published),
        references=tuple(shown),
    )


def _unresolved(work: CitedWork, *, answered: bool) -> ReferenceState:
    if work.scheme in ("url", "text"):
        return "unwatched"
    return "unknown" if answered and work.scheme == "pmid" else "pending"


def _changed(file: Path) -> dt.datetime:
    """Return the file's modification time, used as the date of an article without one.

    The same file therefore always gives the same bytes.
    """
    return dt.datetime.fromtimestamp(int(file.stat().st_mtime), dt.UTC)
